"""Notes, and who may write and delete them."""

import django.contrib.postgres.functions
import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("Support", "Finance", "Administrator"):
        roles.grant(name, "backoffice.add_note")
    roles.grant("Administrator", "backoffice.delete_note")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0005_support_names_merchants"),
        ("installations", "0008_names_and_use"),
        ("orders", "0008_rules_validated"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "text",
                    models.TextField(db_comment="The note, as it was typed", max_length=2000, verbose_name="note"),
                ),
                (
                    "written_at",
                    models.DateTimeField(
                        db_comment="When it was written",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="written at",
                    ),
                ),
                (
                    "once",
                    models.UUIDField(
                        db_comment="Made with the form, so that a form that is sent twice is one note",
                        editable=False,
                        unique=True,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_comment="The member of staff who wrote it",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The merchant that it is about, if it is about no order",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="installations.installation",
                        verbose_name="installation",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The order that it is about",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "verbose_name_plural": "notes",
                "db_table": "notes",
                "db_table_comment": "A note of staff on an order or a merchant",
                "default_permissions": ("add", "delete"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("installation__isnull", True), ("order__isnull", False)),
                            models.Q(("installation__isnull", False), ("order__isnull", True)),
                            _connector="OR",
                        ),
                        name="notes_about_one_thing",
                    )
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
