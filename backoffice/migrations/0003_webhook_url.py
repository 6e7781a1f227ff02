"""Administrators may see webhook URLs, as all staff could before."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    roles.grant("Administrator", "webhooks.view_webhook_url")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0002_administrators_reconnect"),
        ("webhooks", "0004_webhook_url"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
