"""Of one order one subscription is made, so the order tells that Appmax was asked for one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0017_subscriptions")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="renewal_asked_at",
            field=models.DateTimeField(
                blank=True,
                db_comment="When Appmax was last asked for a subscription of the order; null: never, or it made none",
                null=True,
                verbose_name="renewal asked for",
            ),
        ),
    ]
