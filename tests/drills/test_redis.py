"""Redis is killed and comes back, or is full: nobody notices but Appmax's token route."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from redis import Redis

from dev import services
from installations.models import Installation
from orders.models import Order, PaymentAttempt
from simulator.server import SimulatorServer
from tests.drills.load import Load, says
from tests.orders.conftest import by_card
from tests.support.factories import OrderFactory, api_key
from tests.support.processes import wait_until
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis() -> Iterator[services.Service]:
    with services.redis() as service:
        yield service


@pytest.fixture
def url(gunicorn: Callable[..., str], environment: dict[str, str], redis: services.Service) -> str:
    more = {"CACHE_DRIVER": "redis", "WEB_CONCURRENCY": "2", **redis.variables, "REDIS_DB": "0"}
    more |= {"API_KEY_RATE": "1000", "APPMAX_RATE": "1000"}  # counted, and never reached
    return gunicorn(**environment | more)


def install(url: str, app_id: str, external_key: str) -> requests.Response:
    """Be a merchant: start, press Salvar at Appmax, come back. The first answer that is none of these."""
    query = {"app_id": app_id, "external_key": external_key}
    start = requests.get(f"{url}/install/start", params=query, allow_redirects=False, timeout=20)
    if start.status_code != 302:
        return start
    saved = requests.post(start.headers["Location"], allow_redirects=False, timeout=20)
    return requests.get(saved.headers["Location"], timeout=20) if saved.status_code == 302 else saved


@pytest.fixture
def everything(url: str, shop: Installation, simulator: SimulatorServer) -> Callable[..., None]:
    """Installations, `pause` seconds apart, payments, webhooks and status reads."""
    simulator.state.switch(webhook_hold=True)
    order = OrderFactory.create(installation=shop)
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    numbers = itertools.count(1)
    app_id = simulator.settings.app_id_uuid

    def pay() -> requests.Response:
        where = f"{url}/checkout/shop/pay/credit-card"
        return requests.post(where, json=by_card(None), headers=headers, timeout=20)

    def webhook() -> requests.Response:
        event = {"event": "customer_created", "event_type": "customer", "data": {"n": next(numbers)}}
        return requests.post(f"{url}/webhooks/appmax", json=event, timeout=20)

    def status() -> requests.Response:
        return requests.get(f"{url}/checkout/shop/status/{order.appmax_order_id}", headers=headers, timeout=20)

    def start(load: Load, *, pause: float = 0.02) -> None:
        load.add("install", lambda: install(url, app_id, f"merchant-{next(numbers)}"), pause=pause)
        load.add("payment", pay)
        load.add("webhook", webhook)
        load.add("status", status)

    return start


def wait_for_each(load: Load, count: int) -> None:
    """So many more of each kind, good or bad."""
    goals = {name: _of(load, name) + count for name in ("install", "payment", "webhook", "status")}
    wait_until(lambda: all(_of(load, name) >= goal for name, goal in goals.items()), seconds=30)


def _of(load: Load, name: str) -> int:
    return sum(count for outcome, count in load.answers.items() if outcome.startswith(f"{name} "))


def assert_nobody_noticed(load: Load, simulator: SimulatorServer, report: Any, broken: str) -> None:
    charges = [len(order.charges) for order in simulator.state.latest_orders()]
    installed = Installation.objects.exclude(external_key="shop").count()
    report(
        broken,
        sent=f"{load.answers.total()} requests",
        answered=says(load.answers),
        tables=f"{installed} installations, {WebhookEvent.objects.count()} events, {sum(charges)} charges of "
        f"{len(charges)} orders",
    )
    assert load.failures == []
    assert {name for name in load.answers if not name.endswith(" 200")} == set()
    assert installed == load.answers["install 200"]
    assert charges == [1] * load.answers["payment 200"]
    assert Order.objects.filter(status="aprovado").count() == PaymentAttempt.objects.count() == len(charges)
    assert WebhookEvent.objects.count() == load.answers["webhook 200"]


def has_token(server: Redis, shop: Installation) -> bool:
    return bool(server.exists(f"appmax_checkout_merchant_token:{shop.pk}"))


def test_killed_and_back(
    everything: Any, redis: services.Service, shop: Installation, simulator: SimulatorServer, report: Any
) -> None:
    server = Redis(port=int(redis.variables["REDIS_PORT"]))
    with Load() as load:
        everything(load)
        wait_for_each(load, 10)
        assert has_token(server, shop)
        redis.kill()
        wait_for_each(load, 10)
        redis.start()
        wait_until(lambda: has_token(server, shop))  # it is used again
        wait_for_each(load, 10)

    assert_nobody_noticed(load, simulator, report, "Redis: kill -9, back after a while")


def test_full(
    everything: Any, redis: services.Service, shop: Installation, simulator: SimulatorServer, report: Any
) -> None:
    server = Redis(port=int(redis.variables["REDIS_PORT"]))
    server.config_set("maxmemory-policy", "noeviction")
    server.config_set("maxmemory", "1mb")
    with Load() as load:
        everything(load)
        wait_for_each(load, 10)
        assert not has_token(server, shop)  # there is no room for it
        server.config_set("maxmemory", "0")
        wait_until(lambda: has_token(server, shop))
        wait_for_each(load, 10)

    assert_nobody_noticed(load, simulator, report, "Redis: full (maxmemory, noeviction), room again")
