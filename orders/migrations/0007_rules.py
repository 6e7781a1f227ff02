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
WHYS = [
    "payment_unknown", "money", "cancellation", "ignored_money", "paid_twice", "other_merchant", "no_status",
    "order_missing", "contradicted", "corrected", "settled_by_hand", "pending", "chargeback",
]  # fmt: skip


class AddRule(AddConstraintNotValid):
    """May be run again, after a migration that was stopped between two rules."""

    def __init__(self, model_name, name, condition):
        super().__init__(model_name, models.CheckConstraint(condition=condition, name=name))

    def deconstruct(self):
        arguments = {"model_name": self.model_name, "name": self.constraint.name}
        return "AddRule", [], arguments | {"condition": self.constraint.condition}

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {self.constraint.name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0006_comments")]

    operations = [
        AddRule("order", "orders_known_status", models.Q(("status__in", STATUSES))),
        AddRule("order", "orders_known_payment_method", models.Q(("payment_method__in", METHODS))),
        AddRule("order", "orders_total_not_negative", models.Q(("total_cents__gte", 0))),
        AddRule("paymentattempt", "payment_attempts_known_method", models.Q(("method__in", [*METHODS, "upsell"]))),
        AddRule(
            "paymentattempt",
            "payment_attempts_known_state",
            models.Q(("state__in", ["started", "unknown", "succeeded", "declined", "failed"])),
        ),
        AddRule("paymentattempt", "payment_attempts_known_restarted_from", models.Q(("restarted_from__in", STATUSES))),
        AddRule("refund", "refunds_known_state", models.Q(("state__in", ["unknown", "asked", "confirmed", "refused"]))),
        AddRule("question", "order_questions_known_why", models.Q(("why__in", WHYS))),
        AddRule("question", "order_questions_known_said", models.Q(("said__in", ["", *STATUSES]))),
    ]
