"""kill -9 in the middle of a payment: nothing is charged twice, whatever the shopper does, and the truth comes out."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from django.db import connection, transaction
from django.utils import timezone

from installations.models import Installation
from orders.idempotency import ABANDONED
from orders.models import IdempotentRequest, Order, PaymentAttempt
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.drills.conftest import manage
from tests.orders.conftest import by_card
from tests.support.factories import api_key
from tests.support.processes import Processes, kill, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def headers(shop: Installation) -> dict[str, str]:
    return {"Authorization": f"Api-Key {api_key(shop)}", "Idempotency-Key": "the shopper's"}


def pay(url: str, headers: dict[str, str]) -> requests.Response:
    """A new order, by card."""
    return requests.post(f"{url}/checkout/shop/pay/credit-card", json=by_card(None), headers=headers, timeout=30)


@pytest.fixture
def pay_in_vain(headers: dict[str, str]) -> Iterator[Callable[[str], None]]:
    """In the background, whatever comes of it."""
    threads = []

    def start(url: str) -> None:
        def send() -> None:
            with suppress(requests.RequestException):
                pay(url, headers)

        threads.append(threading.Thread(target=send))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(timeout=30)


@pytest.fixture
def found_out(
    gunicorn: Callable[..., str],
    simulator: SimulatorServer,
    environment: dict[str, str],
    headers: dict[str, str],
    report: Any,
) -> Callable[[str], None]:
    """The shopper tries again, before and after the truth is known."""

    def check(when: str) -> None:
        order = Order.objects.get()
        assert (order.status, PaymentAttempt.objects.get().state) == ("pendente", "started")
        url = gunicorn(**environment)
        at_once = pay(url, headers)
        settled = manage(environment, "reconcile_orders")
        IdempotentRequest.objects.update(claimed_at=timezone.now() - ABANDONED)  # as after five minutes
        later = pay(url, headers)

        order.refresh_from_db()
        charges = [len(order.charges) for order in simulator.state.latest_orders()]
        report(
            f"web: kill -9 {when}",
            sent="1 payment, twice more with its Idempotency-Key",
            answered=f"nothing, {at_once.status_code} at once, {later.status_code} {later.json()['status']} later",
            tables=f"1 order {order.status}, attempt {PaymentAttempt.objects.get().state}, {sum(charges)} charge",
        )
        assert settled == "1 changed\n"
        assert (order.status, order.payment_method) == ("aprovado", "credit_card")
        assert PaymentAttempt.objects.get().state == "succeeded"
        assert charges == [1]
        assert (at_once.status_code, later.status_code, later.json()["status"]) == (409, 200, "aprovado")
        assert later.json()["order_id"] == order.appmax_order_id

    return check


def charged(simulator: SimulatorServer) -> bool:
    return any(order.charges for order in simulator.state.latest_orders())


def test_killed_after_the_charge_before_the_answer(
    gunicorn: Callable[..., str],
    processes: Processes,
    pay_in_vain: Any,
    found_out: Any,
    simulator: SimulatorServer,
    environment: dict[str, str],
) -> None:
    simulator.state.add_fault(Fault("/v1/payments/credit-card", hang=5, work=True))
    pay_in_vain(gunicorn(**environment))
    wait_until(lambda: charged(simulator))

    kill(processes[0])

    found_out("after the charge, before Appmax's answer")


def test_killed_after_the_answer_before_the_commit(
    gunicorn: Callable[..., str],
    processes: Processes,
    pay_in_vain: Any,
    found_out: Any,
    simulator: SimulatorServer,
    environment: dict[str, str],
) -> None:
    simulator.state.add_fault(Fault("/v1/payments/credit-card", hang=1, work=True))
    pay_in_vain(gunicorn(**environment))
    wait_until(lambda: charged(simulator))

    with transaction.atomic():  # the second transaction has to wait for this lock, and dies waiting
        Order.objects.locked(Order.objects.get().pk)
        wait_until(someone_waits_for_a_lock)
        kill(processes[0])

    found_out("after Appmax's answer, before the commit")


def someone_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])
