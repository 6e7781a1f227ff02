"""Where Apple Pay shall work."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0009_called_merchants"),
    ]

    operations = [
        migrations.CreateModel(
            name="Domain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        db_comment="The host name in ASCII, without a port", max_length=253, verbose_name="name"
                    ),
                ),
                (
                    "told_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When an installation that told Appmax of it was done; null: the next one will tell",
                        help_text="When Appmax was told; empty: with the next connection",
                        null=True,
                        verbose_name="told at",
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        db_comment="Whose shop it is",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domains",
                        to="installations.installation",
                    ),
                ),
            ],
            options={
                "verbose_name": "domain",
                "verbose_name_plural": "domains",
                "db_table": "installation_domains",
                "db_table_comment": "A host name of a merchant's shop where Apple Pay shall work, and when Appmax was told of it",
                "constraints": [
                    models.UniqueConstraint(fields=("installation", "name"), name="installation_domains_once")
                ],
            },
        ),
    ]
