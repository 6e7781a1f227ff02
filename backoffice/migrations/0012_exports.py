"""Long files of lists, which the worker makes."""

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0011_alerts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "asked_at",
                    models.DateTimeField(
                        db_comment="When it was asked for",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="asked for at",
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        db_comment="The list's model, such as orders.order", max_length=100, verbose_name="list"
                    ),
                ),
                ("form", models.CharField(db_comment="csv or xlsx", max_length=4)),
                (
                    "language",
                    models.CharField(db_comment="The language of its words, numbers and dates", max_length=10),
                ),
                (
                    "file_name",
                    models.CharField(db_comment="The list, and its days", max_length=150, verbose_name="file"),
                ),
                ("total", models.IntegerField(db_comment="How many rows it has")),
                ("done", models.IntegerField(db_comment="How many of them are written", db_default=0)),
                (
                    "tries",
                    models.SmallIntegerField(
                        db_comment="How often it was begun since the last part was written", db_default=0
                    ),
                ),
                (
                    "leased_until",
                    models.DateTimeField(db_comment="Until then one worker writes it; null: none does", null=True),
                ),
                (
                    "finished_at",
                    models.DateTimeField(
                        db_comment="When it was finished, or given up; a day later it is deleted. Null: it is under way",
                        null=True,
                    ),
                ),
                ("has_failed", models.BooleanField(db_comment="Whether it was given up", db_default=False)),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_comment="The member of staff who asked for it, and who alone may download it",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked for by",
                    ),
                ),
            ],
            options={
                "verbose_name": "file of a list",
                "verbose_name_plural": "files of lists",
                "db_table": "exports",
                "db_table_comment": "A long file of a list, made by the worker and deleted after a day",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=("asked_by",),
                        name="exports_one_under_way",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("form__in", ("csv", "xlsx"))), name="exports_known_form"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField(db_comment="0, 1, 2, ... from the file's beginning")),
                (
                    "row_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), db_comment="Its rows, newest first", size=None
                    ),
                ),
                ("content", models.BinaryField(db_comment="Its bytes of the file; null: not written yet", null=True)),
                (
                    "export",
                    models.ForeignKey(
                        db_comment="The file",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="backoffice.export",
                    ),
                ),
            ],
            options={
                "verbose_name": "part of a file",
                "verbose_name_plural": "parts of files",
                "db_table": "export_parts",
                "db_table_comment": "A part of a list's long file: which rows it has, and what was written of them",
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("export", "number"), name="export_parts_number")],
            },
        ),
    ]
