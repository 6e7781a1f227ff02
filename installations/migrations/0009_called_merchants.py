"""Pages call an installation a merchant. The table stays as it is."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0008_names_and_use"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="installation",
            options={
                "permissions": [
                    ("check_installation", "Can check merchants' credentials with Appmax"),
                    ("disable_installation", "Can disable and enable merchants"),
                    ("reconnect_installation", "Can let merchants replace their credentials"),
                    ("rename_installation", "Can name merchants"),
                ],
                "verbose_name": "merchant",
                "verbose_name_plural": "merchants",
            },
        ),
        migrations.AlterField(
            model_name="apikey",
            name="installation",
            field=models.ForeignKey(
                blank=True,
                db_comment="The merchant whose key it is; null: a key of the whole platform",
                help_text="Empty: a key for every merchant of the platform",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="api_keys",
                to="installations.installation",
                verbose_name="merchant",
            ),
        ),
    ]
