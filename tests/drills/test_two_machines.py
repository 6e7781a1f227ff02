"""Two gunicorns and two workers with one PostgreSQL and one Redis: whatever one begins the other can end, once."""

import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import connection
from procrastinate.contrib.django import app

from dev.services import free_port
from installations.models import Installation
from orders.models import Order, PaymentAttempt
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.drills.load import says
from tests.orders.conftest import by_card
from tests.support.factories import OrderFactory, api_key
from tests.support.processes import wait_until
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared(environment: dict[str, str], settings: Any) -> dict[str, str]:
    """What both machines are given: the same database, Redis and public URL."""
    redis_db = settings.CACHES["default"]["LOCATION"].rpartition("/")[2]
    port = str(free_port())
    public = {"APP_PORT": port, "APP_URL": f"http://127.0.0.1:{port}"}
    return environment | public | {"CACHE_DRIVER": "redis", "REDIS_DB": redis_db, "DB_MAX_OPEN_CONNS": "12"}


@pytest.fixture
def machines(gunicorn: Callable[..., str], shared: dict[str, str]) -> list[str]:
    """Their addresses; the first is the public one."""
    return [gunicorn(**shared), gunicorn(**shared | {"APP_PORT": str(free_port())})]


def at_once(*calls: Callable[[], requests.Response]) -> list[requests.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_an_installation_begins_on_one_and_ends_on_the_other(
    machines: list[str], simulator: SimulatorServer, report: Any
) -> None:
    """Appmax calls the first, which the public URL leads to; the browser starts and comes back at the second."""
    one, other = machines
    told = Counter[str]()
    for number in range(5):
        query = {"app_id": simulator.settings.app_id_uuid, "external_key": f"merchant-{number}"}
        start = requests.get(f"{other}/install/start", params=query, allow_redirects=False, timeout=20)
        saved = requests.post(start.headers["Location"], allow_redirects=False, timeout=20)
        back = requests.get(saved.headers["Location"].replace(one, other), timeout=20)
        told[f"{back.status_code} {', '.join(back.json())}"] += 1

    checks = Counter(check.status for row in simulator.state.latest_authorizations() for check in row.health_checks)
    report(
        "two machines: 5 installations, callback on one, browser on the other",
        sent="5 installations",
        answered=f"browsers {says(told)}; Appmax's callbacks {says(Counter(map(str, checks.elements())))}",
        tables=f"{Installation.objects.count()} installations",
    )
    assert told == {"200 external_id": 5}
    assert set(checks) == {200}
    assert checks.total() >= 5
    assert Installation.objects.count() == 5


def test_one_key_is_one_payment_and_one_event_is_applied_once(
    machines: list[str], shop: Installation, simulator: SimulatorServer, report: Any
) -> None:
    simulator.state.switch(webhook_hold=True)
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}

    def pay(url: str, key: str) -> requests.Response:
        keyed = headers | {"Idempotency-Key": key}
        return requests.post(f"{url}/checkout/shop/pay/credit-card", json=by_card(None), headers=keyed, timeout=20)

    def tell(url: str, order: Order) -> requests.Response:
        event = {"event": "order_paid", "event_type": "order", "data": {"order_id": order.appmax_order_id}}
        return requests.post(f"{url}/webhooks/appmax", json=event, timeout=20)

    one, other = machines
    paid, again = Counter[int](), Counter[str]()
    for number in range(10):
        answers = at_once(lambda key=str(number): pay(one, key), lambda key=str(number): pay(other, key))  # type: ignore[misc]
        paid.update(answer.status_code for answer in answers)
        repeated = pay(other, str(number))
        again[f"{repeated.status_code} {repeated.headers.get('Idempotent-Replayed')}"] += 1
    orders = OrderFactory.create_batch(20, installation=shop)
    told = Counter[str]()
    for order in orders:
        answers = at_once(lambda order=order: tell(one, order), lambda order=order: tell(other, order))  # type: ignore[misc]
        told.update(answer.json()["message"] for answer in answers)

    charges = [len(order.charges) for order in simulator.state.latest_orders()]
    duplicates = WebhookEvent.objects.filter(outcome="duplicate").count()
    report(
        "two machines: the same payment (Idempotency-Key) and the same webhook on both at once",
        sent="10 payments three times, 20 webhooks twice",
        answered=f"payments at once {says(paid)}, again {says(again)}; webhooks {says(told)}",
        tables=f"{sum(charges)} charges of {len(charges)} orders, {WebhookEvent.objects.count()} events, "
        f"{duplicates} duplicates",
    )
    assert set(paid) <= {200, 409}
    assert again == {"200 true": 10}
    assert charges == [1] * 10
    assert told == {"ok": 20, "already processed": 20}
    assert (WebhookEvent.objects.count(), duplicates) == (40, 20)


def test_two_workers_share_the_jobs_and_each_round_is_done_once(
    worker: Callable[..., subprocess.Popen[bytes]],
    shared: dict[str, str],
    shop: Installation,
    simulator: SimulatorServer,
    report: Any,
) -> None:
    amounts = {"products_value": 100, "discount_value": 0, "shipping_value": 0}
    for _ in range(5):
        remote = simulator.state.add_order("shop", simulator.state.next_id(), amounts, [])
        simulator.state.orders[remote.id].status = "aprovado"
        order = OrderFactory.create(installation=shop, appmax_order_id=remote.id)
        PaymentAttempt.objects.create(order=order, method="pix", state="unknown", fingerprint="x")
    simulator.state.add_fault(Fault("/v1/orders/", method="GET", hang=1, times=100))

    for _ in range(2):
        worker("--delete-jobs", "never", **shared)
    wait_until(lambda: number("SELECT count(*) FROM procrastinate_workers") == 2, seconds=30)
    app.configure_task("orders.put_overdue", queueing_lock="by hand").defer(timestamp=0)
    wait_until(lambda: number("SELECT count(*) FROM order_questions") == 5)
    for name in range(4):  # as many as both do at once
        app.configure_task("orders.ask_appmax", queueing_lock=str(name)).defer(timestamp=name)
    wait_until(lambda: number("SELECT count(DISTINCT worker_id) FROM procrastinate_jobs WHERE status = 'doing'") == 2)
    wait_until(lambda: not Order.objects.exclude(status="aprovado"), seconds=30)
    done = "FROM procrastinate_jobs WHERE status = 'succeeded'"
    wait_until(lambda: number(f"SELECT count(*) {done}") >= 10, seconds=30)

    with connection.cursor() as cursor:  # one statement, as the workers go on
        cursor.execute(f"SELECT count(DISTINCT (task_name, args ->> 'timestamp')), count(*) {done}")
        rounds, jobs = cursor.fetchone()
    asked = 100 - simulator.state.waiting_faults()[0].times
    report(
        "two machines: 2 workers, 5 payments with an unknown outcome",
        sent=f"{asked} questions to Appmax",
        answered="-",
        tables=f"{jobs} jobs of {rounds} rounds, shared by both workers; 5 orders aprovado",
    )
    assert rounds == jobs
    assert asked == 5


def number(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])
