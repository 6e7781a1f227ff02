"""A reconnect link says whether the shop's API keys stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("installations", "0011_keys_in_use")]

    operations = [
        migrations.AddField(
            model_name="reconnectlink",
            name="keeps_access",
            field=models.BooleanField(
                db_comment="Whether the shop's API keys and endpoints stay if another Appmax account comes",
                db_default=False,
                help_text="Whether API keys and endpoints stay if another Appmax account comes",
                verbose_name="keeps the keys",
            ),
        ),
    ]
