"""Charging a card, and charging it again for an upsell: what goes out, what comes back, and all the ways to say no."""

import json
from typing import Any

import pytest

from appmax.answers import CardPayment, CreatedOrder, UpsellAnswer
from appmax.client import AppmaxClient
from appmax.errors import Declined, OutcomeUnknown, Rejected, Unavailable
from appmax.messages import Card, CardCharge, Product, Subscription
from tests.appmax.conftest import URL

CHARGE = f"{URL}/v1/payments/credit-card"
UPSELL = f"{URL}/v1/orders/upsell"
CARD = Card("4000000000000010", "987", "12", "2031", "Ana Souza")
PAID = {"payment": {"id": 5, "pay_reference": "ref", "upsell_hash": "hash", "status": "aprovado"}}
NOT_AUTHORIZED = {"error": {"message": "Payment not authorized"}}
RESTRICTED = {"success": False, "error": "Forbidden", "data": {"errorCode": "E1", "message": "CPF em lista restritiva"}}


def charge(client: AppmaxClient) -> CardPayment:
    return client.charge_card(order_id=9, customer_id=7, charge=CardCharge(token="tok"))


def sell_more(client: AppmaxClient) -> UpsellAnswer:
    return client.upsell(upsell_hash="hash", products_value=500, products=(Product("sku", "Meia", 1, 500, "physical"),))


EITHER = pytest.mark.parametrize(("send", "url"), [(charge, CHARGE), (sell_more, UPSELL)])


def sent(appmax: Any) -> Any:
    return json.loads(appmax.calls[-1].request.body)


# --- what goes out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "credit_card"),
    [
        (CardCharge(token="tok"), {"token": "tok", "installments": 1}),
        (
            CardCharge(
                installments=3,
                token="tok",
                holder_name="Rui Lima",
                holder_document_number="52998224725",
                soft_descriptor="LOJA",
                upsell_hash="hash",
            ),
            {
                "token": "tok",
                "installments": 3,
                "holder_name": "Rui Lima",
                "holder_document_number": "52998224725",
                "soft_descriptor": "LOJA",
                "upsell_hash": "hash",
            },
        ),
        (CardCharge(card=CARD), {**CARD.body(), "installments": 1}),
        (CardCharge(card=CARD, holder_name="Rui Lima"), {**CARD.body(), "holder_name": "Rui Lima", "installments": 1}),
    ],
)
def test_a_card_or_a_token_is_charged(client: AppmaxClient, appmax: Any, asked: CardCharge, credit_card: Any) -> None:
    appmax.post(CHARGE, json={"data": PAID}, status=201)

    client.charge_card(order_id=9, customer_id=7, charge=asked)

    assert sent(appmax) == {"order_id": 9, "customer_id": 7, "payment_data": {"credit_card": credit_card}}


