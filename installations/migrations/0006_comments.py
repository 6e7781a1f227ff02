"""What tables and columns hold; webhooks.0008_comments writes it into the database."""

import uuid

import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

import installations.fields


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0005_keys_by_prefix"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [],
            [
                migrations.AlterModelTableComment(
                    name="apikey",
                    table_comment="A hashed key of one merchant, or of the platform",
                ),
                migrations.AlterModelTableComment(
                    name="generatecall",
                    table_comment="An open call to /app/client/generate: Appmax's callback meanwhile is about its external_key",
                ),
                migrations.AlterModelTableComment(
                    name="identity",
                    table_comment="An external_id that Appmax was told: for which external_key, when, and of which installation it became",
                ),
                migrations.AlterModelTableComment(
                    name="installation",
                    table_comment="A merchant who installed the app, with its credentials",
                ),
                migrations.AlterModelTableComment(
                    name="reconnectlink",
                    table_comment="A link that lets credentials be replaced: who made it, when it was used, and whether they were",
                ),
                migrations.AlterModelTableComment(
                    name="suspension",
                    table_comment="A merchant that staff have disabled, since when and why",
                ),
                migrations.AlterField(
                    model_name="apikey",
                    name="installation",
                    field=models.ForeignKey(
                        blank=True,
                        db_comment="The merchant whose key it is; null: a key of the whole platform",
                        help_text="Empty: a key for every merchant of the platform",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to="installations.installation",
                        verbose_name="installation",
                    ),
                ),
                migrations.AlterField(
                    model_name="identity",
                    name="external_id",
                    field=models.UUIDField(
                        db_comment="What Appmax was told", default=uuid.uuid4, unique=True, verbose_name="external id"
                    ),
                ),
                migrations.AlterField(
                    model_name="identity",
                    name="external_key",
                    field=models.CharField(
                        db_comment="Merchant identifier for which it was told",
                        max_length=255,
                        verbose_name="external key",
                    ),
                ),
                migrations.AlterField(
                    model_name="identity",
                    name="installation",
                    field=models.ForeignKey(
                        blank=True,
                        db_comment="Null until credentials have come for the external_key",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identities",
                        to="installations.installation",
                    ),
                ),
                migrations.AlterField(
                    model_name="identity",
                    name="told_at",
                    field=models.DateTimeField(
                        db_comment="When Appmax was told",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        verbose_name="told at",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="app_id",
                    field=models.CharField(
                        db_comment="Id of the app: its number if Appmax's callback came first, its UUID if the browser did",
                        help_text="Numeric if Appmax's callback came first, UUID if the browser did",
                        max_length=255,
                        verbose_name="app id",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="created_at",
                    field=models.DateTimeField(
                        db_comment="When the row was made",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="created at",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="external_id",
                    field=models.UUIDField(
                        db_comment="UUID that other systems know the installation by; made once, and never changed",
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        help_text="The first one; Appmax knows the store by the newest that it was told",
                        unique=True,
                        verbose_name="external id",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="external_key",
                    field=models.CharField(
                        db_comment="Merchant identifier from Appmax, by which both ways of installing find the row again",
                        help_text="Merchant identifier from Appmax",
                        max_length=255,
                        verbose_name="external key",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="installed_at",
                    field=models.DateTimeField(
                        db_comment="When the installation was last confirmed",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        verbose_name="installed at",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="merchant_client_id",
                    field=models.CharField(
                        db_comment="OAuth client id of the merchant at Appmax",
                        max_length=512,
                        verbose_name="merchant client id",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="merchant_client_secret",
                    field=installations.fields.EncryptedTextField(
                        db_comment="OAuth client secret of the merchant, encrypted with FIELD_ENCRYPTION_KEYS",
                        max_plain_length=512,
                        verbose_name="merchant client secret",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="unverified_since",
                    field=models.DateTimeField(
                        blank=True,
                        db_comment="Since when Appmax has not answered whether it accepts the credentials; null: it has accepted them",
                        editable=False,
                        help_text="Credentials that Appmax's auth server has not accepted yet",
                        null=True,
                        verbose_name="unverified since",
                    ),
                ),
                migrations.AlterField(
                    model_name="installation",
                    name="updated_at",
                    field=models.DateTimeField(
                        auto_now=True,
                        db_comment="When the row was last changed",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        verbose_name="updated at",
                    ),
                ),
                migrations.AlterField(
                    model_name="reconnectlink",
                    name="begun_at",
                    field=models.DateTimeField(
                        blank=True,
                        db_comment="When the link was last opened",
                        help_text="When it was last opened",
                        null=True,
                        verbose_name="begun at",
                    ),
                ),
                migrations.AlterField(
                    model_name="reconnectlink",
                    name="made_by",
                    field=models.CharField(
                        db_comment="A member of staff, an API key or a command",
                        help_text="A member of staff, an API key or a command",
                        max_length=255,
                        verbose_name="made by",
                    ),
                ),
                migrations.AlterField(
                    model_name="reconnectlink",
                    name="replaced",
                    field=models.BooleanField(
                        db_comment="Whether Appmax gave other credentials than before",
                        db_default=False,
                        help_text="Whether Appmax gave other credentials than before",
                        verbose_name="replaced credentials",
                    ),
                ),
                migrations.AlterField(
                    model_name="reconnectlink",
                    name="used_at",
                    field=models.DateTimeField(
                        blank=True,
                        db_comment="When the installation that it began was done",
                        help_text="When the installation was done",
                        null=True,
                        verbose_name="used at",
                    ),
                ),
                migrations.AlterField(
                    model_name="suspension",
                    name="reason",
                    field=models.CharField(
                        db_comment="Why, in the words of staff", max_length=255, verbose_name="reason"
                    ),
                ),
                migrations.AlterField(
                    model_name="suspension",
                    name="since",
                    field=models.DateTimeField(
                        db_comment="Since when the merchant is disabled",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="since",
                    ),
                ),
            ],
        ),
    ]
