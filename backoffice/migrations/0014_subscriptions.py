"""Every role sees subscriptions; who may move money may pause, reactivate and cancel them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in roles.ROLES:
        roles.grant(name, "orders.view_subscription")
    for name in ("Finance", "Administrator"):
        roles.grant(name, "orders.manage_subscription")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0013_team"),
        ("orders", "0017_subscriptions"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
