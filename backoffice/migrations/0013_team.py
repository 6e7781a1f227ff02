"""Logins of staff and what roles ask for; administrators see the team's log, and end sessions."""

import django.contrib.postgres.functions
import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    roles.grant("Administrator", "backoffice.manage_staffsession")
    roles.grant("Administrator", "admin.view_logentry")


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("backoffice", "0012_exports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleSettings",
            fields=[
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="settings",
                        serialize=False,
                        to="auth.group",
                        verbose_name="role",
                    ),
                ),
                (
                    "needs_second_factor",
                    models.BooleanField(
                        db_comment="Whether who has the role must prove a second factor at login",
                        db_default=False,
                        verbose_name="needs a second factor",
                    ),
                ),
            ],
            options={
                "db_table": "role_settings",
                "db_table_comment": "What a role asks of those who have it",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="StaffSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "session_key",
                    models.CharField(
                        db_comment="The key of its row in django_session; null: it was ended",
                        editable=False,
                        max_length=40,
                        null=True,
                        unique=True,
                    ),
                ),
                (
                    "address",
                    models.GenericIPAddressField(
                        db_comment="Where the login came from; of IPv6 the /64", null=True, verbose_name="address"
                    ),
                ),
                (
                    "browser",
                    models.CharField(
                        db_comment="The browser's User-Agent header, cut off",
                        db_default="",
                        max_length=200,
                        verbose_name="browser",
                    ),
                ),
                (
                    "began_at",
                    models.DateTimeField(
                        db_comment="When the login was made",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        verbose_name="began at",
                    ),
                ),
                (
                    "seen_at",
                    models.DateTimeField(
                        db_comment="When it last opened a page, to the minute",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        verbose_name="last seen",
                    ),
                ),
                (
                    "ended_at",
                    models.DateTimeField(
                        db_comment="When somebody ended it; null: nobody did, though it may have expired",
                        null=True,
                        verbose_name="ended at",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        db_comment="Who ended it: its owner, or an administrator",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="ended by",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_comment="Who logged in",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="staff_sessions",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "db_table": "staff_sessions",
                "db_table_comment": "A login of staff, open or over",
                "permissions": [("manage_staffsession", "Can see and end the sessions of others")],
                "default_permissions": (),
                "indexes": [models.Index(fields=["user", "-seen_at"], name="staff_sessions_by_user")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ended_at__isnull", True), ("session_key__isnull", True), _connector="OR"),
                        name="staff_sessions_ended_has_no_key",
                    )
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
