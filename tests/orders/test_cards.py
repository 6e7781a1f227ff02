"""Paying by card, against a simulated Appmax over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Order, PaymentAttempt
from orders.serializers import CardSerializer
from simulator import cards
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import CARD, by_card, by_pix, ordered, post, remote

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_approved_card_pays_the_order_once(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)

    answer = post(store, "pay/credit-card", by_card(order_id))

    [charge] = remote(simulator, order_id).charges
    assert answer.status_code == 200
    assert answer.json() == {"order_id": order_id, "status": "aprovado", "upsell_hash": charge.upsell_hash}
    row = Order.objects.get()
    assert (row.status, row.payment_method, row.upsell_hash) == ("aprovado", "credit_card", charge.upsell_hash)
    attempt = PaymentAttempt.objects.get()
    assert (attempt.method, attempt.state, attempt.order) == ("credit_card", "succeeded", row)
    assert attempt.answer
    trace = attempt.answer.pop("trace")
    assert attempt.answer == {"status": "aprovado", "pay_reference": charge.pay_reference}
    assert set(trace) == {"CF-Ray", "X-Request-Id"}  # those of Appmax's ids that the simulator has
    assert attempt.settled_at is not None


def test_without_an_order_one_is_made_first(store: Client, simulator: SimulatorServer) -> None:
    answer = post(store, "pay/credit-card", by_card(None, installments=3, soft_descriptor="LOJA AZUL"))

    assert answer.json()["status"] == "aprovado"
    [charge] = remote(simulator, answer.json()["order_id"]).charges
    assert (charge.installments, charge.amount) == (3, 13490)


def test_the_shape_with_other_names_is_no_decline(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.shape = "other_names"

    answer = post(store, "pay/credit-card", by_card(ordered(store)))

    assert (answer.status_code, answer.json()["status"]) == (200, "aprovado")
    assert answer.json()["upsell_hash"]


def test_a_card_that_is_authorised_and_not_captured_is_passed_on_as_such(store: Client) -> None:
    order_id = ordered(store)

    assert post(store, "pay/credit-card", by_card(order_id, number="4000000000000044")).json()["status"] == "autorizado"
    assert Order.objects.get().status == "autorizado"


@pytest.mark.parametrize(
    "number",
    [
        "4000000000000028",  # 402
        "4000000000000002",  # an empty pay_reference
        "4000000000000036",  # 422 with a message
        "4111111111111111",  # 403
    ],
)
def test_a_declined_card_is_422_cancels_the_order_and_charges_nothing(
    store: Client, simulator: SimulatorServer, number: str
) -> None:
    order_id = ordered(store)

    answer = post(store, "pay/credit-card", by_card(order_id, number=number))

    assert (answer.status_code, answer.json()["message"]) == (422, "payment declined")
    assert remote(simulator, order_id).charges == []
    assert Order.objects.get().status == "cancelado"
    assert PaymentAttempt.objects.get().state == "declined"


@pytest.mark.parametrize(
    "words", ["Transação negada pelo emissor", "Pagamento n&atilde;o autorizado", "Autorizacao negada"]
)
def test_a_refusal_in_any_of_appmaxs_words_is_a_decline(store: Client, simulator: SimulatorServer, words: str) -> None:
    order_id = ordered(store)
    simulator.state.faults.append(Fault("/v1/payments/credit-card", status=400, body={"message": words}))

    answer = post(store, "pay/credit-card", by_card(order_id))

    assert (answer.status_code, answer.json()["message"]) == (422, "payment declined")
    assert Order.objects.get().status == "cancelado"


def test_a_firewalls_page_in_place_of_an_answer_leaves_the_payment_unknown(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    page = "<!doctype html><title>Attention Required!</title><h1>Sorry, you have been blocked</h1>"
    simulator.state.faults.append(Fault("/v1/payments/credit-card", status=403, body=page, work=True))

    answer = post(store, "pay/credit-card", by_card(order_id))

    assert (answer.status_code, "not known yet" in answer.json()["message"]) == (502, True)
    assert Order.objects.get().status == "pendente"
    assert PaymentAttempt.objects.get().state == "unknown"


def test_a_card_of_a_payer_whom_appmax_refuses_is_told_why_and_leaves_the_order_payable(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    body = {"success": False, "error": "Forbidden", "data": {"errorCode": "E1", "message": "CPF em lista restritiva"}}
    simulator.state.faults.append(Fault("/v1/payments/credit-card", status=403, body=body))

    answer = post(store, "pay/credit-card", by_card(order_id))

    assert (answer.status_code, answer.json()["message"]) == (422, "CPF em lista restritiva")
    assert Order.objects.get().status == "pendente"
    assert PaymentAttempt.objects.get().state == "failed"


def test_a_card_refused_for_risk_leaves_that_status(store: Client) -> None:
    answer = post(store, "pay/credit-card", by_card(ordered(store), number="4000000000000051"))

    assert answer.status_code == 422
    assert Order.objects.get().status == "recusado_por_risco"


def test_a_decline_of_a_new_order_names_the_order_so_that_it_can_be_paid(
    store: Client, simulator: SimulatorServer
) -> None:
    declined = post(store, "pay/credit-card", by_card(None, number="4000000000000028")).json()

    answer = post(store, "pay/credit-card", by_card(declined["order_id"]))

    assert answer.json()["status"] == "aprovado"
    assert len(remote(simulator, declined["order_id"]).charges) == 1
    assert Order.objects.get().status == "aprovado"


def test_a_token_stands_for_the_card_and_serves_once(store: Client, simulator: SimulatorServer) -> None:
    tokenized = post(store, "tokenize", {name: CARD[name] for name in CARD if name != "holder_document_number"})
    token = tokenized.json()["token"]

    paid = post(store, "pay/credit-card", {"order_id": ordered(store), "payment": {"token": token}})
    again = post(store, "pay/credit-card", {"order_id": ordered(store), "payment": {"token": token}})

    assert (tokenized.status_code, paid.json()["status"]) == (200, "aprovado")
    assert again.status_code == 422


def last_month() -> dict[str, Any]:
    past = timezone.localtime().replace(day=1) - timedelta(days=1)
    return {"expiration_month": str(past.month), "expiration_year": str(past.year)}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "4000"}, "payment.number"),
        ({"number": "4000000000000010x"}, "payment.number"),
        ({"number": None}, "payment.number"),
        ({"cvv": "12"}, "payment.cvv"),
        ({"cvv": "12a"}, "payment.cvv"),
        ({"cvv": ""}, "payment.cvv"),
        ({"expiration_month": "13"}, "payment.expiration_month"),
        ({"expiration_month": "0"}, "payment.expiration_month"),
        ({"expiration_year": "1999"}, "payment.expiration_year"),
        ({"expiration_year": "203"}, "payment.expiration_year"),
        (last_month(), "payment.expiration_year"),
        ({"holder_name": ""}, "payment.holder_name"),
        ({"holder_document_number": "12345678900"}, "payment.holder_document_number"),
        ({"installments": 0}, "payment.installments"),
        ({"installments": 13}, "payment.installments"),
        ({"soft_descriptor": "x" * 14}, "payment.soft_descriptor"),
        ({"token": "t"}, "payment.token"),
    ],
)
def test_wrong_card_fields_are_400_and_named_without_their_values(
    store: Client, simulator: SimulatorServer, changes: dict[str, Any], field: str
) -> None:
    answer = post(store, "pay/credit-card", by_card(None, **changes))

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert "40000000" not in answer.content.decode()
    assert not simulator.state.orders


@pytest.mark.parametrize(("at", "is_valid"), [("2026-12-01T02:59:59Z", True), ("2026-12-01T03:00:00Z", False)])
def test_a_card_is_valid_until_its_month_ends_in_brazil(
    monkeypatch: pytest.MonkeyPatch, at: str, is_valid: bool
) -> None:
    class Moment(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.fromisoformat(at).astimezone(tz)

    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromisoformat(at))
    monkeypatch.setattr(cards, "datetime", Moment)
    fields = {**CARD, "expiration_month": "11", "expiration_year": "26"}

    assert CardSerializer(data=fields).is_valid() == is_valid
    assert ("expiration_year" not in cards.card_errors(fields)) == is_valid


@pytest.mark.parametrize(("given", "kept"), [("h" * 255, "h" * 255), ("h" * 256, None), ("", None)])
def test_a_payment_counts_though_its_upsell_hash_can_not_be_kept(
    store: Client, simulator: SimulatorServer, given: str, kept: str | None
) -> None:
    order_id = ordered(store)
    taken = {"data": {"payment": {"pay_reference": "r", "status": "aprovado", "upsell_hash": given}}}
    simulator.state.add_fault(Fault("/v1/payments/credit-card", status=201, body=taken))

    answer = post(store, "pay/credit-card", by_card(order_id))

    assert answer.json() == {"order_id": order_id, "status": "aprovado", "upsell_hash": kept or ""}
    assert Order.objects.get().upsell_hash == kept


@pytest.mark.parametrize("payment", [None, [], "text", {}, {"token": ""}, {"installments": 1}])
def test_a_payment_is_a_token_or_a_card(store: Client, payment: Any) -> None:
    answer = post(store, "pay/credit-card", {**by_card(1), "payment": payment})

    assert answer.status_code == 400
    assert next(iter(answer.json()["errors"])).startswith("payment")


@pytest.mark.parametrize("year", ["39", "2039", 2039, 39])
@pytest.mark.parametrize("month", ["7", "07", 7])
def test_a_year_has_two_or_four_digits_and_a_month_one_or_two(store: Client, year: Any, month: Any) -> None:
    answer = post(store, "tokenize", {**CARD, "expiration_year": year, "expiration_month": month})

    assert answer.status_code == 200


def test_a_card_is_good_until_its_month_ends(store: Client) -> None:
    today = timezone.now()
    answer = post(store, "tokenize", {**CARD, "expiration_year": today.year, "expiration_month": today.month})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "body", "payment"),
    [
        ("credit-card", by_card, {"pay_reference": "r", "status": "aprovado"}),
        ("pix", by_pix, {"pix_qrcode": "q", "pix_emv": "e"}),
    ],
)
def test_a_subscription_is_passed_on(
    store: Client, simulator: SimulatorServer, method: str, body: Any, payment: dict[str, str]
) -> None:
    import responses

    from tests.support.appmax_mock import ADAPTER

    order_id = ordered(store)
    subscribed = {**body(order_id), "subscription": {"interval": "month", "interval_count": 1}}
    with responses.RequestsMock(assert_all_requests_are_fired=False, target=ADAPTER) as appmax:
        appmax.post(f"{simulator.url}/oauth2/token", json={"access_token": "t", "expires_in": 3600})
        sent = appmax.post(f"{simulator.url}/v1/payments/{method}", json={"data": {"payment": payment}})
        assert post(store, f"pay/{method}", subscribed).status_code == 200

    import json

    assert json.loads(sent.calls[0].request.body)["payment_data"]["subscription"] == {
        "interval": "month",
        "interval_count": 1,
    }
