"""When an API key was last used: noted to within five minutes, and never in a request's way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from installations.models import ApiKey
from orders.models import Order
from tests.support.factories import InstallationFactory, OrderFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order() -> Order:
    return OrderFactory.create()


@pytest.fixture
def key(order: Order) -> str:
    return api_key(order.installation)


def ask(key: str, order: Order) -> int:
    path = f"/checkout/{order.installation.external_key}/status/{order.appmax_order_id}"
    return int(Client().get(path, headers={"Authorization": f"Api-Key {key}"}).status_code)


def noted() -> Any:
    return ApiKey.objects.get().last_used_at


def test_a_keys_first_use_is_noted(key: str, order: Order) -> None:
    assert noted() is None

    assert ask(key, order) == 200

    assert timedelta(0) <= timezone.now() - noted() < timedelta(minutes=1)


def test_a_platform_keys_use_is_noted(order: Order) -> None:
    ask(api_key(), order)

    assert noted() is not None


def test_a_key_that_was_used_just_now_costs_no_write(key: str, order: Order) -> None:
    ask(key, order)
    first = noted()

    with CaptureQueriesContext(connection) as queries:
        ask(key, order)

    assert not [query["sql"] for query in queries if "UPDATE" in query["sql"]]
    assert noted() == first


def test_it_is_noted_again_after_five_minutes(key: str, order: Order) -> None:
    before = timezone.now() - timedelta(minutes=5, seconds=1)
    ApiKey.objects.update(last_used_at=before)

    ask(key, order)

    assert noted() > before


def test_a_refused_request_is_no_use_of_the_key(key: str, order: Order) -> None:
    prefix = key.partition(".")[0]
    other = OrderFactory.create(installation=InstallationFactory.create())

    assert ask(f"{prefix}.{'x' * 32}", order) == 401
    assert ask(key, other) == 404
    ApiKey.objects.update(expiry_date=timezone.now() - timedelta(seconds=1))
    assert ask(key, order) == 401

    assert noted() is None


def test_a_request_does_not_wait_for_whoever_has_locked_the_key(key: str, order: Order) -> None:
    with transaction.atomic():
        ApiKey.objects.select_for_update().get()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(_ask_and_close, key, order)
            assert answer.result(timeout=20) == 200

    assert noted() is None


def _ask_and_close(key: str, order: Order) -> int:
    try:
        return ask(key, order)
    finally:
        connection.close()
