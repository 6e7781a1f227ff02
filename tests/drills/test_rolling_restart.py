"""A rolling restart under load: no request fails, no payment is cut, none is charged twice, every webhook is kept."""

import itertools
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.services import free_port
from installations.models import Installation
from orders.models import Order, PaymentAttempt
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.drills.load import Caller, Load, says
from tests.orders.conftest import by_card
from tests.support.factories import OrderFactory, api_key
from tests.support.processes import Processes, wait_until
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT_SECONDS = 1.5  # Appmax takes for each


@pytest.fixture
def load_on(
    shop: Installation, simulator: SimulatorServer, environment: dict[str, str]
) -> Callable[[Load, list[str]], None]:
    """Webhooks, status reads and slow payments, each from callers with kept and with new connections."""
    simulator.state.switch(webhook_hold=True)  # its webhooks would go to nobody
    simulator.state.add_fault(Fault("/v1/payments/credit-card", hang=PAYMENT_SECONDS, times=0))
    order = OrderFactory.create(installation=shop)
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    numbers = itertools.count(1_000_000)

    def start(load: Load, urls: list[str]) -> None:
        for keeps in (True, False):
            caller = [Caller(urls, keeps=keeps) for _ in range(4)]

            def webhook(caller: Caller = caller[0]) -> Any:
                event = {"event": "customer_created", "event_type": "customer", "data": {"n": next(numbers)}}
                return caller.call("POST", "/webhooks/appmax", json=event)

            def status(caller: Caller = caller[1]) -> Any:
                return caller.call("GET", f"/checkout/shop/status/{order.appmax_order_id}", headers=headers)

            load.add("webhook", webhook)
            load.add("status", status)
            for payer in caller[2:]:

                def pay(caller: Caller = payer) -> Any:
                    return caller.call("POST", "/checkout/shop/pay/credit-card", json=by_card(None), headers=headers)

                load.add("payment", pay)

    return start


def assert_nothing_was_lost(load: Load, simulator: SimulatorServer, report: Any, broken: str) -> None:
    paid = load.answers["payment 200"]
    charges = [len(order.charges) for order in simulator.state.latest_orders()]
    orders = Order.objects.filter(status="aprovado").count()
    events = WebhookEvent.objects.count()
    report(
        broken,
        sent=f"{load.answers.total()} requests",
        answered=says(load.answers),
        tables=f"{events} events, {orders} orders aprovado, {sum(charges)} charges, most of an order {max(charges)}",
    )
    assert load.failures == []
    assert {name for name in load.answers if not name.endswith(" 200")} == set()
    assert charges == [1] * paid
    assert orders == PaymentAttempt.objects.filter(state="succeeded").count() == paid > 0
    assert events == load.answers["webhook 200"] > 0


def wait_for_payments(load: Load, count: int) -> None:
    """So many more."""
    goal = load.answers["payment 200"] + count
    wait_until(lambda: load.answers["payment 200"] >= goal)


def wait_for_exits(log: Path, count: int) -> None:
    """So many of gunicorn's worker processes have ended in all."""
    wait_until(lambda: log.read_text().count("Worker exiting") >= count, seconds=30)


def test_two_reloads_by_hup(
    gunicorn: Callable[..., str],
    processes: Processes,
    load_on: Any,
    environment: dict[str, str],
    simulator: SimulatorServer,
    tmp_path: Path,
    report: Any,
    record_property: Any,
) -> None:
    url = gunicorn(**environment | {"WEB_CONCURRENCY": "2", "WEB_THREADS": "16"})
    log = tmp_path / "gunicorn.log"
    with Load() as load:
        load_on(load, [url])
        for number in (1, 2):
            wait_for_payments(load, 8)
            load.note(f"HUP {number}")
            processes[0].send_signal(signal.SIGHUP)
            wait_for_exits(log, 2 * number)
            load.note("the old processes are gone")
    record_property("log", ["gunicorn reloaded twice under load", *load.log])

    assert_nothing_was_lost(load, simulator, report, "gunicorn: HUP, twice, under load")


def test_two_instances_restarted_one_after_the_other(
    gunicorn: Callable[..., str],
    processes: Processes,
    load_on: Any,
    environment: dict[str, str],
    simulator: SimulatorServer,
    report: Any,
    record_property: Any,
) -> None:
    ports = [str(free_port()) for _ in range(2)]
    start = environment | {"WEB_THREADS": "16"}
    urls = [gunicorn(**start, APP_PORT=port) for port in ports]
    with Load() as load:
        load_on(load, urls)
        load_on(load, urls[::-1])
        for number, port in enumerate(ports):
            wait_for_payments(load, 10)
            load.note(f"TERM {number + 1}")
            processes[number].terminate()
            processes[number].wait(timeout=30)
            load.note("has stopped; starts again")
            gunicorn(**start, APP_PORT=port)
            load.note("answers again")
        wait_for_payments(load, 10)
    record_property("log", ["two instances restarted one after the other under load", *load.log])

    assert_nothing_was_lost(load, simulator, report, "gunicorn: TERM, one of two instances after the other, under load")


def test_nobody_is_left_waiting_at_an_instance_that_stops(
    gunicorn: Callable[..., str],
    processes: Processes,
    shop: Installation,
    environment: dict[str, str],
    simulator: SimulatorServer,
) -> None:
    """Its slow payment goes on; a new connection is refused at once, so that a proxy asks another instance."""
    simulator.state.add_fault(Fault("/v1/payments/credit-card", hang=4, times=0))
    url = gunicorn(**environment)
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    answers = []

    def pay() -> None:
        caller = Caller([url], keeps=False)
        answers.append(caller.call("POST", "/checkout/shop/pay/credit-card", json=by_card(None), headers=headers))

    payer = threading.Thread(target=pay)
    payer.start()
    wait_until(lambda: PaymentAttempt.objects.filter(state="started").exists())
    processes[0].terminate()

    def refused() -> bool:
        try:
            Caller([url], keeps=False).call("GET", "/health")
        except OSError as error:
            return str(error) == "nobody listens"
        return False

    wait_until(refused, seconds=2)
    assert payer.is_alive()
    payer.join(timeout=20)
    assert [answer.status_code for answer in answers] == [200]
