"""The same event many times at once, and an event beside its order's creation."""

import json
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from orders.models import Order
from orders.signals import order_created
from tests.support.factories import InstallationFactory, OrderFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def send(event: str, order_id: int) -> str:
    body = json.dumps({"event": event, "event_type": "order", "data": {"order_id": order_id}})
    return str(Client().post("/webhooks/appmax", body, content_type="application/json").json()["message"])


@pytest.mark.parametrize("event", ["order_paid", "order_partial_refund"])
def test_forty_of_the_same_event_apply_once(race: Any, event: str) -> None:
    order = OrderFactory.create()

    answers = race(lambda _: send(event, order.appmax_order_id), times=40)

    assert sorted(answers) == ["already processed"] * 39 + ["ok"]
    assert WebhookEvent.objects.filter(processed=True).count() == 40


def test_forty_of_the_same_event_of_an_order_we_do_not_have(race: Any) -> None:
    answers = race(lambda _: send("order_partial_refund", 123), times=40)

    assert sorted(answers) == ["already processed"] * 39 + ["ok"]


@pytest.mark.parametrize("number", range(5))
def test_an_event_beside_the_creation_of_its_order_is_applied(race: Any, number: int) -> None:
    installation = InstallationFactory.create()

    def create() -> None:
        with transaction.atomic():
            Order.objects.lock_appmax_order(55)
            order = Order.objects.create(installation=installation, appmax_customer_id=1, appmax_order_id=55)
            order_created.send(sender=Order, order=order)

    race(lambda thread: create() if thread == 0 else send("order_paid", 55), times=4)

    assert Order.objects.get().status == "aprovado"
    assert WebhookEvent.objects.filter(processed=True).count() == 3


def test_a_locked_order_is_not_waited_for_long(race: Any) -> None:
    order = OrderFactory.create()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("3s",)

    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)
        assert race(lambda _: send("order_paid", order.appmax_order_id), times=1) == ["ok"]

    row = WebhookEvent.objects.get()
    assert not row.processed
    assert (row.outcome, row.error_message) == ("failed", "OperationalError")
