"""What the tables and columns of our apps hold is written into the database, for those who read it there.

Django would set each column's type again beside its comment: that locks the table and builds partial indexes anew. So
the fields are altered in Django's state alone, and the comments are written by themselves, which stops nothing.
"""

import django.contrib.postgres.functions
from django.db import migrations, models


def write(apps, schema_editor):
    for app in ("installations", "orders", "webhooks"):
        for model in apps.get_app_config(app).get_models():
            schema_editor.alter_db_table_comment(model, "", model._meta.db_table_comment)
            table = schema_editor.quote_name(model._meta.db_table)
            for field in model._meta.local_fields:
                if field.db_comment:
                    column = schema_editor.quote_name(field.column)
                    comment = schema_editor.quote_value(field.db_comment)
                    schema_editor.execute(f"COMMENT ON COLUMN {table}.{column} IS {comment}")


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0007_outcome_indexes"),
        ("installations", "0006_comments"),
        ("orders", "0006_comments"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [],
            [
                migrations.AlterModelTableComment(
                    name="claimsource",
                    table_comment="Addresses from which claims came that Appmax has refuted",
                ),
                migrations.AlterModelTableComment(
                    name="progress",
                    table_comment="How far a job that goes through all events has come",
                ),
                migrations.AlterModelTableComment(
                    name="webhookevent",
                    table_comment="An event as Appmax posted it, and what became of it",
                ),
                migrations.AlterField(
                    model_name="claimsource",
                    name="address",
                    field=models.GenericIPAddressField(
                        db_comment="Address that claims came from", primary_key=True, serialize=False
                    ),
                ),
                migrations.AlterField(
                    model_name="claimsource",
                    name="refuted",
                    field=models.IntegerField(db_comment="How many of its claims Appmax has refuted lately"),
                ),
                migrations.AlterField(
                    model_name="claimsource",
                    name="refuted_at",
                    field=models.DateTimeField(db_comment="When Appmax last refuted one"),
                ),
                migrations.AlterField(
                    model_name="progress",
                    name="job",
                    field=models.CharField(
                        db_comment="Name of the job", max_length=32, primary_key=True, serialize=False
                    ),
                ),
                migrations.AlterField(
                    model_name="progress",
                    name="position",
                    field=models.BigIntegerField(db_comment="Id of the last event that needs no further look"),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="appmax_order_id",
                    field=models.IntegerField(
                        blank=True,
                        db_comment="Id of the order at Appmax; null for events without an order",
                        null=True,
                        verbose_name="Appmax order id",
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="created_at",
                    field=models.DateTimeField(
                        db_comment="When the event was received",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="received at",
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="error_message",
                    field=models.TextField(
                        blank=True,
                        db_comment="Details if processing failed, or why the event changed nothing: prose, which no code reads",
                        null=True,
                        verbose_name="error message",
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="event",
                    field=models.CharField(
                        db_comment="Event name, such as OrderPaid or order_paid", max_length=64, verbose_name="event"
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="event_type",
                    field=models.CharField(
                        db_comment="Event category, such as order or subscription; empty if Appmax named none",
                        max_length=32,
                        verbose_name="event type",
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="outcome",
                    field=models.CharField(
                        choices=[
                            ("applied", "Applied"),
                            ("ignored", "Ignored"),
                            ("acknowledged", "Acknowledged"),
                            ("duplicate", "Duplicate"),
                            ("refused", "Refused"),
                            ("refuted", "Not believed"),
                            ("superseded", "Of an earlier payment attempt"),
                            ("waiting", "Waiting"),
                            ("closed", "Order not found"),
                            ("failed", "Failed"),
                        ],
                        db_comment="What became of the event",
                        db_default="waiting",
                        editable=False,
                        max_length=16,
                        verbose_name="outcome",
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="payload",
                    field=models.JSONField(db_comment="Full webhook payload", verbose_name="payload"),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="processed",
                    field=models.BooleanField(
                        db_comment="Whether the event has been handled", db_default=False, verbose_name="processed"
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="processed_at",
                    field=models.DateTimeField(
                        blank=True, db_comment="When the event was processed", null=True, verbose_name="processed at"
                    ),
                ),
                migrations.AlterField(
                    model_name="webhookevent",
                    name="source",
                    field=models.GenericIPAddressField(
                        blank=True,
                        db_comment="Address that the event was sent from",
                        editable=False,
                        null=True,
                        verbose_name="sent from",
                    ),
                ),
            ],
        ),
        migrations.RunPython(write, migrations.RunPython.noop, elidable=True),
    ]
