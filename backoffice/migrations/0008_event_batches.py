"""Batches of events that staff want tried now."""

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0007_saved_views"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EventBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "asked_at",
                    models.DateTimeField(
                        db_comment="When it was begun",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="begun at",
                    ),
                ),
                (
                    "event_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_comment="The events, in the order in which they are tried",
                        size=None,
                    ),
                ),
                (
                    "done",
                    models.IntegerField(
                        db_comment="How many of them have been tried", db_default=0, verbose_name="tried"
                    ),
                ),
                (
                    "outcomes",
                    models.JSONField(
                        db_comment="How many of those tried came to which outcome",
                        db_default={},
                        default=dict,
                        verbose_name="outcomes",
                    ),
                ),
                (
                    "leased_until",
                    models.DateTimeField(
                        db_comment="Until then one worker tries its events; null: nobody has begun", null=True
                    ),
                ),
                (
                    "finished_at",
                    models.DateTimeField(
                        db_comment="When the last one was tried; null: it is under way",
                        null=True,
                        verbose_name="finished at",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_comment="The member of staff who began it",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="begun by",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch of events",
                "verbose_name_plural": "batches of events",
                "db_table": "event_batches",
                "db_table_comment": "Unprocessed events that staff want tried now, and how far that has come",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("finished_at",), name="event_batches_one_under_way", nulls_distinct=False
                    )
                ],
            },
        ),
    ]
