"""Questions to Appmax took the place of status checks: who might see those sees these."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    roles.grant_to_holders("orders.view_statuscheck", "orders.view_question")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0003_webhook_url"),
        ("orders", "0005_questions"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
