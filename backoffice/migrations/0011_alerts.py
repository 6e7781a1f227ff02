"""What staff are told of by e-mail and in chats. Every role sees it; administrators say what."""

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import installations.fields
from backoffice import roles


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in roles.ROLES:
        for wanted in ("view_alertrule", "view_alert"):
            roles.grant(name, f"backoffice.{wanted}")
    roles.grant("Administrator", "backoffice.manage_alertrule")


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0010_notifications"),
        ("installations", "0008_names_and_use"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        db_comment="What it tells of: a kind of kinds.py",
                        max_length=32,
                        verbose_name="what it tells of",
                    ),
                ),
                (
                    "threshold",
                    models.IntegerField(
                        blank=True,
                        db_comment="From how much on it tells, in the unit of its kind; null: the kind has no threshold",
                        null=True,
                        verbose_name="from when on",
                    ),
                ),
                (
                    "recipients",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.EmailField(max_length=254),
                        blank=True,
                        db_comment="Staff's e-mail addresses that are told",
                        default=list,
                        size=None,
                        verbose_name="e-mail to",
                    ),
                ),
                (
                    "chat_url",
                    installations.fields.EncryptedTextField(
                        db_comment="The chat's incoming webhook URL, encrypted with FIELD_ENCRYPTION_KEYS; who has it may write there",
                        default="",
                        max_plain_length=2000,
                        verbose_name="chat's webhook URL",
                    ),
                ),
                (
                    "chat_host",
                    models.CharField(
                        blank=True,
                        db_comment="The host of chat_url, which may be shown; empty: no chat is told",
                        db_default="",
                        default="",
                        max_length=255,
                        verbose_name="chat",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        db_comment="Language of what it tells", default="pt-br", max_length=8, verbose_name="language"
                    ),
                ),
                ("enabled", models.BooleanField(db_comment="Whether it is looked at", default=True, verbose_name="on")),
                (
                    "since",
                    models.DateTimeField(
                        db_comment="When it was made or last switched on; what happened before is not told",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="since",
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The merchant whom it is about; null: all of them, or none",
                        help_text="Empty: all merchants",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="installations.installation",
                        verbose_name="merchant",
                    ),
                ),
            ],
            options={
                "verbose_name": "alert rule",
                "verbose_name_plural": "alert rules",
                "db_table": "alert_rules",
                "db_table_comment": "What staff want to be told of, from when on, and where",
                "permissions": [("manage_alertrule", "Can manage alert rules")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(db_comment="The rule's kind", max_length=32, verbose_name="what it tells of"),
                ),
                (
                    "recipient",
                    models.CharField(
                        blank=True,
                        db_comment="The e-mail address; empty: the rule's chat",
                        max_length=254,
                        verbose_name="to",
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        db_comment="What it is about, such as order:42; told once an hour at most. test: a test",
                        max_length=64,
                    ),
                ),
                (
                    "occasion",
                    models.CharField(
                        blank=True,
                        db_comment="Which of the subject's occasions it is, so that none is told twice",
                        max_length=64,
                    ),
                ),
                (
                    "text",
                    models.TextField(
                        db_comment="What is told, in the rule's language, without personal data", verbose_name="text"
                    ),
                ),
                ("path", models.CharField(db_comment="The page in the back office where to look", max_length=500)),
                (
                    "found_at",
                    models.DateTimeField(
                        db_comment="When it was found",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="found at",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Not sent")],
                        db_comment="What became of it: waiting, sent or failed",
                        default="waiting",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                (
                    "tries",
                    models.SmallIntegerField(
                        db_comment="How often it was sent, this time included", db_default=0, verbose_name="tries"
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        db_comment="When it is sent next; while a worker sends it, when another one may",
                        db_default=django.db.models.functions.datetime.Now(),
                    ),
                ),
                (
                    "sent_at",
                    models.DateTimeField(
                        db_comment="When the server took it; null: it has not", null=True, verbose_name="sent at"
                    ),
                ),
                (
                    "error",
                    models.CharField(
                        blank=True,
                        db_comment="Why it was not sent the last time: the kind of failure, or what the chat answered",
                        db_default="",
                        max_length=200,
                        verbose_name="failure",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        db_comment="The rule that found it; null: it has been deleted",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="alerts",
                        to="backoffice.alertrule",
                        verbose_name="alert rule",
                    ),
                ),
            ],
            options={
                "verbose_name": "alert",
                "verbose_name_plural": "alerts",
                "db_table": "alerts",
                "db_table_comment": "What an alert rule found, for one address or the rule's chat, and whether it was sent",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("recipients", []), _negated=True),
                    models.Q(("chat_host", ""), _negated=True),
                    _connector="OR",
                ),
                name="alert_rules_tell_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["rule", "subject", "found_at"], name="alerts_of_subject"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(condition=models.Q(("state", "waiting")), fields=["due_at"], name="alerts_due"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["found_at"], name="alerts_found_at"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "sent", "failed"])), name="alerts_known_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("sent_at__isnull", False), ("state", "sent")),
                    models.Q(models.Q(("state", "sent"), _negated=True), ("sent_at__isnull", True)),
                    _connector="OR",
                ),
                name="alerts_sent_has_time",
            ),
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
