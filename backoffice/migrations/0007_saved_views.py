"""Saved views of lists, and who may share them."""

import django.db.models.deletion
import django.db.models.functions.text
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("Finance", "Administrator"):
        roles.grant(name, "backoffice.share_savedview")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0006_notes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
