"""The back office's roles. Made once; afterwards they are the administrators' to change."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.recorder import MigrationRecorder

from backoffice import roles


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    was_made = ("checkout_project", "0001_roles")  # this migration, before the back office was an app of its own
    if was_made not in MigrationRecorder(schema_editor.connection).applied_migrations():
        roles.make()


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