def test_a_subscription_goes_beside_the_card(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(CHARGE, json={"data": PAID})

    client.charge_card(order_id=9, customer_id=7, charge=CardCharge(token="tok"), subscription=Subscription("month", 2))

    assert sent(appmax)["payment_data"] == {
        "credit_card": {"token": "tok", "installments": 1},
        "subscription": {"interval": "month", "interval_count": 2},
    }


def test_an_upsell(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(UPSELL, json={"data": {"message": "done"}}, status=201)

    sell_more(client)

    assert sent(appmax) == {
        "upsell_hash": "hash",
        "products_value": 500,
        "products": [{"sku": "sku", "name": "Meia", "quantity": 1, "unit_value": 500, "type": "physical"}],
    }


# --- what comes back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "payment"),
    [
        (PAID, CardPayment(status="aprovado", upsell_hash="hash", pay_reference="ref")),
        ({"payment": {"pay_reference": 123, "status": None}}, CardPayment("", "", "123")),
        ({"payment": {"id": "5", "status": "autorizado", "upsell_hash": 42}}, CardPayment("autorizado", "42", "")),
        ({"order": {"status": "autorizado"}, "upsell_hash": "hash"}, CardPayment("autorizado", "hash", "")),
        ({"order": {"status": "autorizado"}, "payment": []}, CardPayment("autorizado", "", "")),
        (
            {"order": {"id": 9, "status": "autorizado"}, "payment": {"method": "creditcard"}, "upsell_hash": "hash"},
            CardPayment("autorizado", "hash", ""),
        ),
        ({"order": {"status": "autorizado"}, "payment": {"pay_reference": "r"}}, CardPayment("autorizado", "", "r")),
    ],
)
def test_every_shape_of_a_charged_card(client: AppmaxClient, appmax: Any, data: Any, payment: CardPayment) -> None:
    appmax.post(CHARGE, json={"data": data})

    assert charge(client) == payment


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"data": []}',
        '{"data": null}',
        '{"data": {"payment": []}}',
        '{"data": {"payment": {"id": 5, "upsell_hash": "hash"}}}',
        '{"data": {"payment": {"pay_reference": {"a": 1}}}}',
        '{"data": {"order": {"id": 9, "status": ""}, "upsell_hash": "hash"}}',
        '{"message": "Pagamento recebido"}',
    ],
)
def test_an_answer_that_does_not_say_what_happened_is_unknown(client: AppmaxClient, appmax: Any, body: str) -> None:
    appmax.post(CHARGE, body=body)

    with pytest.raises(OutcomeUnknown):
        charge(client)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (
            {"message": "ok", "redirect_url": "https://a.test/x", "order": {"id": 11, "status": "aprovado"}},
            UpsellAnswer("ok", "https://a.test/x", CreatedOrder(11, "aprovado")),
        ),
        (
            {"message": "Primeira tentativa recusada", "order": {"id": 11, "status": "aprovado"}},
            UpsellAnswer("Primeira tentativa recusada", "", CreatedOrder(11, "aprovado")),
        ),
        ({"message": "ok", "redirect_url": "a.test/x?y=1"}, UpsellAnswer("ok", "https://a.test/x?y=1", None)),
        ({"redirect_url": "//a.test/x"}, UpsellAnswer("", "https://a.test/x", None)),
        ({"redirect_url": "HTTP://a.test/x"}, UpsellAnswer("", "HTTP://a.test/x", None)),
        ({"redirect_url": "a.test/?to=https://b.test"}, UpsellAnswer("", "https://a.test/?to=https://b.test", None)),
        ({"order": {"id": "11"}}, UpsellAnswer("", "", CreatedOrder(11, ""))),
        ({"message": None, "redirect_url": None, "order": []}, UpsellAnswer("", "", None)),
        ({"order": {"id": "x", "status": "aprovado"}}, UpsellAnswer("", "", None)),
        ({}, UpsellAnswer("", "", None)),
    ],
)
def test_every_shape_of_an_upsell(client: AppmaxClient, appmax: Any, data: Any, answer: UpsellAnswer) -> None:
    appmax.post(UPSELL, json={"data": data}, status=201)

    assert sell_more(client) == answer


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"data": []}', '{"data": "ok"}'])
def test_an_upsell_that_nobody_understands_is_unknown(client: AppmaxClient, appmax: Any, body: str) -> None:
    appmax.post(UPSELL, body=body)

    with pytest.raises(OutcomeUnknown):
        sell_more(client)


# --- all the ways to say no ------------------------------------------------------------------------------------------


@EITHER
@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (402, {}, "payment declined"),
        (402, {"message": "Saldo insuficiente"}, "Saldo insuficiente"),
        (400, {"message": "Transação negada pelo emissor"}, "Transação negada pelo emissor"),
        (400, {"message": "Pagamento n&atilde;o autorizado"}, "Pagamento não autorizado"),
        (400, {"message": "Autorizacao negada"}, "Autorizacao negada"),
        (403, {"message": "PAGAMENTO NÃO AUTORIZADO"}, "PAGAMENTO NÃO AUTORIZADO"),
        (403, {"message": "Pagamento não autorizado"}, "Pagamento não autorizado"),
        (403, {"success": False, "error": "Forbidden", "data": {"message": "Cartão recusado"}}, "Cartão recusado"),
        (422, {"message": "N&Atilde;O&nbsp;AUTORIZADO"}, "NÃO\xa0AUTORIZADO"),
        (422, {"message": "Pagamento negado"}, "Pagamento negado"),
        *((status, NOT_AUTHORIZED, "Payment not authorized") for status in (400, 403, 404, 409, 422)),
        (422, {"message": "Pagamento não autorizado"}, "Pagamento não autorizado"),
        (400, {"errors": {"message": "Transacao nao foi autorizada"}}, "Transacao nao foi autorizada"),
        (422, {"errors": {"message": {"card": ["Cartão recusado"]}}}, "card: Cartão recusado"),
        (400, {"message": "Card declined"}, "Card declined"),
        (200, {"success": False, "text": "Pagamento não autorizado", "data": []}, "Pagamento não autorizado"),
        (200, {"message": "Payment not authorized", "data": []}, "Payment not authorized"),
        (201, {"message": "Payment not authorized"}, "Payment not authorized"),
        (422, {"data": {"order": {"status": "cancelado"}}}, "payment declined"),
        (200, {"success": False, "data": {"payment": {"status": "cancelado"}}}, "payment declined"),
        (200, {"data": {"order": {"id": 9, "status": "cancelado"}}}, "payment declined"),
        (200, {"data": {"payment": {"status": "Cancelado"}, "message": "done"}}, "payment declined"),
    ],
)
def test_every_way_to_refuse_a_card_is_a_decline(
    client: AppmaxClient, appmax: Any, send: Any, url: str, status: int, body: Any, message: str
) -> None:
    appmax.post(url, json=body, status=status)

    with pytest.raises(Declined) as caught:
        send(client)
    assert (caught.value.status, caught.value.order_status) == (status, "cancelado")
    assert caught.value.message == message


