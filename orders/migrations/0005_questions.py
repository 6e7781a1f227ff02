"""One table of questions for Appmax. What was flagged before stays a question, and what Appmax was asked when is kept."""

import django.db.models.deletion
from django.db import migrations, models

# Only the text of a status check said why Appmax was to be asked.
_TAKE_OVER = """
    INSERT INTO order_questions (appmax_order_id, installation_id, why, since, due_at, times, asked_at)
    SELECT orders.appmax_order_id, orders.installation_id,
           CASE WHEN EXISTS (SELECT FROM payment_attempts WHERE order_id = orders.id AND state IN ('started', 'unknown'))
                THEN 'payment_unknown'
                WHEN error_message LIKE 'authorised, and then %' THEN 'cancellation'
                WHEN error_message LIKE 'Appmax said %' OR error_message LIKE 'a payment began while %'
                THEN 'contradicted'
                WHEN status IN ('pendente', 'autorizado') THEN 'pending'
                ELSE 'money' END,
           checked.asked_at, CASE WHEN error_message IS NOT NULL THEN next_at END, times, checked.asked_at
      FROM order_status_checks checked JOIN orders ON orders.id = checked.order_id
"""
WHY = [
    ("payment_unknown", "A payment's outcome is unknown"),
    ("money", "A webhook told of money"),
    ("cancellation", "A webhook told of a cancellation"),
    ("ignored_money", "A webhook told of money, and moved nothing"),
    ("paid_twice", "Paid twice?"),
    ("other_merchant", "A webhook named another merchant"),
    ("no_status", "A webhook told of something without a status of its own"),
    ("order_missing", "A webhook told of an order that is not there"),
    ("contradicted", "What we know contradicts itself"),
    ("corrected", "Appmax contradicted what we knew, and is asked once more"),
    ("settled_by_hand", "Staff said what became of a payment"),
    ("pending", "Pending for long"),
    ("chargeback", "In a chargeback"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0002_suspension"),
        ("orders", "0004_what_storefronts_ask_for"),
    ]

    operations = [
        migrations.CreateModel(
            name="Quota",
            fields=[
                (
                    "installation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="installations.installation",
                    ),
                ),
                ("tokens", models.FloatField()),
                ("counted_at", models.DateTimeField()),
                ("paused_until", models.DateTimeField(null=True)),
            ],
            options={"db_table": "question_quotas"},
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("appmax_order_id", models.IntegerField(verbose_name="Appmax order id")),
                ("why", models.CharField(choices=WHY, max_length=32, verbose_name="reason")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("due_at", models.DateTimeField(null=True, verbose_name="asked next at")),
                ("is_patient", models.BooleanField(db_default=False, verbose_name="may wait")),
                ("claims", models.IntegerField(db_default=1, verbose_name="claims")),
                ("times", models.IntegerField(db_default=0, verbose_name="times asked")),
                ("asked_at", models.DateTimeField(null=True, verbose_name="asked at")),
                ("said", models.CharField(db_default="", max_length=64, verbose_name="Appmax said")),
                ("error", models.CharField(db_default="", max_length=64, verbose_name="failure")),
                ("refuted", models.IntegerField(db_default=0, verbose_name="claims refuted")),
                ("refuted_at", models.DateTimeField(null=True, verbose_name="last refuted at")),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="installations.installation",
                        verbose_name="installation",
                    ),
                ),
            ],
            options={
                "verbose_name": "question",
                "verbose_name_plural": "questions",
                "db_table": "order_questions",
            },
        ),
        migrations.AddIndex(
            model_name="question",
            index=models.Index(
                models.F("is_patient"),
                models.OrderBy(models.F("asked_at"), nulls_first=True),
                models.F("due_at"),
                condition=models.Q(("due_at__isnull", False)),
                name="order_questions_next",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.UniqueConstraint(
                fields=("appmax_order_id", "installation"), name="order_questions_one_per_order"
            ),
        ),
        migrations.RunSQL(_TAKE_OVER, migrations.RunSQL.noop),
        # Its table stays until the next release: the old web may still write into it while this one is rolled out.
        migrations.SeparateDatabaseAndState([], [migrations.DeleteModel(name="StatusCheck")]),
    ]
