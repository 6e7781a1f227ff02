"""Every role may name merchants."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in roles.ROLES:
        roles.grant(name, "installations.rename_installation")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0004_questions"),
        ("installations", "0008_names_and_use"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