@pytest.mark.parametrize("status", ["autorizado", "aprovado", "pendente_integracao", "pendente_integracao_em_analise"])
def test_an_empty_pay_reference_beside_a_good_status_is_unknown(client: AppmaxClient, appmax: Any, status: str) -> None:
    appmax.post(CHARGE, json={"data": {"payment": {"id": 5, "pay_reference": "", "status": status}}})

    with pytest.raises(OutcomeUnknown):
        charge(client)


@pytest.mark.parametrize("pay_reference", ["", None, "  ", 0, [], False])
def test_an_empty_pay_reference_is_a_decline(client: AppmaxClient, appmax: Any, pay_reference: Any) -> None:
    appmax.post(CHARGE, json={"data": {"payment": {"id": 5, "pay_reference": pay_reference, "status": "pendente"}}})

    with pytest.raises(Declined, match=r"^payment declined$") as caught:
        charge(client)
    assert caught.value.order_status == "cancelado"


@pytest.mark.parametrize(
    "data",
    [
        {"payment": {"pay_reference": "ref", "status": "cancelado"}},
        {"payment": {"pay_reference": "ref"}, "order": {"status": "cancelado"}},
    ],
)
def test_a_cancelled_payment_is_a_decline_in_spite_of_its_reference(
    client: AppmaxClient, appmax: Any, data: Any
) -> None:
    appmax.post(CHARGE, json={"data": data})

    with pytest.raises(Declined):
        charge(client)


def test_an_upsell_may_be_declined_in_its_message(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(UPSELL, json={"data": {"message": "Transação não autorizada", "redirect_url": "a.test"}}, status=201)

    with pytest.raises(Declined, match="Transação não autorizada"):
        sell_more(client)


@EITHER
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"data": {"order": {"status": "recusado_por_risco"}}}),
        (200, {"data": {"payment": {"status": "recusado_por_risco"}}}),
        (200, {"data": {"payment": {"pay_reference": "", "status": "recusado_por_risco"}}}),
        (402, {"data": {"order": {"status": "recusado_por_risco"}}}),
        (422, {"message": "Pedido recusado por risco"}),
        (403, {"message": "recusado_por_risco"}),
    ],
)
def test_a_decline_by_risk_is_told_apart(
    client: AppmaxClient, appmax: Any, send: Any, url: str, status: int, body: Any
) -> None:
    appmax.post(url, json=body, status=status)

    with pytest.raises(Declined) as caught:
        send(client)
    assert caught.value.order_status == "recusado_por_risco"


@EITHER
@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_charge_at_fault_is_rejected(client: AppmaxClient, appmax: Any, send: Any, url: str, status: int) -> None:
    appmax.post(url, json={"errors": {"message": {"installments": ["too many"]}}}, status=status)

    with pytest.raises(Rejected, match="installments: too many") as caught:
        send(client)
    assert caught.value.status == status


FIREWALL = "<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1>"


@EITHER
@pytest.mark.parametrize("body", [FIREWALL, "", "Forbidden", "{}", "[]", '{"message": ""}', '"negada"'])
def test_a_403_that_is_not_appmaxs_word_says_nothing_of_the_payment(
    client: AppmaxClient, appmax: Any, send: Any, url: str, body: str
) -> None:
    appmax.post(url, body=body, status=403)

    with pytest.raises(OutcomeUnknown) as caught:
        send(client)
    assert (caught.value.status, caught.value.timed_out) == (403, False)


@EITHER
def test_a_403_with_a_message_of_appmaxs_is_about_this_charge(
    client: AppmaxClient, appmax: Any, send: Any, url: str
) -> None:
    appmax.post(url, json=RESTRICTED, status=403)

    with pytest.raises(Rejected, match="CPF em lista restritiva") as caught:
        send(client)
    assert caught.value.status == 422


@EITHER
@pytest.mark.parametrize("message", ["Acesso negado", "Forbidden", "CPF inválido", "Renegada", "O pedido foi pago"])
def test_other_words_are_no_decline(client: AppmaxClient, appmax: Any, send: Any, url: str, message: str) -> None:
    appmax.post(url, json={"message": message}, status=403)

    with pytest.raises(Rejected):
        send(client)


@EITHER
def test_a_server_error_is_unknown_whatever_it_says(client: AppmaxClient, appmax: Any, send: Any, url: str) -> None:
    appmax.post(url, json=NOT_AUTHORIZED, status=500)

    with pytest.raises(OutcomeUnknown):
        send(client)


@EITHER
def test_a_token_that_is_refused_twice_is_no_decline(client: AppmaxClient, appmax: Any, send: Any, url: str) -> None:
    appmax.post(url, json={"message": "Not authorized"}, status=401)

    with pytest.raises(Unavailable):
        send(client)


def test_only_payments_are_declined(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/orders/refund-request", json={"message": "Refund declined"}, status=422)

    with pytest.raises(Rejected, match="Refund declined"):
        client.request_refund(order_id=9, value=None)
