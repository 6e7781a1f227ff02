"""Administrators of the back office may make reconnect links."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    roles.grant("Administrator", "installations.reconnect_installation")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0001_roles"),
        ("installations", "0003_told_and_reconnected"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
