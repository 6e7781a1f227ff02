"""Notes and saved views, and who may write, delete and share them."""

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.text
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles

GRANTED = {
    "Support": ["backoffice.add_note"],
    "Finance": ["backoffice.add_note", "backoffice.share_savedview"],
    "Administrator": ["backoffice.add_note", "backoffice.share_savedview", "backoffice.delete_note"],
}


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name, permissions in GRANTED.items():
        for permission in permissions:
            roles.grant(name, permission)


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
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "list_name",
                    models.CharField(
                        db_comment="The list's model, such as orders.order", max_length=100, verbose_name="list"
                    ),
                ),
                ("name", models.CharField(db_comment="What staff call it", max_length=60, verbose_name="name")),
                (
                    "query",
                    models.TextField(
                        db_comment="The query string of the list", max_length=2000, verbose_name="filters"
                    ),
                ),
                (
                    "is_shared",
                    models.BooleanField(db_comment="Whether all staff see it", db_default=False, verbose_name="shared"),
                ),
                (
                    "saved_at",
                    models.DateTimeField(
                        db_comment="When it was saved",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="saved at",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_comment="The member of staff who saved it",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "db_table": "saved_views",
                "db_table_comment": "The filters of a list in the back office under a name",
                "permissions": [("share_savedview", "Can share saved views")],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        models.F("list_name"),
                        models.F("owner"),
                        django.db.models.functions.text.Lower("name"),
                        name="saved_views_own_name",
                    ),
                    models.UniqueConstraint(
                        models.F("list_name"),
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("is_shared", True)),
                        name="saved_views_shared_name",
                    ),
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
