"""Appmax hangs, drips, hangs up, or answers what isn't an answer: callers are told so in time, and the others go on."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from dev.services import free_port
from installations.models import Installation
from orders.models import Order, PaymentAttempt, Question
from tests.drills.conftest import manage
from tests.drills.failing_appmax import WAYS, FailingAppmax
from tests.drills.load import says
from tests.orders.conftest import CPF
from tests.support.factories import OrderFactory, api_key
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUT = 1  # second, for Appmax's answer
IN_TIME = 3  # seconds, for ours: connecting, waiting, and a busy machine


@pytest.fixture
def appmax() -> Iterator[FailingAppmax]:
    with FailingAppmax() as server:
        yield server


@pytest.fixture
def start(gunicorn: Callable[..., str], environment: dict[str, str]) -> Callable[..., str]:
    """gunicorn without Redis, so that each call fetches a token."""

    def run(**variables: str) -> str:
        without_redis = {"CACHE_DRIVER": "redis", "REDIS_PORT": "1"}
        return gunicorn(**environment | without_redis | {"APPMAX_TIMEOUT": str(TIMEOUT)} | variables)

    return run


@pytest.fixture
def headers(shop: Installation) -> dict[str, str]:
    return {"Authorization": f"Api-Key {api_key(shop)}"}


def pay(url: str, headers: dict[str, str], order: Order) -> requests.Response:
    body = {"order_id": order.appmax_order_id, "document_number": CPF}
    answer = requests.post(f"{url}/checkout/shop/pay/pix", json=body, headers=headers, timeout=20)
    assert answer.elapsed.total_seconds() < IN_TIME
    return answer


def outcomes() -> Counter[str]:
    """How attempts and their orders stand."""
    return Counter(
        f"{attempt.state}/{attempt.order.status}" for attempt in PaymentAttempt.objects.select_related("order")
    )


def test_a_payment_without_a_clear_answer_is_unknown_and_others_go_on(
    start: Any, appmax: FailingAppmax, headers: dict[str, str], shop: Installation, report: Any
) -> None:
    url = start(APPMAX_API_URL=appmax.url)
    told: dict[str, int] = {}
    others: Counter[int] = Counter()
    with ThreadPoolExecutor() as pool:
        for way in WAYS:
            appmax.way = way
            order = OrderFactory.create(installation=shop)
            payment = pool.submit(pay, url, headers, order)
            while not payment.done():
                status = f"{url}/checkout/shop/status/{order.appmax_order_id}"
                others[requests.get(status, headers=headers, timeout=IN_TIME).status_code] += 1
            told[way] = payment.result().status_code

    report(
        "Appmax's API: " + ", ".join(WAYS),
        sent=f"{len(WAYS)} payments, {others.total()} status reads beside them",
        answered=f"payments {says(Counter(told.values()))}; reads {says(others)}",
        tables=f"attempts/orders {says(outcomes())}; {appmax.requests} calls reached Appmax",
    )
    assert told == {way: 504 if way in ("hangs", "drips") else 502 for way in WAYS}
    assert outcomes() == {"unknown/pendente": len(WAYS)}
    assert appmax.requests == len(WAYS)  # none was sent twice
    assert set(others) == {200}


def test_without_a_token_nothing_is_paid_and_nothing_is_in_doubt(
    start: Any, appmax: FailingAppmax, headers: dict[str, str], shop: Installation, report: Any
) -> None:
    url = start(APPMAX_AUTH_URL=appmax.url)
    told = Counter[int]()
    for way in WAYS:
        appmax.way = way
        told[pay(url, headers, OrderFactory.create(installation=shop)).status_code] += 1

    report(
        "Appmax's auth server: the same",
        sent=f"{len(WAYS)} payments",
        answered=says(told),
        tables=f"attempts/orders {says(outcomes())}",
    )
    assert told == {504: 2, 502: len(WAYS) - 2}
    assert outcomes() == {"failed/pendente": len(WAYS)}


@pytest.mark.parametrize("where", ["refuses connections", "never finishes the TLS handshake"])
def test_what_never_reached_appmax_has_charged_nobody(
    start: Any, appmax: FailingAppmax, headers: dict[str, str], shop: Installation, where: str, report: Any
) -> None:
    url = start(APPMAX_API_URL=appmax.secure_url if "TLS" in where else f"http://127.0.0.1:{free_port()}")
    started = time.monotonic()

    body = {"order_id": OrderFactory.create(installation=shop).appmax_order_id, "document_number": CPF}
    answer = requests.post(f"{url}/checkout/shop/pay/pix", json=body, headers=headers, timeout=20)

    report(
        f"Appmax's API: {where}",
        sent="1 payment",
        answered=f"{answer.status_code} after {time.monotonic() - started:.1f} s",
        tables=f"attempts/orders {says(outcomes())}",
    )
    assert answer.status_code == (504 if "TLS" in where else 502)
    assert outcomes() == {"failed/pendente": 1}


def test_an_order_that_cannot_be_asked_about_is_flagged(
    appmax: FailingAppmax, environment: dict[str, str], shop: Installation, report: Any
) -> None:
    order = OrderFactory.create(installation=shop)
    PaymentAttempt.objects.create(order=order, method="pix", state="unknown", fingerprint="x")

    said = manage(environment | {"APPMAX_API_URL": appmax.url, "APPMAX_TIMEOUT": str(TIMEOUT)}, "reconcile_orders")

    report(
        "Appmax's API: hangs, asked about an order",
        sent="1 round of reconciliation",
        answered=said.strip(),
        tables=f"attempts/orders {says(outcomes())}; failure: {Question.objects.get().error}",
    )
    assert said == "1 failed\n"
    assert outcomes() == {"unknown/pendente": 1}
    assert Question.objects.get().error == "Unavailable"
    wait_until(lambda: appmax.requests == 1)
