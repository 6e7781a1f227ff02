"""An event's row says whose it is: its order's merchant, or without an order the merchant that its envelope names."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from installations.models import Installation
from orders.models import Order
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.webhooks.conftest import handling_fails, send
from webhooks import kept
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

FILL = import_module("webhooks.migrations.0011_merchants_of_old_events")


def merchant_of_the_event() -> Installation | None:
    return WebhookEvent.objects.get().installation


@pytest.fixture
def order(db: None) -> Order:
    order: Order = OrderFactory.create()
    return order


@pytest.mark.parametrize("name", ["order_paid", "order_pix_created", "order_split_by_nobody"])
def test_an_event_is_its_orders_merchants(order: Order, name: str) -> None:
    send(name, order.appmax_order_id)

    assert merchant_of_the_event() == order.installation


def test_an_event_that_names_another_merchant_is_still_the_orders(order: Order) -> None:
    other = InstallationFactory.create()

    send("order_paid", order.appmax_order_id, external_key=other.external_key)

    assert merchant_of_the_event() == order.installation


@pytest.mark.parametrize("order_id", [None, 77])
@pytest.mark.parametrize("field", ["client_key", "external_key"])
def test_without_an_order_the_envelopes_merchant_counts(order_id: int | None, field: str) -> None:
    shop = InstallationFactory.create()

    send("customer_created", order_id, **{field: shop.external_key})

    assert merchant_of_the_event() == shop


@pytest.mark.parametrize("order_id", [None, 77])
def test_an_event_that_names_nobody_we_know_has_no_merchant(order_id: int | None) -> None:
    InstallationFactory.create()

    send("customer_created", order_id, client_key="nobody")

    assert merchant_of_the_event() is None


def test_an_event_that_could_not_be_handled_gets_its_merchant_when_it_is(order: Order) -> None:
    with handling_fails():
        send("order_pix_created", order.appmax_order_id)
    assert merchant_of_the_event() is None

    kept.handle_due()

    assert merchant_of_the_event() == order.installation


def test_events_from_before_get_their_merchants(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FILL, "BATCH", 2)
    shop = InstallationFactory.create()
    named = {"client_key": shop.external_key}
    wanted = {
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id, payload=named).pk: order.installation,
        WebhookEventFactory.create(appmax_order_id=77, payload=named).pk: shop,
        WebhookEventFactory.create(appmax_order_id=None, payload={"external_key": shop.external_key}).pk: shop,
        WebhookEventFactory.create(appmax_order_id=None, payload={"stripped": True}).pk: None,
        WebhookEventFactory.create(appmax_order_id=78, payload={"client_key": 7}).pk: None,
    }

    with connection.schema_editor() as editor:
        FILL.fill(apps, editor)

    assert {event.pk: event.installation for event in WebhookEvent.objects.all()} == wanted
