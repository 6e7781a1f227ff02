"""What writers of SQL have to keep to: no other words in a status, a method or a reason, and no negative total.

A rule counts for new and changed rows from here on. The rows that are there are looked at by the next migration, as
that takes longer than a lock that stops the table's use may last. Each statement is a transaction of its own, so that
no two tables are locked at once.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

STATUSES = [
    "pendente", "autorizado", "cancelado", "recusado_por_risco", "aprovado", "pendente_integracao",
    "pendente_integracao_em_analise", "integrado", "estornado", "chargeback_em_tratativa", "chargeback_em_disputa",
    "chargeback_perdido", "chargeback_vencido",
]  # fmt: skip
METHODS = ["credit_card", "pix", "boleto"]
ATTEMPT_STATES = ["started", "unknown", "succeeded", "declined", "failed"]
WHYS = [
    "payment_unknown", "money", "cancellation", "ignored_money", "paid_twice", "other_merchant", "no_status",
    "order_missing", "contradicted", "corrected", "settled_by_hand", "pending", "chargeback",
]  # fmt: skip


class AddRule(AddConstraintNotValid):
    """May be run again, after a migration that was stopped between two rules."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {self.constraint.name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def rule(model, name, **condition):
    return AddRule(model, models.CheckConstraint(condition=models.Q(**condition), name=name))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0006_comments")]

    operations = [
        rule("order", "orders_known_status", status__in=STATUSES),
        rule("order", "orders_known_payment_method", payment_method__in=METHODS),
        rule("order", "orders_total_not_negative", total_cents__gte=0),
        rule("paymentattempt", "payment_attempts_known_method", method__in=[*METHODS, "upsell"]),
        rule("paymentattempt", "payment_attempts_known_state", state__in=ATTEMPT_STATES),
        rule("paymentattempt", "payment_attempts_known_restarted_from", restarted_from__in=STATUSES),
        rule("refund", "refunds_known_state", state__in=["unknown", "asked", "confirmed", "refused"]),
        rule("question", "order_questions_known_why", why__in=WHYS),
        rule("question", "order_questions_known_said", said__in=["", *STATUSES]),
    ]
