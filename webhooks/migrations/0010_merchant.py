"""An event knows its merchant. Adding the column rewrites no row; the next migration fills it for events that are there."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0009_money_not_yet_confirmed"), ("installations", "0006_comments")]

    operations = [
        migrations.AddField(
            "webhookevent",
            "installation",
            models.ForeignKey(
                blank=True,
                db_comment="The order's merchant, or without an order the merchant that the envelope names; null: unknown",
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="installations.installation",
                verbose_name="installation",
            ),
        ),
    ]
