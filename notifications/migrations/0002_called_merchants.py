"""Pages call an installation a merchant. The table stays as it is."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0009_called_merchants"),
        ("notifications", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="endpoint",
            name="installation",
            field=models.ForeignKey(
                db_comment="Whose orders it is told of",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="installations.installation",
                verbose_name="merchant",
            ),
        ),
    ]
