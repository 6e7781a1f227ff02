"""Paying by Google Pay and Apple Pay, against a simulated Appmax over HTTP."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses
from django.test import Client

from dev.smoke import ORDER
from orders.models import Order, PaymentAttempt
from orders.questions import ask, due
from orders.questions.ask import Answer
from orders.wallets import MOST_CHARACTERS, MOST_LEVELS
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_apple_pay, by_card, by_google_pay, by_pix, ordered, post, remote
from tests.support.appmax_mock import ADAPTER
from tests.support.documented import APPLE_PAY, GOOGLE_PAY, GOOGLE_PAY_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)

WALLETS = [("google-pay", by_google_pay), ("apple-pay", by_apple_pay)]
in_each_wallet = pytest.mark.parametrize(("wallet", "body"), WALLETS)
Body = Callable[..., dict[str, Any]]


@in_each_wallet
def test_a_wallet_pays_the_order_once(store: Client, simulator: SimulatorServer, wallet: str, body: Body) -> None:
    order_id = ordered(store)

    answer = post(store, f"pay/{wallet}", body(order_id, installments=3))

    method = wallet.replace("-", "_")
    [charge] = remote(simulator, order_id).charges
    assert (answer.status_code, charge.method, charge.installments) == (200, method, 3)
    assert answer.json() == {"order_id": order_id, "status": "aprovado", "upsell_hash": charge.upsell_hash}
    row, attempt = Order.objects.get(), PaymentAttempt.objects.get()
    assert (row.status, row.payment_method, row.installments) == ("aprovado", method, 3)
    assert (attempt.method, attempt.state) == (method, "succeeded")
    assert post(store, f"pay/{wallet}", body(order_id)).json()["code"] == "already_paid"


@in_each_wallet
def test_without_an_order_one_is_made_first(store: Client, simulator: SimulatorServer, wallet: str, body: Body) -> None:
    answer = post(store, f"pay/{wallet}", body(None))

    assert len(remote(simulator, answer.json()["order_id"]).charges) == 1


@pytest.mark.parametrize(("route", "body"), [*WALLETS, ("boleto", by_pix)])
def test_a_payment_that_cannot_begin_a_subscription_refuses_one(
    store: Client, simulator: SimulatorServer, route: str, body: Body
) -> None:
    answer = post(store, f"pay/{route}", {**body(None), "subscription": {"interval": "month"}})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["subscription"])
    assert simulator.state.latest_orders() == []
    assert post(store, f"pay/{route}", {**body(None), "subscription": None}).status_code == 200


@in_each_wallet
def test_a_number_that_nobody_can_write_again_is_refused_before_anything_is_made(
    store: Client, simulator: SimulatorServer, wallet: str, body: Body
) -> None:
    text = json.dumps({**body(None)}).replace('"payment_data": {', '"payment_data": {"x": 1e999, ')

    answer = store.post(f"/checkout/shop/pay/{wallet}", text, "application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["payment.payment_data"])
    assert simulator.state.latest_orders() == []


@in_each_wallet
def test_a_declined_wallet_is_422_and_the_order_can_be_paid_in_another_way(
    store: Client, simulator: SimulatorServer, wallet: str, body: Body
) -> None:
    simulator.state.switch(cards="declined")
    declined = post(store, f"pay/{wallet}", body(None))
    simulator.state.switch(cards="by_number")

    assert (declined.status_code, declined.json()["code"]) == (422, "payment_declined")
    assert Order.objects.get().status == "cancelado"
    paid = post(store, "pay/google-pay", by_google_pay(declined.json()["order_id"], token="another"))
    assert paid.json()["status"] == "aprovado"


@in_each_wallet
def test_an_upsell_after_a_wallet_is_the_wallets_too(store: Client, wallet: str, body: Body) -> None:
    paid = post(store, f"pay/{wallet}", body(None)).json()

    sold = {"upsell_hash": paid["upsell_hash"], "products_value": 12990, "products": ORDER["order"]["products"]}
    assert post(store, "upsell", sold).status_code == 200

    new = Order.objects.exclude(appmax_order_id=paid["order_id"]).get()
    assert (new.status, new.payment_method) == ("aprovado", wallet.replace("-", "_"))


def test_an_upsell_to_a_card_whose_order_was_paid_anew_by_pix_is_by_card(store: Client) -> None:
    paid = post(store, "pay/credit-card", by_card(None)).json()
    Order.objects.update(payment_method="pix")

    sold = {"upsell_hash": paid["upsell_hash"], "products_value": 12990, "products": ORDER["order"]["products"]}
    post(store, "upsell", sold)

    assert Order.objects.exclude(appmax_order_id=paid["order_id"]).get().payment_method == "credit_card"


@in_each_wallet
def test_a_token_serves_once(store: Client, simulator: SimulatorServer, wallet: str, body: Body) -> None:
    post(store, f"pay/{wallet}", body(ordered(store)))

    again = post(store, f"pay/{wallet}", body(ordered(store)))

    assert (again.status_code, again.json()["code"]) == (400, "appmax_refused")
    assert PaymentAttempt.objects.latest("pk").state == "failed"


@in_each_wallet
def test_the_same_request_is_answered_again_and_charged_once(
    store: Client, simulator: SimulatorServer, wallet: str, body: Body
) -> None:
    order_id = ordered(store)
    sent = body(order_id)

    first, again = (post(store, f"pay/{wallet}", sent, key="k-1") for _ in range(2))
    other = post(store, f"pay/{wallet}", {**sent, "payment": {**sent["payment"], "installments": 2}}, key="k-1")

    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    assert other.json()["code"] == "idempotency_key_reused"
    assert len(remote(simulator, order_id).charges) == 1


def test_of_several_at_once_one_charges(
    store: Client, simulator: SimulatorServer, race: Callable[..., list[Any]]
) -> None:
    order_id = ordered(store)

    answers = race(lambda number: post(store, "pay/google-pay", by_google_pay(order_id, f"token-{number}")), times=5)

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert len(remote(simulator, order_id).charges) == 1


@in_each_wallet
def test_an_unknown_outcome_is_found_out(store: Client, simulator: SimulatorServer, wallet: str, body: Body) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(f"/v1/payments/{wallet}", status=504, work=True))

    answer = post(store, f"pay/{wallet}", body(order_id))

    assert answer.json()["code"] == "outcome_unknown"
    assert PaymentAttempt.objects.get().state == "unknown"
    due.put_overdue()
    assert ask.ask_due() == {Answer.CHANGED: 1}
    row = Order.objects.get()
    assert (row.status, row.payment_method) == ("aprovado", wallet.replace("-", "_"))
    assert PaymentAttempt.objects.get().state == "succeeded"


def test_the_order_tells_its_card_and_its_wallet(store: Client) -> None:
    order_id = ordered(store)
    post(store, "pay/google-pay", by_google_pay(order_id, installments=2))

    told = store.get(f"/checkout/shop/orders/{order_id}").json()

    assert (told["payment_method"], told["card"]["installments"]) == ("google_pay", 2)


# --- what is sent ----------------------------------------------------------------------------------------------------


def sent(store: Client, simulator: SimulatorServer, wallet: str, body: dict[str, Any]) -> bytes:
    """The bytes of the call that this request leads to."""
    with responses.RequestsMock(assert_all_requests_are_fired=False, target=ADAPTER) as appmax:
        appmax.post(f"{simulator.url}/oauth2/token", json={"access_token": "t", "expires_in": 3600})
        paid = {"data": {"payment": {"pay_reference": "r", "status": "aprovado"}}}
        call = appmax.post(f"{simulator.url}/v1/payments/{wallet}", json=paid)
        assert post(store, f"pay/{wallet}", body).status_code == 200
    return bytes(call.calls[0].request.body)


def test_googles_token_is_sent_whole_and_its_text_byte_for_byte(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    odd: dict[str, Any] = {"assuranceDetails": {"cardHolderAuthenticated": True}, "unknown": [None, 1.5, {}]}
    data = {**GOOGLE_PAY["payment_data"], "info": {**GOOGLE_PAY["payment_data"]["info"], **odd}}
    data["tokenizationData"] = {"type": "PAYMENT_GATEWAY", "token": f" {GOOGLE_PAY_TOKEN} "}

    body = json.loads(sent(store, simulator, "google-pay", by_google_pay(order_id, payment_data=data)))

    order = Order.objects.get()
    assert (body["order_id"], body["customer_id"]) == (order_id, order.appmax_customer_id)
    assert body["payment_data"] == {
        "google_pay": {"installments": 1, "holder_document_number": "52998224725", "payment_data": data}
    }


def test_apples_token_is_sent_whole_and_the_instalments_are_a_text(store: Client, simulator: SimulatorServer) -> None:
    body = by_apple_pay(ordered(store), installments=3, soft_descriptor="LOJA AZUL")

    assert json.loads(sent(store, simulator, "apple-pay", body))["payment_data"] == {
        "apple_pay": {
            "installments": "3",
            "holder_document_number": "52998224725",
            "soft_descriptor": "LOJA AZUL",
            **APPLE_PAY,
        }
    }


# --- what is refused -------------------------------------------------------------------------------------------------


def nested(levels: int) -> Any:
    return {"more": nested(levels - 1)} if levels else 1


GOOGLE, APPLE = GOOGLE_PAY["payment_data"], APPLE_PAY["payment_data"]
TOKEN = GOOGLE["tokenizationData"]


@pytest.mark.parametrize(
    ("wallet", "changes", "field"),
    [
        ("google-pay", {"installments": 0}, "payment.installments"),
        ("google-pay", {"installments": 13}, "payment.installments"),
        ("apple-pay", {"installments": "x"}, "payment.installments"),
        ("google-pay", {"holder_document_number": "12345678900"}, "payment.holder_document_number"),
        ("apple-pay", {"holder_document_number": None}, "payment.holder_document_number"),
        ("apple-pay", {"soft_descriptor": "x" * 14}, "payment.soft_descriptor"),
        ("google-pay", {"instalments": 2}, "payment.instalments"),
        ("apple-pay", {"paymentData": {}}, "payment.paymentData"),
        ("google-pay", {"payment_data": None}, "payment.payment_data"),
        ("google-pay", {"payment_data": "text"}, "payment.payment_data"),
        ("google-pay", {"payment_data": {**GOOGLE, "type": "PAYPAL"}}, "payment.payment_data.type"),
        ("google-pay", {"payment_data": {**GOOGLE, "info": {}}}, "payment.payment_data.info.cardNetwork"),
        ("google-pay", {"payment_data": {**GOOGLE, "info": None}}, "payment.payment_data.info"),
        (
            "google-pay",
            {"payment_data": {**GOOGLE, "tokenizationData": {**TOKEN, "token": {"signature": "s"}}}},
            "payment.payment_data.tokenizationData.token",
        ),
        (
            "google-pay",
            {"payment_data": {**GOOGLE, "tokenizationData": {**TOKEN, "token": 12345}}},
            "payment.payment_data.tokenizationData.token",
        ),
        ("apple-pay", {"payment_data": {**APPLE, "data": ""}}, "payment.payment_data.data"),
        ("apple-pay", {"payment_data": {**APPLE, "signature": None}}, "payment.payment_data.signature"),
        ("apple-pay", {"payment_data": {**APPLE, "header": {}}}, "payment.payment_data.header.transactionId"),
        ("apple-pay", {"payment_method": {}}, "payment.payment_method.network"),
        ("apple-pay", {"transaction_identifier": None}, "payment.transaction_identifier"),
        ("apple-pay", {"payment_data": {**APPLE, "data": "x" * MOST_CHARACTERS}}, "payment.payment_data"),
        ("google-pay", {"payment_data": {**GOOGLE, "more": nested(MOST_LEVELS)}}, "payment.payment_data"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(
    store: Client, simulator: SimulatorServer, wallet: str, changes: dict[str, Any], field: str
) -> None:
    answer = post(store, f"pay/{wallet}", dict(WALLETS)[wallet](None, **changes))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not simulator.state.orders


def test_a_token_as_great_and_as_deep_as_may_be_is_taken(store: Client) -> None:
    data = {**GOOGLE, "more": nested(MOST_LEVELS - 1), "tokenizationData": {**TOKEN, "token": "x" * 19_000}}

    assert post(store, "pay/google-pay", by_google_pay(ordered(store), payment_data=data)).status_code == 200
