"""kill -9 in the middle of a payment: nothing is charged twice, and the right status is found out."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from django.db import connection, transaction

from appmax.simulator.server import SimulatorServer
from appmax.simulator.state import Fault
from installations.models import Installation
from orders.models import Order, PaymentAttempt
from tests.drills.conftest import Processes, kill, manage, wait_until
from tests.factories import api_key
from tests.orders.conftest import by_card, remote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pay(shop: Installation) -> Iterator[Callable[[str], threading.Thread]]:
    """Pays a new order by card in the background, whatever comes of it."""
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    threads = []

    def start(url: str) -> threading.Thread:
        def send() -> None:
            with suppress(requests.RequestException):
                requests.post(f"{url}/checkout/shop/pay/credit-card", json=by_card(None), headers=headers, timeout=30)

        threads.append(threading.Thread(target=send))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(timeout=30)


def charged(simulator: SimulatorServer) -> bool:
    return any(order.charges for order in simulator.state.latest_orders())


def assert_it_was_charged_once_and_is_known(simulator: SimulatorServer, environment: dict[str, str]) -> None:
    order = Order.objects.get()
    assert (order.status, PaymentAttempt.objects.get().state) == ("pendente", "started")

    assert manage(environment, "reconcile_orders") == "1 settled\n"

    order.refresh_from_db()
    assert (order.status, order.payment_method) == ("aprovado", "credit_card")
    assert PaymentAttempt.objects.get().state == "succeeded"
    assert len(remote(simulator, order.appmax_order_id).charges) == 1


def test_killed_after_the_charge_before_the_answer(
    gunicorn: Callable[..., str],
    processes: Processes,
    pay: Any,
    simulator: SimulatorServer,
    environment: dict[str, str],
) -> None:
    simulator.state.add_fault(Fault("/v1/payments/credit-card", hang=5, work=True))
    pay(gunicorn(**environment))
    wait_until(lambda: charged(simulator))

    kill(processes[0])

    assert_it_was_charged_once_and_is_known(simulator, environment)


def test_killed_after_the_answer_before_the_commit(
    gunicorn: Callable[..., str],
    processes: Processes,
    pay: Any,
    simulator: SimulatorServer,
    environment: dict[str, str],
) -> None:
    simulator.state.add_fault(Fault("/v1/payments/credit-card", hang=1, work=True))
    pay(gunicorn(**environment))
    wait_until(lambda: charged(simulator))

    with transaction.atomic():  # the second transaction has to wait for this lock, and dies waiting
        Order.objects.locked(Order.objects.get().pk)
        wait_until(someone_waits_for_a_lock)
        kill(processes[0])

    assert_it_was_charged_once_and_is_known(simulator, environment)


def someone_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])
