"""Every role sees what storefronts are told, and may have it sent again; administrators look after endpoints."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in roles.ROLES:
        for wanted in ("view_endpoint", "view_notification", "send_notification"):
            roles.grant(name, f"notifications.{wanted}")
    roles.grant("Administrator", "notifications.manage_endpoint")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0009_merchant_figures"),
        ("notifications", "0001_initial"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
