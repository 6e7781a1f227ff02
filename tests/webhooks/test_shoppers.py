"""Shoppers and codes of orders whose storefront told nothing of them, from webhook events."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from orders.models import CodeKind, Order, OrderCode, Shopper
from simulator import models
from simulator.orders import Order as RemoteOrder
from tests.support.factories import OrderFactory, WebhookEventFactory
from webhooks import retention, shoppers
from webhooks.models import Progress, WebhookEvent
from webhooks.shoppers import SETTLED

pytestmark = pytest.mark.django_db

ANA = {"id": 7, "first_name": "Ana", "last_name": "Souza", "email": "ana@example.com", "phone": "11999999999"}
E2E = "E60746948202611291432AbCdEfGhIjK"


@pytest.fixture
def order() -> Order:
    row: Order = OrderFactory.create(appmax_customer_id=7, appmax_order_id=9)
    return row


def came(payload: dict[str, Any], *, ago: timedelta = SETTLED * 2, outcome: str = "applied") -> WebhookEvent:
    """An event of the order 9 that came that long ago."""
    row: WebhookEvent = WebhookEventFactory.create(
        event=f"event-{WebhookEvent.objects.count()}",
        payload=payload,
        appmax_order_id=9,
        processed=True,
        processed_at=timezone.now(),
        outcome=outcome,
    )
    WebhookEvent.objects.filter(pk=row.pk).update(created_at=timezone.now() - ago)
    return row


def body(model: str, **data: Any) -> dict[str, Any]:
    told = models.body(model, "order_paid", RemoteOrder(9, "shop", 7, 12990, 0, 0, []), ANA, "4242")
    return {**told, "data": told["data"] | data}


def fill() -> int:
    return shoppers.fill(seconds=60)


@pytest.mark.parametrize("model", [models.GUIDE, models.STANDARD, models.WITH_META, models.FLAT, models.CUSTOM])
def test_each_model_of_a_payload_that_names_the_customer_fills_the_shopper(order: Order, model: str) -> None:
    came(body(model))

    assert fill() == 1

    shopper = Shopper.objects.get()
    assert (shopper.installation_id, shopper.appmax_customer_id) == (order.installation_id, 7)
    assert (shopper.name, shopper.email) == ("Ana Souza", "ana@example.com")


@pytest.mark.parametrize("model", [models.APP_STORE, models.LEGACY])
def test_a_payload_that_names_nobody_fills_nothing(order: Order, model: str) -> None:
    came(body(model))

    assert fill() == 1
    assert not Shopper.objects.exists()


def test_the_document_of_an_app_store_payload_is_kept(order: Order) -> None:
    came({"data": {"order_id": 9, "customer_id": 7, "customer": {"name": "Ana", "document_number": "529.982.247-25"}}})

    fill()

    assert Shopper.objects.with_document("52998224725").get().name == "Ana"


def test_an_event_changes_nothing_that_a_storefront_has_told(order: Order) -> None:
    told = Shopper.of(order.installation_id, 7, name="Ana Lima", email="lima@example.com")
    Shopper.objects.put([told], replaces=True)
    came(body(models.STANDARD))

    fill()

    assert Shopper.objects.get().email == "lima@example.com"


@pytest.mark.parametrize("outcome", ["refused", "refuted"])
def test_an_event_that_is_not_believed_fills_nothing(order: Order, outcome: str) -> None:
    came(body(models.STANDARD, end_to_end_id=E2E), outcome=outcome)

    fill()

    assert not Shopper.objects.exists()
    assert not OrderCode.objects.exists()


def test_an_event_of_another_customer_fills_nothing(order: Order) -> None:
    came(body(models.STANDARD, customer_id=8))

    fill()

    assert not Shopper.objects.exists()


def test_the_end_to_end_id_of_a_pix_finds_its_order(order: Order) -> None:
    came(body(models.APP_STORE, end_to_end_id=E2E))
    came(body(models.APP_STORE, end_to_end_id=E2E))

    fill()

    code = OrderCode.objects.matching(E2E.lower()).get()
    assert (code.order, code.kind, code.code) == (order, CodeKind.END_TO_END, E2E)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"data": None},
        {"data": [1]},
        {"data": {"customer": "Ana", "customer_id": 7}},
        {"data": {"customer": {"email": 5, "name": ["Ana"]}, "customer_id": 7, "end_to_end_id": 5}},
        {"data": {"customer": {"email": "x" * 300}, "customer_id": 7, "end_to_end_id": "x" * 2000}},
        {"data": {"customer": {"name": "Ana"}, "customer_id": "9" * 30}},
        {"data": {"customer": {"document": "a@" + "x" * 30, "email": "a@" + "x" * 253}, "customer_id": 7}},
        {"data": {"customer": {"name": "Ana"}, "customer_id": {"id": 7}}},
    ],
)
def test_odd_payloads_stop_nothing(order: Order, payload: dict[str, Any]) -> None:
    came(payload)
    came(body(models.STANDARD))

    assert fill() == 2
    assert Shopper.objects.count() == 1


def test_each_event_is_looked_at_once(order: Order) -> None:
    came(body(models.STANDARD))

    assert [fill(), fill()] == [1, 0]
    assert Progress.of(shoppers.JOB) == WebhookEvent.objects.get().pk


def test_the_newest_events_are_left_as_an_older_one_may_not_be_visible_yet(order: Order) -> None:
    came(body(models.STANDARD), ago=timedelta())
    came(body(models.STANDARD))

    assert fill() == 0


def test_the_command_fills_what_is_there_and_may_be_run_again(order: Order) -> None:
    came(body(models.STANDARD))
    Order.objects.update(pix_emv="00020126emv", boleto_digitavel="23793.38128")
    out = io.StringIO()

    for _ in range(2):
        call_command("fill_shoppers", stdout=out)

    assert out.getvalue().splitlines() == [
        "looked at 1 orders with codes and 1 events",
        "looked at 0 orders with codes and 0 events",
    ]
    assert Shopper.objects.count() == 1
    assert {OrderCode.objects.matching(text).get().order for text in ("00020126EMV", "2379338128")} == {order}


# --- retention -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "rows"), [(179, 0), (181, 2)])
def test_what_is_kept_of_a_shopper_is_deleted_as_payloads_are_stripped(order: Order, days: int, rows: int) -> None:
    then = timezone.now() - timedelta(days=days)
    Shopper.objects.put([Shopper.of(order.installation_id, 7, name="Ana", at=then)], replaces=True)
    OrderCode.objects.put_all([OrderCode.of(order.pk, CodeKind.TRACKING, "AA1", at=then)])

    assert retention.forget_shoppers() == rows
    assert Shopper.objects.count() + OrderCode.objects.count() == 2 - rows


def test_a_shopper_who_buys_again_is_kept(order: Order) -> None:
    then = timezone.now() - timedelta(days=181)
    Shopper.objects.put([Shopper.of(order.installation_id, 7, name="Ana", at=then)], replaces=True)
    Shopper.objects.put([Shopper.of(order.installation_id, 7, name="Ana")], replaces=True)

    assert retention.forget_shoppers() == 0


def test_what_is_deleted_is_not_filled_again_from_an_old_event(order: Order) -> None:
    came(body(models.STANDARD), ago=timedelta(days=181))
    retention.strip_old_payloads()

    fill()

    assert not Shopper.objects.exists()
