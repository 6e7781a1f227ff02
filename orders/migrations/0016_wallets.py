"""Orders are paid by Google Pay and Apple Pay, too.

The rules of 0007 that name the methods are replaced by wider ones. As there, each statement is a transaction of its own
and may be run again, and the rows are looked at while the tables are in use.
"""

import sys

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import IntegrityError, migrations, models, transaction

METHODS = {
    "credit_card": "Credit card",
    "pix": "Pix",
    "boleto": "Boleto",
    "google_pay": "Google Pay",
    "apple_pay": "Apple Pay",
}
COMMENTS = """
COMMENT ON COLUMN orders.payment_method IS
    'credit_card, pix, boleto, google_pay or apple_pay; null until a payment was taken';
COMMENT ON COLUMN payment_attempts.method IS
    'What Appmax was asked for: credit_card, pix, boleto, google_pay, apple_pay or upsell'
"""
RULES = {"orders": "orders_known_payment_method", "payment_attempts": "payment_attempts_known_method"}


class ReplaceRule(AddConstraintNotValid):
    def state_forwards(self, app_label, state):
        state.remove_constraint(app_label, self.model_name_lower, self.constraint.name)
        super().state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {self.constraint.name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def rule(model, table, **condition):
    return ReplaceRule(model, models.CheckConstraint(condition=models.Q(**condition), name=RULES[table]))


def validate(apps, schema_editor):
    for table, name in RULES.items():
        try:
            with transaction.atomic():
                schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        except IntegrityError:
            sys.stderr.write(f"\n{table} has rows that break {name}: see docs/database.md, Rules\n")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0015_sales_indexes")]

    operations = [
        # Django would write the columns' types again, for which it locks the tables.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(COMMENTS, migrations.RunSQL.noop)],
            [
                migrations.AlterField(
                    model_name="order",
                    name="payment_method",
                    field=models.CharField(
                        blank=True,
                        choices=list(METHODS.items()),
                        db_comment="credit_card, pix, boleto, google_pay or apple_pay; null until a payment was taken",
                        max_length=32,
                        null=True,
                        verbose_name="payment method",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="method",
                    field=models.CharField(
                        choices=[*METHODS.items(), ("upsell", "Upsell")],
                        db_comment="What Appmax was asked for: credit_card, pix, boleto, google_pay, apple_pay or upsell",
                        max_length=32,
                        verbose_name="method",
                    ),
                ),
            ],
        ),
        rule("order", "orders", payment_method__in=list(METHODS)),
        rule("paymentattempt", "payment_attempts", method__in=[*METHODS, "upsell"]),
        migrations.RunPython(validate, migrations.RunPython.noop, elidable=True),
    ]
