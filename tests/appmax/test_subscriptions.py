"""Subscriptions and payment links: Appmax's own examples, and what else may come (contract, 5.1)."""

import json
import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from appmax.client import AppmaxClient
from appmax.errors import OutcomeUnknown, Rejected, Unavailable
from appmax.messages import NewSubscription, PaymentLink, SubscribedProduct, Subscription
from appmax.subscriptions import Charge, Product, reais_in_cents
from tests.appmax.conftest import URL
from tests.support.documented import NEW_SUBSCRIPTION, SUBSCRIPTION, SUBSCRIPTION_MADE, SUBSCRIPTIONS

ROUTE = f"{URL}/v1/subscriptions"
MONTHLY = NewSubscription(
    order_id=12345,
    cadence=Subscription("month", 1, max_cycles=12),
    products=(SubscribedProduct(55),),
    freight_value=1990,
    discount=1000,
)
MIDNIGHT_OF_AUGUST_15 = datetime(2026, 8, 15, 3, tzinfo=UTC)  # in São Paulo
SHIRT = Product(product_id=55, sku="SKU-1", name="Camiseta Preta", quantity=1, price_cents=19990)


def sent(appmax: Any) -> Any:
    return json.loads(appmax.calls[-1].request.body)


# --- what is sent ---


def test_a_new_subscription_is_written_in_reais_as_documented(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(ROUTE, json={"data": SUBSCRIPTION_MADE}, status=201)

    client.create_subscription(MONTHLY)

    assert sent(appmax) == NEW_SUBSCRIPTION


@pytest.mark.parametrize("cents", [0, 1, 5, 10, 1990, 199999, 2**31 - 1])
def test_every_amount_is_written_exactly(cents: int) -> None:
    written = json.dumps(replace(MONTHLY, freight_value=cents).body()["freight_value"])

    assert reais_in_cents(written) == cents


def test_what_was_not_wished_for_is_left_to_appmax(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(ROUTE, json={"data": SUBSCRIPTION_MADE}, status=201)

    client.create_subscription(NewSubscription(order_id=1, cadence=Subscription("week", 2, fail_interval_hours=24)))

    assert sent(appmax) == {"order_id": 1, "interval": "week", "interval_count": 2, "fail_interval_hours": 24}


def test_a_subscription_whose_answer_is_lost_is_not_asked_for_twice(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(ROUTE, json={}, status=504)

    with pytest.raises(OutcomeUnknown):
        client.create_subscription(MONTHLY)
    assert [call.request.url for call in appmax.calls].count(ROUTE) == 1


def test_a_pause_has_a_day_and_a_reason_if_they_are_known(client: AppmaxClient, appmax: Any) -> None:
    paused = {"subscription_id": 10, "status": "PAUSED", "paused_from": "2026-08-04 00:00:00"}
    appmax.patch(f"{ROUTE}/10/pause", json={"data": {**paused, "paused_until": "2026-09-01 00:00:00"}})

    told = client.pause_subscription(10, until=date(2026, 9, 1), reason="Cliente solicitou pausa temporária")

    assert sent(appmax) == {"paused_until": "2026-09-01", "reason": "Cliente solicitou pausa temporária"}
    assert (told.status, told.paused_until) == ("PAUSED", datetime(2026, 9, 1, 3, tzinfo=UTC))
    client.pause_subscription(10)
    assert sent(appmax) == {}


def test_a_cancellation_may_have_a_reason(client: AppmaxClient, appmax: Any) -> None:
    body = {"data": {"subscription_id": 10, "status": "CANCELLED", "canceled_at": "2026-08-04 12:00:00"}}
    appmax.patch(f"{ROUTE}/10/cancel", json=body)

    told = client.cancel_subscription(10, reason="Cliente não deseja mais o produto")

    assert sent(appmax) == {"reason": "Cliente não deseja mais o produto"}
    assert (told.status, told.cancelled_at) == ("CANCELLED", datetime(2026, 8, 4, 15, tzinfo=UTC))


def test_an_activation_says_nothing_else(client: AppmaxClient, appmax: Any) -> None:
    body = {"subscription_id": 10, "status": "ACTIVE", "paused_from": None, "paused_until": None}
    appmax.patch(f"{ROUTE}/10/activate", json={"data": body})

    assert client.activate_subscription(10).status == "ACTIVE"
    assert sent(appmax) == {}


def test_a_shoppers_subscriptions_are_asked_for_by_an_address_no_log_has(
    client: AppmaxClient, appmax: Any, caplog: pytest.LogCaptureFixture
) -> None:
    appmax.get(ROUTE, json={"data": SUBSCRIPTIONS})

    caplog.set_level(logging.DEBUG)

    client.subscriptions_of(email="cliente+a@exemplo.com", status="ACTIVE", page=2)

    query = parse_qs(urlsplit(appmax.calls[-1].request.url).query)
    assert query == {"email": ["cliente+a@exemplo.com"], "status": ["ACTIVE"], "page": ["2"]}
    assert "/v1/subscriptions" in caplog.text
    assert "cliente" not in caplog.text


def test_an_error_does_not_repeat_the_address_that_was_asked_for(client: AppmaxClient, appmax: Any) -> None:
    appmax.get(ROUTE, json={"errors": {"message": {"email": ["ana@example.com is no email."]}}}, status=422)

    with pytest.raises(Rejected) as error:
        client.subscriptions_of(email="ana@example.com")
    assert error.value.message == "email: ••• is no email."


@pytest.mark.parametrize("where", [lambda told: {"data": told}, lambda told: told])
def test_a_payment_link_is_written_in_cents(client: AppmaxClient, appmax: Any, where: Any) -> None:
    """Appmax's page shows no answer, and says only that it brings checkout_url."""
    appmax.post(f"{URL}/v1/payment-link", json=where({"checkout_url": "https://pay.example/abc"}), status=201)
    link = PaymentLink(
        name="Curso",
        value=500,
        description="Um curso",
        payments=("creditcard", "pix", "boleto"),
        max_installments=1,
        fee_transfer_from_installment=0,
        product_type="digital",
        allow_multiple_sales=False,
    )

    assert client.create_payment_link(link) == "https://pay.example/abc"
    assert sent(appmax) == {
        "name": "Curso",
        "value": 500,
        "description": "Um curso",
        "product_type": "digital",
        "payments": ["creditcard", "pix", "boleto"],
        "max_installments": 1,
        "fee_transfer_from_installment": 0,
        "allow_multiple_sales": False,
    }


@pytest.mark.parametrize("body", [{"data": []}, {"data": {"checkout_url": ""}}, {}])
def test_a_payment_link_without_an_address_may_be_there(client: AppmaxClient, appmax: Any, body: Any) -> None:
    appmax.post(f"{URL}/v1/payment-link", json=body, status=201)

    with pytest.raises(OutcomeUnknown):
        client.create_payment_link(PaymentLink("a", 500, "b", ("pix",), 1, 0))


# --- what is answered ---


def test_the_answer_to_a_new_subscription(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(ROUTE, json={"data": SUBSCRIPTION_MADE}, status=201)

    made = client.create_subscription(MONTHLY)

    assert (made.id, made.uuid, made.status) == (10, "6f1c0f1e-6a1c-4a2b-9f0e-3d5c7a9b1234", "ACTIVE")
    assert made.panel_url == SUBSCRIPTION_MADE["panel_url"]
    assert (made.interval, made.interval_count, made.max_cycles) == ("month", 1, 12)
    assert (made.completed_cycles, made.current_cycle) == (0, 1)
    assert (made.next_charge_at, made.value_cents, made.freight_cents) == (MIDNIGHT_OF_AUGUST_15, None, 1990)
    assert (made.card_brand, made.card_last_digits, made.products) == ("visa", "1234", (SHIRT,))
    assert made.charges == (Charge(0, 12345, date(2026, 7, 15), 20980, "paid"),)


def test_the_detail(client: AppmaxClient, appmax: Any) -> None:
    appmax.get(f"{ROUTE}/10", json={"data": SUBSCRIPTION})

    told = client.get_subscription(10)

    assert (told.id, told.status, told.value_cents, told.next_charge_at) == (10, "ACTIVE", 19990, MIDNIGHT_OF_AUGUST_15)
    assert (told.completed_cycles, told.current_cycle, told.paused_until, told.cancelled_at) == (2, 3, None, None)
    assert told.charges == (Charge(2, 12347, date(2026, 7, 15), 19990, "paid"),)
    assert "Maria" not in repr(told)


def test_the_list_writes_days_in_another_way(client: AppmaxClient, appmax: Any) -> None:
    appmax.get(ROUTE, json={"data": SUBSCRIPTIONS})

    page = client.subscriptions_of(email="cliente@exemplo.com")

    assert (page.total, page.pages) == (1, 1)
    assert [each.next_charge_at for each in page.subscriptions] == [MIDNIGHT_OF_AUGUST_15]
    assert page.subscriptions[0].charges == (Charge(1, 12346, date(2026, 7, 15), 19990, "paid"),)


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        *((199.9, 19990), ("199.90", 19990), ("199.9", 19990), (199, 19900), (0, 0), ("0.00", 0), (0.29, 29)),
        *((1.1, 110), (8.2, 820), (1001.1, 100110), (19999999.99, 1999999999)),
        *((None, None), ("", None), (True, None), ("abc", None), (-1, None), (0.001, None), ([], None)),
        *(("NaN", None), ("Infinity", None), (1e300, None), ("1e999999", None)),
    ],
)
def test_reais_are_cents_without_a_cent_lost(written: Any, cents: int | None) -> None:
    assert reais_in_cents(written) == cents


def test_numbers_may_come_as_texts(client: AppmaxClient, appmax: Any) -> None:
    body = {"subscription_id": "10", "status": "Paused", "value": "19.90", "max_cycles": "12", "current_cycle": ""}
    appmax.get(f"{ROUTE}/10", json={"data": {**body, "charges": [{"cycle": "1", "order_id": "7"}, None]}})

    told = client.get_subscription(10)

    assert (told.id, told.status, told.value_cents, told.max_cycles, told.current_cycle) == (
        10,
        "PAUSED",
        1990,
        12,
        None,
    )
    assert told.charges == (Charge(1, 7, None, None, ""),)


@pytest.mark.parametrize("data", [[], {"subscription_id": 10}, {"status": "ACTIVE"}, {"id": 1, "status": "odd"}, None])
def test_an_answer_that_lacks_id_or_status_is_none(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.get(f"{ROUTE}/10", json={"data": data})
    with pytest.raises(Unavailable, match="lacks"):
        client.get_subscription(10)

    appmax.patch(f"{ROUTE}/10/cancel", json={"data": data})
    with pytest.raises(OutcomeUnknown, match="lacks"):
        client.cancel_subscription(10)


def test_a_subscription_that_appmax_does_not_have(client: AppmaxClient, appmax: Any) -> None:
    appmax.get(f"{ROUTE}/10", json={"errors": {"message": "Assinatura não encontrada."}}, status=404)

    with pytest.raises(Rejected) as error:
        client.get_subscription(10)
    assert (error.value.status, error.value.message) == (404, "Assinatura não encontrada.")
