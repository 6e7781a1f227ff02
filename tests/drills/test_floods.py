"""Somebody who knows the webhook URL forges payments by the hundred: what is true is confirmed in time, and what isn't
is taken back, though Appmax answers 60 questions a minute only. All of it comes from one address, the true payment
too."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from installations.models import Installation
from orders.models import Order, Question
from orders.status import is_paid
from simulator.server import SimulatorServer
from tests.support.factories import OrderFactory
from tests.support.processes import wait_until
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRMED_WITHIN = 15  # seconds, of a true payment
TAKEN_BACK_WITHIN = 30  # seconds, of a forged one
FORGED = ("order_paid", "order_approved", "order_integrated", "order_paid_by_pix")

Start = Callable[..., str]


@pytest.fixture(params=["payload", "confirm"])
def url(
    request: Any, gunicorn: Start, worker: Callable[..., subprocess.Popen[bytes]], environment: dict[str, str]
) -> str:
    """Of a web and a worker in this trust mode."""
    variables = environment | {"WEBHOOK_TRUST": request.param}
    address = gunicorn(**variables)
    worker(**variables)
    return address


@pytest.fixture
def make_orders(shop: Installation, simulator: SimulatorServer) -> Callable[[int], list[int]]:
    """Makes orders that Appmax knows too, all pendente; their numbers."""

    def make(count: int) -> list[int]:
        amounts = {"products_value": 12990, "discount_value": 0, "shipping_value": 0}
        numbers = [simulator.state.add_order("shop", simulator.state.next_id(), amounts, []).id for _ in range(count)]
        for number in numbers:
            OrderFactory.create(installation=shop, appmax_order_id=number)
        return numbers

    return make


class Watch:
    """Looks at the forged orders twice a second. `longest`: for how many seconds one counted as paid."""

    def __init__(self, numbers: list[int]) -> None:
        self.longest = 0.0
        self._since: dict[int, float] = {}
        self._numbers = numbers
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        from django.db import connection

        while not self._is_over.wait(0.5):
            for number, status in Order.objects.filter(appmax_order_id__in=self._numbers).values_list(
                "appmax_order_id", "status"
            ):
                if is_paid(status):
                    since = self._since.setdefault(number, time.monotonic())
                    self.longest = max(self.longest, time.monotonic() - since)
                else:
                    self._since.pop(number, None)
        connection.close()


def tell(url: str, event: str, number: int) -> None:
    body = {"event": event, "event_type": "order", "data": {"order_id": number}}
    assert requests.post(f"{url}/webhooks/appmax", json=body, timeout=20).status_code == 200


def pay_truly(url: str, simulator: SimulatorServer, number: int) -> float:
    """A shopper pays this order, and Appmax tells it; after how many seconds Appmax has confirmed that to us."""
    simulator.state.orders[number].status = "aprovado"
    told = time.monotonic()
    tell(url, "order_paid_by_pix", number)
    wait_until(
        lambda: (
            Question.objects.filter(appmax_order_id=number, said="aprovado", due_at=None).exists()
            and Order.objects.get(appmax_order_id=number).status == "aprovado"
        ),
        seconds=90,
    )
    return time.monotonic() - told


def forgeries(numbers: list[int], count: int) -> Iterator[tuple[str, int]]:
    for place in range(count):
        yield FORGED[place // len(numbers) % len(FORGED)], numbers[place % len(numbers)]


def say(report: Any, what: str, sent: str, confirmed: list[float], watch: Watch) -> None:
    rows = WebhookEvent.objects
    refuted, waiting = (rows.filter(outcome=outcome).count() for outcome in ("refuted", "waiting"))
    asked = Question.objects.exclude(asked_at=None).count()
    report(
        what,
        sent=f"{sent}; {len(confirmed)} true payments",
        answered=f"true payments confirmed after {', '.join(f'{seconds:.0f}' for seconds in confirmed)} s",
        tables=f"a forged payment showed for {watch.longest:.0f} s at most; {refuted} events refuted, "
        f"{waiting} not applied, {asked} orders asked about",
    )
    assert max(confirmed) < CONFIRMED_WITHIN
    assert watch.longest < TAKEN_BACK_WITHIN


@pytest.mark.long
def test_834_forged_events_over_40_orders_in_80_seconds(
    url: str, simulator: SimulatorServer, make_orders: Callable[[int], list[int]], report: Any, request: Any
) -> None:
    forged, true = make_orders(40), make_orders(3)
    started = time.monotonic()

    def flood() -> None:
        for place, (event, number) in enumerate(forgeries(forged, 834)):
            time.sleep(max(0.0, started + place * 80 / 834 - time.monotonic()))
            tell(url, event, number)

    with Watch(forged) as watch:
        flooding = threading.Thread(target=flood)
        flooding.start()
        confirmed = []
        for number, moment in zip(true, (10, 40, 70), strict=True):
            time.sleep(max(0.0, started + moment - time.monotonic()))
            confirmed.append(pay_truly(url, simulator, number))
        flooding.join()
        wait_until(lambda: not any(map(is_paid, _statuses(forged))), seconds=60)

    mode = request.node.callspec.params["url"]
    say(report, f"flood, trust={mode}: 834 forged events over 40 orders in 80 s", "834 posts", confirmed, watch)


def test_30_forged_payments_in_a_second(
    url: str, simulator: SimulatorServer, make_orders: Callable[[int], list[int]], report: Any, request: Any
) -> None:
    forged, true = make_orders(30), make_orders(1)

    with Watch(forged) as watch:
        for event, number in forgeries(forged, 30):
            tell(url, event, number)
        confirmed = [pay_truly(url, simulator, true[0])]
        wait_until(lambda: not any(map(is_paid, _statuses(forged))), seconds=60)

    mode = request.node.callspec.params["url"]
    say(report, f"flood, trust={mode}: 30 forged payments in a second", "30 posts", confirmed, watch)


def _statuses(numbers: list[int]) -> list[str]:
    return list(Order.objects.filter(appmax_order_id__in=numbers).values_list("status", flat=True))
