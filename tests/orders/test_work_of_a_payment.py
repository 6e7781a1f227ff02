"""What one Pix costs: its statements, transactions, lines of the log."""

import logging
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Order, PaymentAttempt
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_pix, post
from tests.support.factories import WebhookEventFactory
from tests.support.meanwhile import meanwhile
from tests.support.statements import before_statements

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_pix_with_a_new_order_is_nine_statements_in_two_transactions_and_one_line(
    store: Client, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    post(store, "pay/pix", by_pix(None))  # It fetches the token and notes the key's use.
    caplog.clear()
    caplog.set_level(logging.INFO)

    with CaptureQueriesContext(connection) as queries:
        answer = post(store, "pay/pix", by_pix(None))

    assert answer.status_code == 200
    statements = [query["sql"] for query in queries]
    assert statements.count("BEGIN") == statements.count("COMMIT") == 2
    kinds = [text.partition(" ")[0] for text in statements if text not in ("BEGIN", "COMMIT")]
    assert len(kinds) == 9, statements
    lines: list[Any] = [record.msg for record in caplog.records if not record.name.startswith("simulator")]
    [line] = lines
    assert line["event"] == "request.finished"
    paths = [step["path"] for step in line["steps"] if step["event"] == "appmax.call"]
    assert paths == ["/v1/customers", "/v1/orders", "/v1/payments/pix"]  # and none for a token
    assert {step["event"] for step in line["steps"]} == {"appmax.call", "order.created", "payment.succeeded"}


def test_a_new_order_and_its_attempt_are_there_before_appmax_is_asked_to_charge(
    store: Client, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/payments/pix", status=504))

    assert post(store, "pay/pix", by_pix(None)).status_code == 502

    order = Order.objects.get()
    attempt = PaymentAttempt.objects.get()
    assert (attempt.order, attempt.state, order.status) == (order, "unknown", "pendente")
    assert attempt.started_at == order.created_at  # both are of one transaction


def test_a_new_order_is_kept_although_its_attempt_can_not_be_recorded(
    store: Client, simulator: SimulatorServer
) -> None:
    store.raise_request_exception = False

    with before_statements("INSERT INTO payment_attempts", lambda: connection.connection.execute("SELECT 1 / 0")):
        assert post(store, "pay/pix", by_pix(None)).status_code == 500

    [remote] = simulator.state.orders.values()
    assert Order.objects.get().appmax_order_id == remote.id
    assert not PaymentAttempt.objects.exists()
    assert not remote.charges


def test_an_order_that_an_early_webhook_has_paid_is_not_charged(store: Client, simulator: SimulatorServer) -> None:
    def paid_and_told() -> None:
        [remote] = simulator.state.orders.values()
        remote.status = "aprovado"
        WebhookEventFactory.create(event="order_paid", appmax_order_id=remote.id, processed=False, outcome="waiting")

    with meanwhile(simulator, "/v1/orders", paid_and_told):
        answer = post(store, "pay/pix", by_pix(None))

    assert answer.status_code == 409
    assert not PaymentAttempt.objects.exists()
