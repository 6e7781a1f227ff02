"""The rows that were there before the rules are looked at; the tables are in use meanwhile.

Our code writes no row that breaks a rule, but somebody may have with SQL, and a shop must be able to migrate all the
same. Then the rule stays as it is, for new and changed rows, and is named: docs/database.md says how to finish.
"""

import sys

from django.db import IntegrityError, migrations, transaction

RULES = {
    "orders": ["orders_known_status", "orders_known_payment_method", "orders_total_not_negative"],
    "payment_attempts": [
        "payment_attempts_known_method",
        "payment_attempts_known_state",
        "payment_attempts_known_restarted_from",
    ],
    "refunds": ["refunds_known_state"],
    "order_questions": ["order_questions_known_why", "order_questions_known_said"],
}


def validate(apps, schema_editor):
    for table, rules in RULES.items():
        for rule in rules:
            try:
                with transaction.atomic():
                    schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {rule}")
            except IntegrityError:
                sys.stderr.write(f"\n{table} has rows that break {rule}: see docs/database.md, Rules\n")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0007_rules")]

    operations = [migrations.RunPython(validate, migrations.RunPython.noop, elidable=True)]
