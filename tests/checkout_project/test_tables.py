"""The tables as writers and readers of SQL find them: rules that the database keeps, and what columns hold."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from orders.models import Order, PaymentAttempt, Question, Refund
from orders.questions.why import Why
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db

APPS = ("backoffice", "installations", "notifications", "orders", "webhooks")
OURS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
SEEDS = ("installations", "orders", "webhook_events")

VALIDATION = import_module("orders.migrations.0008_rules_validated")


@pytest.fixture
def order(db: None) -> Order:
    order: Order = OrderFactory.create()
    PaymentAttempt.objects.create(order=order, method="pix", state="started", fingerprint="")
    Refund.objects.create(order=order, amount_cents=100)
    Question.objects.put(order.appmax_order_id, order.installation_id, Why.MONEY)
    return order


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("orders", "status", "pago"),
        ("orders", "status", "Aprovado"),
        ("orders", "payment_method", "cash"),
        ("orders", "payment_method", ""),
        ("orders", "total_cents", -1),
        ("payment_attempts", "method", "cash"),
        ("payment_attempts", "state", "done"),
        ("payment_attempts", "restarted_from", "pago"),
        ("refunds", "state", "done"),
        ("refunds", "amount_cents", -1),
        ("order_questions", "why", "curious"),
        ("order_questions", "said", "pago"),
    ],
)
def test_the_database_takes_no_word_that_we_do_not_know_and_no_negative_amount(
    order: Order, table: str, column: str, value: str | int
) -> None:
    with pytest.raises(IntegrityError, match="check constraint"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s", [value])  # noqa: S608


def test_rows_that_break_a_rule_already_stop_no_migration(order: Order, capsys: Any) -> None:
    rule = "orders_total_not_negative"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE orders DROP CONSTRAINT {rule}")
        cursor.execute("UPDATE orders SET total_cents = -1")
        cursor.execute(f"ALTER TABLE orders ADD CONSTRAINT {rule} CHECK (total_cents >= 0) NOT VALID")

        with connection.schema_editor() as editor:
            VALIDATION.validate(apps, editor)

        cursor.execute("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        assert cursor.fetchall() == [(rule,)]
    assert f"orders has rows that break {rule}" in capsys.readouterr().err


def test_all_rules_are_validated() -> None:
    rules = {
        constraint.name
        for model in OURS
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    }

    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'c' AND convalidated")
        assert rules <= {name for (name,) in cursor.fetchall()}


def test_what_a_table_and_its_columns_hold_is_written_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c WHERE c.relkind = 'r'")
        tables = dict(cursor.fetchall())
        cursor.execute(
            "SELECT table_name, column_name, col_description(table_name::regclass, ordinal_position)"
            "  FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ANY(%s)",
            [[model._meta.db_table for model in OURS]],
        )
        columns = {(table, column): text for table, column, text in cursor.fetchall()}

    assert {model._meta.db_table: model._meta.db_table_comment for model in OURS}.items() <= tables.items()
    for model in OURS:
        for field in model._meta.local_fields:
            assert columns[model._meta.db_table, field.column] == field.db_comment
    assert [key for key, text in columns.items() if key[0] in SEEDS and key[1] != "id" and not text] == []
