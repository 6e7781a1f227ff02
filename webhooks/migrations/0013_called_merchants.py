"""Pages call an installation a merchant. The table stays as it is."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0009_called_merchants"),
        ("webhooks", "0012_failed_tries"),
    ]

    operations = [
        migrations.AlterField(
            model_name="webhookevent",
            name="installation",
            field=models.ForeignKey(
                blank=True,
                db_comment="The order's merchant, or without an order the merchant that the envelope names; null: unknown",
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="installations.installation",
                verbose_name="merchant",
            ),
        ),
    ]
