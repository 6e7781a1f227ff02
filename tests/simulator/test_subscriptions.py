"""Subscriptions, whose clock is moved on to the next charge, and payment links."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator import models
from simulator.orders import Order
from simulator.subscriptions import Subscription, Terms, later, product_id
from tests.simulator.conftest import Appmax, Receiver
from tests.support.documented import SUBSCRIPTION, SUBSCRIPTION_EVENT, SUBSCRIPTION_MADE, SUBSCRIPTIONS
from webhooks import payload

TOTAL = 134.9  # reais
MONTHLY = {"interval": "month", "interval_count": 1}


@pytest.fixture
def paid(appmax: Appmax, merchant: str, receiver: Receiver) -> int:
    """An order that a card has paid; the webhooks that told so are forgotten."""
    order_id = appmax.new_order(merchant)
    appmax.card(merchant, order_id)
    appmax.deliveries("delivered", 3)
    receiver.received.clear()
    return order_id


@pytest.fixture
def subscribe(appmax: Appmax, merchant: str, paid: int) -> Callable[..., Any]:
    def create(**changes: Any) -> Any:
        return appmax.call("POST", "/v1/subscriptions", merchant, json={"order_id": paid, **MONTHLY, **changes})

    return create


@pytest.fixture
def made(subscribe: Callable[..., Any], receiver: Receiver) -> int:
    """The id of a subscription; the webhook that told of it is forgotten."""
    number = int(subscribe().json()["data"]["id"])
    receiver.wait_for(1)
    receiver.received.clear()
    return number


def read(appmax: Appmax, merchant: str, number: int) -> Any:
    return appmax.call("GET", f"/v1/subscriptions/{number}", merchant).json()["data"]


def renew(appmax: Appmax, number: int, **wish: Any) -> Any:
    return appmax.call("POST", f"/simulator/api/subscriptions/{number}/renew", json=wish)


# --- making one ---


def test_a_paid_order_is_renewed_from_then_on(subscribe: Callable[..., Any], paid: int, receiver: Receiver) -> None:
    answer = subscribe(max_cycles=12, next_charge_at="2030-08-15")

    data = answer.json()["data"]
    assert answer.status_code == 201
    assert (data["status"], data["max_cycles"], data["charge_day"]) == ("active", 12, 15)
    assert data["next_charge_at"] == "2030-08-15 00:00:00"
    [charge] = data["charges"]
    assert (charge["cycle"], charge["order_id"], charge["value"], charge["status"]) == (0, paid, TOTAL, "paid")
    [told] = receiver.wait_for(1)
    assert told.body["event"] == "subscription_created"
    assert told.body["data"]["subscription_id"] == data["id"]


def test_without_a_day_the_next_charge_is_an_interval_away(subscribe: Callable[..., Any], appmax: Appmax) -> None:
    number = subscribe(interval="week", interval_count=2).json()["data"]["id"]

    [kept] = [row for row in appmax.control("GET", "subscriptions") if row["id"] == number]
    assert kept["next_charge_at"] == later(kept["charges"][0]["charged_at"], "week", 2)


@pytest.mark.parametrize(
    ("interval", "count", "next_one"),
    [
        ("week", 1, "2026-02-07"),
        ("month", 1, "2026-02-28"),
        ("month", 3, "2026-04-30"),
        ("month", 12, "2027-01-31"),
        ("year", 2, "2028-01-31"),
    ],
)
def test_a_month_that_is_too_short_is_charged_on_its_last_day(interval: str, count: int, next_one: str) -> None:
    assert later("2026-01-31T12:00:00.000+00:00", interval, count).startswith(next_one)


def test_amounts_are_reais_and_products_go_by_appmaxs_number(subscribe: Callable[..., Any], appmax: Appmax) -> None:
    shirt = product_id("CAM-01")
    answer = subscribe(freight_value=9.9, discount=0.01, products=[{"product_id": shirt, "quantity": 2}])

    number = answer.json()["data"]["id"]
    [kept] = [row for row in appmax.control("GET", "subscriptions") if row["id"] == number]
    terms = kept["terms"]
    assert (terms["value"], terms["freight"], terms["discount"], kept["total"]) == (25980, 990, 1, 26969)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"order_id": 1}, 404),
        ({"interval": "day"}, 422),
        ({"max_cycles": 0}, 422),
        ({"next_charge_at": "tomorrow"}, 422),
        ({"freight_value": "19.9"}, 422),
        ({"discount": 999}, 422),
        ({"products": [{"product_id": 1}]}, 422),
        ({"products": [{"product_id": product_id("CAM-01")}] * 2}, 409),
    ],
)
def test_what_cannot_be_renewed_is_refused(subscribe: Callable[..., Any], changes: Any, status: int) -> None:
    answer = subscribe(**changes)

    assert answer.status_code == status
    assert answer.json()["errors"]["message"]


def test_only_an_order_that_card_or_pix_has_paid_is_renewed(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    wish = {"order_id": order_id, **MONTHLY}
    appmax.boleto(merchant, order_id)
    by_boleto = appmax.call("POST", "/v1/subscriptions", merchant, json=wish)
    assert by_boleto.json()["errors"]["message"].startswith("Apenas pedidos de cartão de crédito ou PIX")
    assert by_boleto.status_code == 400

    appmax.pix(merchant, order_id)
    assert appmax.call("POST", "/v1/subscriptions", merchant, json=wish).status_code == 400
    appmax.control("POST", f"orders/{order_id}/pay", json={"method": "pix"})
    assert appmax.call("POST", "/v1/subscriptions", merchant, json=wish).status_code == 201


def test_a_payment_may_begin_a_subscription(appmax: Appmax, merchant: str) -> None:
    by_card, by_pix, refused = (appmax.new_order(merchant) for _ in range(3))
    body = appmax.card_body(by_card)
    body["payment_data"]["subscription"] = MONTHLY
    appmax.call("POST", "/v1/payments/credit-card", merchant, json=body)
    body = appmax.card_body(refused, "4000000000000028")
    body["payment_data"]["subscription"] = MONTHLY
    appmax.call("POST", "/v1/payments/credit-card", merchant, json=body)
    pix = {"pix": {"document_number": "52998224725"}, "subscription": MONTHLY}
    appmax.call("POST", "/v1/payments/pix", merchant, json={"order_id": by_pix, "payment_data": pix})
    assert [row["first_order"]["id"] for row in appmax.control("GET", "subscriptions")] == [by_card]

    appmax.control("POST", f"orders/{by_pix}/pay")
    assert [row["first_order"]["id"] for row in appmax.control("GET", "subscriptions")] == [by_pix, by_card]


# --- how it is written ---


def test_the_answers_have_the_documented_fields(
    appmax: Appmax, merchant: str, subscribe: Callable[..., Any], made: int
) -> None:
    listed = appmax.call("GET", "/v1/subscriptions?email=ana@example.com", merchant).json()["data"]

    assert set(SUBSCRIPTION_MADE) <= set(subscribe().json()["data"])
    assert set(SUBSCRIPTION) <= set(read(appmax, merchant, made))
    assert set(SUBSCRIPTIONS["subscriptions"][0]) <= set(listed["subscriptions"][0])
    assert listed["pagination"] == {"total": 1, "per_page": 10, "current_page": 1, "last_page": 1}
    for told in (read(appmax, merchant, made), listed["subscriptions"][0]):
        assert told["charges"][0].keys() == SUBSCRIPTION["charges"][0].keys()
    assert len(listed["subscriptions"][0]["next_charge_at"]) == len("15/08/2026")
    assert len(read(appmax, merchant, made)["next_charge_at"]) == len("2026-08-15 00:00:00")


def test_a_list_is_of_one_shopper_and_one_status(appmax: Appmax, merchant: str, made: int) -> None:
    def found(query: str) -> Any:
        return appmax.call("GET", f"/v1/subscriptions?{query}", merchant)

    assert found("email=ANA@example.com").json()["data"]["pagination"]["total"] == 1
    assert found("email=bia@example.com").json()["data"]["pagination"]["total"] == 0
    assert found("email=ana@example.com&status=PAUSED").json()["data"]["subscriptions"] == []
    assert [found(query).status_code for query in ("", "email=ana", "email=a@b.c&status=on")] == [422] * 3


def test_another_merchants_subscription_is_not_found(appmax: Appmax, made: int) -> None:
    other = appmax.merchant_token("another")

    answers = [
        appmax.call("GET", f"/v1/subscriptions/{made}", other),
        *(appmax.call("PATCH", f"/v1/subscriptions/{made}/{verb}", other) for verb in ("pause", "activate", "cancel")),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["errors"]["message"] for answer in answers} == {"Assinatura não encontrada."}


# --- what becomes of it ---


def test_a_pause_ends_and_a_cancellation_does_not(appmax: Appmax, merchant: str, made: int) -> None:
    def change(verb: str, **body: Any) -> Any:
        return appmax.call("PATCH", f"/v1/subscriptions/{made}/{verb}", merchant, json=body)

    paused = change("pause", paused_until="2030-09-01", reason="away").json()["data"]
    assert (paused["status"], paused["paused_until"]) == ("PAUSED", "2030-09-01 00:00:00")
    assert change("activate").json()["data"] == {
        "subscription_id": made,
        "status": "ACTIVE",
        "paused_from": None,
        "paused_until": None,
    }
    cancelled = change("cancel").json()["data"]
    assert cancelled["status"] == "CANCELLED"
    assert cancelled == change("cancel").json()["data"]
    assert change("activate").status_code == change("pause").status_code == 422
    assert change("pause", paused_until="soon").status_code == 422


def test_a_cancellation_is_told_once(appmax: Appmax, merchant: str, made: int, receiver: Receiver) -> None:
    for _ in range(2):
        appmax.call("PATCH", f"/v1/subscriptions/{made}/cancel", merchant)

    assert receiver.events(1) == ["subscription_cancelation"]


def test_the_clock_makes_a_new_order_that_is_paid(
    appmax: Appmax, merchant: str, made: int, paid: int, receiver: Receiver
) -> None:
    before = read(appmax, merchant, made)

    assert renew(appmax, made).status_code == 200

    after = read(appmax, merchant, made)
    order_id = after["charges"][-1]["order_id"]
    order = appmax.read(merchant, order_id)
    assert (order["order"]["status"], order["order"]["total_paid"]) == ("aprovado", 13490)
    assert order["customer"]["id"] == appmax.read(merchant, paid)["customer"]["id"]
    assert (after["completed_cycles"], after["current_cycle"]) == (1, 2)
    assert after["charges"][-1]["charged_at"] == "/".join(reversed(before["next_charge_at"][:10].split("-")))
    told = receiver.wait_for(4)
    assert {post.body["event"] for post in told} == {
        *("order_authorized", "order_approved", "order_paid", "subscription_charge_success")
    }
    assert {post.body["data"].get("order_id") for post in told} == {order_id, None}


def test_a_charge_that_is_declined_makes_no_order(appmax: Appmax, merchant: str, made: int, receiver: Receiver) -> None:
    orders = len(appmax.control("GET", "orders"))

    for _ in range(3):
        renew(appmax, made, declined=True)

    told = read(appmax, merchant, made)
    assert [(row["cycle"], row["order_id"], row["status"]) for row in told["charges"][1:]] == [(1, None, "failed")] * 3
    assert len(appmax.control("GET", "orders")) == orders
    assert receiver.events(3) == ["subscription_charge_failed"] * 3


def test_a_switch_has_every_charge_declined(appmax: Appmax, merchant: str, made: int) -> None:
    appmax.control("POST", "settings", json={"renewals": "failed"})

    renew(appmax, made)

    assert read(appmax, merchant, made)["charges"][-1]["status"] == "failed"


def test_what_is_paused_cancelled_or_over_is_not_charged(
    appmax: Appmax, merchant: str, made: int, subscribe: Callable[..., Any]
) -> None:
    short = subscribe(max_cycles=1).json()["data"]["id"]
    assert [renew(appmax, short).status_code for _ in range(2)] == [200, 409]
    assert read(appmax, merchant, short)["next_charge_at"] is None

    appmax.call("PATCH", f"/v1/subscriptions/{made}/pause", merchant)
    assert [renew(appmax, made, declined=declined).status_code for declined in (False, True)] == [409, 409]
    assert renew(appmax, 1).status_code == 404
    assert renew(appmax, made, declined="yes").status_code == 422


def test_people_move_the_clock_with_a_button(appmax: Appmax, made: int) -> None:
    assert "To the next charge" in appmax.call("GET", "/subscriptions").text

    answer = appmax.call("POST", f"/subscriptions/{made}/renew", data={"outcome": "failed"})

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/subscriptions#{made}")
    assert "failed" in appmax.call("GET", "/subscriptions").text


# --- what webhooks tell of it ---


def body(model: str, name: str) -> dict[str, Any]:
    order = Order(9001, "shop", 77, 12990, 0, 0, [{"sku": "a", "name": "Plano", "quantity": 1}], status="aprovado")
    subscription = Subscription(501, "shop", 77, "month", 1, Terms.of(order), "2030-01-01T00:00:00Z", order)
    return models.body(model, name, order, models.NOBODY, "4242", subscription)


@pytest.mark.parametrize("name", ["subscription_created", "subscription_charge_success", "subscription_delayed"])
def test_the_app_store_names_the_subscription_and_no_order(name: str) -> None:
    told = body("app_store", name)

    assert told["data"].keys() == SUBSCRIPTION_EVENT["data"].keys()
    assert (told["event_type"], told["data"]["subscription_id"], told["data"]["total"]) == ("subscription", 501, 12990)
    assert payload.read(told).order_id is None


@pytest.mark.parametrize("model", ["standard", "two_level_flat", "custom_content"])
def test_the_panel_names_the_subscription_where_it_tells_of_the_customer(model: str) -> None:
    assert body(model, "subscription_delayed")["data"]["subscription"] == {"id": 501}
    assert payload.read(body(model, "subscription_charge_success")).order_id == 9001
    assert "subscription" not in body(model, "subscription_charge_success")["data"]


# --- payment links ---


LINK = {
    "name": "Curso",
    "value": 500,
    "description": "Um curso",
    "payments": ["creditcard", "pix"],
    "max_installments": 3,
    "fee_transfer_from_installment": 0,
}


def test_whoever_has_a_payment_link_can_pay(appmax: Appmax, merchant: str, receiver: Receiver) -> None:
    answer = appmax.call("POST", "/v1/payment-link", merchant, json=LINK)
    assert answer.status_code == 201
    path = answer.json()["data"]["checkout_url"].removeprefix(appmax.url)
    page = appmax.call("GET", path).text
    assert "R$ 5,00" in page
    assert "Um curso" in page

    paid = appmax.call("POST", path).headers["Location"]

    assert "Paid: order" in appmax.call("GET", paid).text
    order_id = int(paid.rpartition("=")[2])
    order = appmax.read(merchant, order_id)["order"]
    assert (order["status"], order["total_paid"]) == ("aprovado", 500)
    assert {post.body["data"]["order_id"] for post in receiver.wait_for(3)} == {order_id}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"value": 499},
        {"value": 5.5},
        {"payments": []},
        {"payments": ["cash"]},
        {"max_installments": 13},
        {"fee_transfer_from_installment": None},
        {"product_type": "odd"},
        {"document": "12345678900"},
    ],
)
def test_half_a_payment_link_is_refused(appmax: Appmax, merchant: str, changes: dict[str, Any]) -> None:
    answer = appmax.call("POST", "/v1/payment-link", merchant, json={**LINK, **changes})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == list(changes)


def test_there_is_no_page_for_a_link_that_was_not_made(appmax: Appmax) -> None:
    assert appmax.call("GET", "/links/1").status_code == 404
