"""Questions to Appmax took the place of status checks: who might see those sees these."""

from django.apps import apps as django_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    create_permissions(django_apps.get_app_config("orders"), verbosity=0)  # usually made after all migrations
    Permission = apps.get_model("auth", "Permission")
    permissions = Permission.objects.filter(content_type__app_label="orders")
    wanted = permissions.get(codename="view_question")
    for before in permissions.filter(codename="view_statuscheck"):
        for group in before.group_set.all():
            group.permissions.add(wanted)
        for user in before.user_set.all():
            user.user_permissions.add(wanted)


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0003_webhook_url"),
        ("orders", "0005_questions"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
