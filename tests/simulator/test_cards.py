"""Paying by card: what each test card does, and what is kept of it."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.conftest import APPROVED, CPF, Appmax, Receiver

REFUSED, ERROR, UNKNOWN = "4000000000000002", "4000000000000036", "4111111111111111"
NOT_AUTHORISED, GATEWAY_DOWN = "4000000000000028", "4000000000009999"
AUTHORISED, AT_RISK = "4000000000000044", "4000000000000051"  # this simulator's own


@pytest.fixture
def order_id(appmax: Appmax, merchant: str) -> int:
    return appmax.new_order(merchant)


def _order(appmax: Appmax, merchant: str, order_id: int) -> tuple[str, int]:
    order = appmax.read(merchant, order_id)["order"]
    return order["status"], order["total_paid"]


# --- what each card does ---------------------------------------------------------------------------------------------


def test_an_approved_card_pays(appmax: Appmax, merchant: str, order_id: int, receiver: Receiver) -> None:
    answer = appmax.card(merchant, order_id)
    assert answer.status_code == 201
    payment = answer.json()["data"]["payment"]
    assert payment["status"] == "aprovado"
    assert payment["id"]
    assert payment["pay_reference"]
    assert payment["upsell_hash"]
    assert _order(appmax, merchant, order_id) == ("aprovado", 13490)
    assert receiver.events(3) == ["order_authorized", "order_approved", "order_paid"]
    assert receiver.received[0].body["data"]["payment_type"] == "credit_card"


def test_a_card_may_be_authorised_and_not_captured(
    appmax: Appmax, merchant: str, order_id: int, receiver: Receiver
) -> None:
    payment = appmax.card(merchant, order_id, AUTHORISED).json()["data"]["payment"]
    assert payment["status"] == "autorizado"
    assert payment["upsell_hash"]
    assert _order(appmax, merchant, order_id) == ("autorizado", 0)
    assert receiver.events(1) == ["order_authorized"]


def test_a_card_may_be_refused_by_risk(appmax: Appmax, merchant: str, order_id: int, receiver: Receiver) -> None:
    answer = appmax.card(merchant, order_id, AT_RISK)
    assert answer.status_code == 201
    assert answer.json()["data"]["payment"]["status"] == "recusado_por_risco"
    assert answer.json()["data"]["payment"]["pay_reference"]
    assert _order(appmax, merchant, order_id) == ("recusado_por_risco", 0)
    assert receiver.events(1) == ["order_refused_by_risk"]


def test_an_issuer_refuses_with_an_empty_reference(appmax: Appmax, merchant: str, order_id: int) -> None:
    answer = appmax.card(merchant, order_id, REFUSED)
    assert answer.status_code == 201
    payment = answer.json()["data"]["payment"]
    assert (payment["pay_reference"], payment["upsell_hash"], payment["status"]) == ("", "", "cancelado")


@pytest.mark.parametrize(
    ("number", "status", "body"),
    [
        (NOT_AUTHORISED, 402, {"errors": {"message": "Payment not authorized"}}),
        (ERROR, 422, {"error": {"message": "Transação não autorizada"}}),
        (UNKNOWN, 403, {"message": "Payment not authorized"}),
    ],
)
def test_others_are_refused_with_an_error(
    appmax: Appmax, merchant: str, order_id: int, number: str, status: int, body: dict[str, Any]
) -> None:
    answer = appmax.card(merchant, order_id, number)
    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize("number", [NOT_AUTHORISED, REFUSED, ERROR, UNKNOWN])
def test_a_decline_cancels_the_order(
    appmax: Appmax, merchant: str, order_id: int, receiver: Receiver, number: str
) -> None:
    appmax.card(merchant, order_id, number)
    assert _order(appmax, merchant, order_id) == ("cancelado", 0)
    assert appmax.kept(order_id)["charges"] == 0
    [told] = receiver.wait_for(1)
    assert (told.body["event"], told.body["event_type"]) == ("payment_not_authorized", "payment")
    assert told.body["data"]["order_id"] == order_id


def test_while_the_gateway_is_down_nothing_happens(appmax: Appmax, merchant: str, order_id: int) -> None:
    assert appmax.card(merchant, order_id, GATEWAY_DOWN).status_code == 504
    assert _order(appmax, merchant, order_id) == ("pendente", 0)
    assert appmax.kept(order_id)["payments"] == []
    assert appmax.control("GET", "deliveries") == []


@pytest.mark.parametrize("number", [NOT_AUTHORISED, AT_RISK])
def test_another_card_may_be_tried_after_a_refusal(appmax: Appmax, merchant: str, order_id: int, number: str) -> None:
    appmax.card(merchant, order_id, number)
    assert appmax.card(merchant, order_id).status_code == 201
    assert _order(appmax, merchant, order_id) == ("aprovado", 13490)


# --- charges ---------------------------------------------------------------------------------------------------------


def test_every_try_is_kept(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.card(merchant, order_id, REFUSED)
    appmax.card(merchant, order_id, APPROVED, installments=3)
    declined, charged = appmax.kept(order_id)["payments"]
    assert (declined["status"], declined["card_last4"]) == ("cancelado", "0002")
    assert (charged["method"], charged["status"], charged["amount"]) == ("credit_card", "aprovado", 13490)
    assert (charged["card_last4"], charged["installments"]) == ("0010", 3)
    assert charged["id"] != declined["id"]
    assert charged["created_at"]


@pytest.mark.parametrize("first", [APPROVED, AUTHORISED])
def test_a_card_is_charged_as_often_as_it_is_asked_for(
    appmax: Appmax, merchant: str, order_id: int, first: str
) -> None:
    """Nothing in Appmax's API promises otherwise: it is the app that must not ask twice."""
    answers = [appmax.card(merchant, order_id, number) for number in (first, APPROVED)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert appmax.kept(order_id)["charges"] == 2


def test_money_that_is_taken_twice_counts_twice(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.card(merchant, order_id)
    appmax.card(merchant, order_id)
    assert _order(appmax, merchant, order_id) == ("aprovado", 2 * 13490)


def test_a_decline_takes_nothing_from_a_paid_order(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.card(merchant, order_id)
    appmax.card(merchant, order_id, NOT_AUTHORISED)
    assert _order(appmax, merchant, order_id) == ("aprovado", 13490)


def test_a_refunded_order_takes_no_card(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.card(merchant, order_id)
    appmax.refund(merchant, order_id, type="total")
    answer = appmax.card(merchant, order_id)
    assert (answer.status_code, answer.json()) == (400, {"errors": {"message": "The order is estornado"}})


def test_an_order_tells_of_its_card_payment(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.card(merchant, order_id, installments=2)
    payment = appmax.read(merchant, order_id)["payment"]
    assert (payment["method"], payment["installments"], payment["installments_amount"]) == ("creditcard", 2, 6745)
    assert payment["card"] == {"brand": "visa", "number": "400000****0010"}


def test_a_card_ends_the_wait_for_a_pix(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.pix(merchant, order_id)
    appmax.card(merchant, order_id)
    assert appmax.kept(order_id)["pending"] == []
    assert [payment["status"] for payment in appmax.kept(order_id)["payments"]] == ["cancelado", "aprovado"]


# --- what is asked of a body -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": None}, "number"),
        ({"number": "4000 0000 0000 0010"}, "number"),
        ({"number": 4000000000000010}, "number"),
        ({"cvv": "12"}, "cvv"),
        ({"expiration_month": "13"}, "expiration_month"),
        ({"expiration_year": "5"}, "expiration_year"),
        ({"expiration_year": "20"}, "expiration_year"),
        ({"holder_name": " "}, "holder_name"),
        ({"installments": 0}, "installments"),
        ({"installments": 13}, "installments"),
        ({"installments": "2"}, "installments"),
        ({"soft_descriptor": "FOURTEEN CHARS"}, "soft_descriptor"),
        ({"holder_document_number": "12345678900"}, "holder_document_number"),
        ({"upsell_hash": 5}, "upsell_hash"),
        ({"token": 5}, "token"),
    ],
)
def test_card_payments_are_validated(
    appmax: Appmax, merchant: str, order_id: int, changes: dict[str, Any], field: str
) -> None:
    answer = appmax.card(merchant, order_id, **changes)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [field]
    assert appmax.kept(order_id)["payments"] == []


def test_all_that_is_optional_may_be_there(appmax: Appmax, merchant: str, order_id: int) -> None:
    body = appmax.card_body(
        order_id,
        expiration_month=1,
        expiration_year="99",
        installments=12,
        soft_descriptor="LOJA DA ANA 1",
        holder_document_number=CPF,
        upsell_hash="",
    )
    body["payment_data"]["subscription"] = {"interval": "month", "interval_count": 1}
    assert appmax.call("POST", "/v1/payments/credit-card", merchant, json=body).status_code == 201


@pytest.mark.parametrize("subscription", [{"interval": "month"}, {"interval_count": 1}, "monthly"])
def test_half_a_subscription_is_refused(appmax: Appmax, merchant: str, order_id: int, subscription: Any) -> None:
    body = appmax.card_body(order_id)
    body["payment_data"]["subscription"] = subscription
    answer = appmax.call("POST", "/v1/payments/credit-card", merchant, json=body)
    assert list(answer.json()["errors"]["message"]) == ["subscription"]


def test_the_customer_must_be_the_orders(appmax: Appmax, merchant: str, order_id: int) -> None:
    other = appmax.customer(merchant, email="bia@example.com").json()["data"]["customer"]["id"]
    body = {**appmax.card_body(order_id), "customer_id": other}
    answer = appmax.call("POST", "/v1/payments/credit-card", merchant, json=body)
    assert list(answer.json()["errors"]["message"]) == ["customer_id"]


def test_another_merchants_order_takes_no_card(appmax: Appmax, order_id: int) -> None:
    assert appmax.card(appmax.merchant_token("other"), order_id).status_code == 404


@pytest.mark.parametrize("body", [{}, {"payment_data": []}, {"payment_data": {"credit_card": "x"}}])
def test_a_malformed_card_payment_is_refused(
    appmax: Appmax, merchant: str, order_id: int, body: dict[str, Any]
) -> None:
    answer = appmax.call("POST", "/v1/payments/credit-card", merchant, json={"order_id": order_id, **body})
    assert answer.status_code == 422


# --- secrecy ---------------------------------------------------------------------------------------------------------


def test_neither_number_nor_cvv_is_kept_shown_or_logged(
    start: Callable[..., Appmax], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    appmax = start()
    merchant = appmax.merchant_token()
    order_id, number = appmax.new_order(merchant), "5555444433332222"
    token, _unused = (appmax.tokenize(merchant, number, cvv="9173").json()["data"]["token"] for _ in range(2))
    answers = [
        appmax.card(merchant, order_id, number, cvv="9173").text,
        appmax.card(merchant, order_id, number, cvv="9173", holder_name="").text,
        appmax.card(merchant, order_id, token=token, number=None, cvv=None).text,
    ]
    shown = [appmax.call("GET", path).text for path in ("/orders", "/deliveries", "/simulator/api/orders")]
    logged = [record.getMessage() for record in caplog.records if record.name.startswith(("simulator", "werkzeug"))]
    kept = repr(vars(appmax.state))
    assert "card_last4='2222'" in kept
    assert not [text for text in [*answers, *shown, *logged, kept] if number in text or re.search(r"\b9173\b", text)]
