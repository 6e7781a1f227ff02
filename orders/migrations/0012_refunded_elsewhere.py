from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0011_amount_index")]

    operations = [
        migrations.AddField(
            "order",
            "refunded_elsewhere_at",
            models.DateTimeField(
                blank=True,
                db_comment=(
                    "When a part went back that nobody had asked for through us; only Appmax's panel tells how much"
                ),
                null=True,
                verbose_name="refunded in Appmax's panel",
            ),
        ),
    ]
