"""An event is decided by what was there when it was read, and written only if that is so still."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from orders import changes
from orders.models import Order
from tests.support.factories import OrderFactory, WebhookEventFactory
from tests.support.processes import wait_until
from tests.webhooks.conftest import send
from webhooks.models import WebhookEvent

HANDLED = {"processed": True, "processed_at": timezone.now(), "outcome": "applied"}


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_that_waited_for_the_lock_sees_what_was_done_meanwhile(race: Any) -> None:
    """The first was applied and a new attempt began, all after the second's statement had started."""
    order = OrderFactory.create(status="pendente")
    is_locked = threading.Event()

    def is_waited_for() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return cursor.fetchone() is not None

    def handle_and_restart() -> None:
        with transaction.atomic():
            mine = Order.objects.locked(order.pk)
            is_locked.set()
            wait_until(is_waited_for)
            changes.advance(mine, "cancelado", changes.Cause.PAYMENT)
            changes.restart(mine)
            WebhookEventFactory.create(event="order_pix_expired", appmax_order_id=order.appmax_order_id, **HANDLED)

    def repeat() -> str:
        is_locked.wait(timeout=10)
        return str(send("order_pix_expired", order.appmax_order_id).json()["message"])

    answers = race(lambda number: repeat() if number else handle_and_restart(), times=2)

    assert set(answers) == {None, "already processed"}
    order.refresh_from_db()
    assert order.status == "pendente"


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_meanwhile_costs_no_event(race: Any) -> None:
    order = OrderFactory.create()
    is_locked = threading.Event()

    def is_ended() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return cursor.fetchone() is not None

    def end_it() -> None:
        with transaction.atomic():
            Order.objects.locked(order.pk)
            is_locked.set()
            wait_until(is_ended)

    def post() -> int:
        is_locked.wait(timeout=10)
        return int(send("order_paid", order.appmax_order_id).status_code)

    answers = race(lambda number: post() if number else end_it(), times=2)

    assert set(answers) == {None, 200}
    row = WebhookEvent.objects.get()
    assert (row.processed, row.outcome, row.error_message) == (False, "failed", "OperationalError")
