"""Each call of contract section 5: what goes out, and every shape of what comes back."""

import json
from typing import Any

import pytest

from appmax.answers import BoletoPayment, PixPayment, RemoteOrder
from appmax.client import AppmaxClient
from appmax.errors import OutcomeUnknown, Rejected, Unavailable
from appmax.messages import Address, Card, CardCharge, Customer, NewOrder, Product, Subscription
from tests.appmax.conftest import URL

CUSTOMER = Customer(
    first_name="Ana",
    last_name="Souza",
    email="ana@example.com",
    phone="11987654321",
    address=Address("01310100", "Av. Paulista", "1000", "", "Bela Vista", "São Paulo", "SP"),
)
CARD = Card("4000000000000010", "987", "12", "2031", "Ana Souza")
ORDER = NewOrder(1000, 100, 50, (Product("sku", "Camiseta", 1, 1000, "physical"),))


def sent(appmax: Any, index: int = -1) -> Any:
    return json.loads(appmax.calls[index].request.body)


def test_authorize(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/app/authorize", json={"data": {"token": "hash"}})

    assert client.authorize(app_id="uuid", external_key="k", callback_url="https://us/cb") == "hash"
    assert sent(appmax) == {"app_id": "uuid", "external_key": "k", "url_callback": "https://us/cb"}
    assert appmax.calls[-1].request.headers["Authorization"] == "Bearer t1"


def test_generate(client: AppmaxClient, appmax: Any) -> None:
    body = {"data": {"client": {"client_id": "i", "client_secret": "s"}}}
    appmax.post(f"{URL}/app/client/generate", json=body)

    credentials = client.generate_merchant_credentials(token="hash")

    assert (credentials.client_id, credentials.client_secret) == ("i", "s")
    assert sent(appmax) == {"token": "hash"}


@pytest.mark.parametrize("customer_id", [7, "7"])
def test_create_customer_leaves_out_what_is_blank(client: AppmaxClient, appmax: Any, customer_id: Any) -> None:
    appmax.post(f"{URL}/v1/customers", json={"data": {"customer": {"id": customer_id}}}, status=201)

    assert client.create_customer(CUSTOMER) == 7
    body = sent(appmax)
    assert "document_number" not in body
    assert "complement" not in body["address"]
    assert body["address"]["city"] == "São Paulo"


def test_create_order(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/orders", json={"data": {"order": {"id": 9, "status": "pendente"}}}, status=201)

    order = client.create_order(customer_id=7, order=ORDER)

    assert (order.id, order.status) == (9, "pendente")
    assert sent(appmax) == {
        "customer_id": 7,
        "products_value": 1000,
        "discount_value": 100,
        "shipping_value": 50,
        "products": [{"sku": "sku", "name": "Camiseta", "quantity": 1, "unit_value": 1000, "type": "physical"}],
    }
    assert ORDER.total_cents == 950


def test_get_order(client: AppmaxClient, appmax: Any) -> None:
    order = {"id": 9, "status": "aprovado", "total_paid": 950, "total": 1000}
    body = {"order": order, "customer": {"id": "7"}, "payment": {"method": "creditcard"}}
    appmax.get(f"{URL}/v1/orders/9", json={"data": body})

    assert client.get_order(9) == RemoteOrder(
        id=9, status="aprovado", customer_id=7, total_cents=1000, payment_method="credit_card", total_paid_cents=950
    )


@pytest.mark.parametrize("empty", [{}, {"payment": []}, {"payment": [], "customer": []}, {"payment": {"method": None}}])
def test_an_order_of_which_little_is_known(client: AppmaxClient, appmax: Any, empty: Any) -> None:
    appmax.get(f"{URL}/v1/orders/9", json={"data": {"order": {"id": 9, "status": "pendente"}, **empty}})

    assert client.get_order(9) == RemoteOrder(id=9, status="pendente")


def remote_order(client: AppmaxClient, appmax: Any, order: Any, **others: Any) -> RemoteOrder:
    body = {"order": {"id": 9, "status": "pendente", **order}, **others}
    appmax.get(f"{URL}/v1/orders/9", json={"data": body})
    return client.get_order(9)


AMOUNTS = {"sub_total": 4662, "shipping_value": 2738, "discount": 100, "installment_fee": 1516}


@pytest.mark.parametrize(
    ("order", "total"),
    [
        ({"total": 5, "products_value": 1, "discount_value": 1, "shipping_value": 1}, 5),
        ({"products_value": 1000, "discount_value": 100, "shipping_value": 50}, 950),
        ({"total": "5.00", "products_value": 1000, "discount_value": 0, "shipping_value": 0}, 1000),
        ({"amounts": AMOUNTS}, 8816),
        ({"amounts": {**AMOUNTS, "discount": "1.00"}}, None),
        ({"amounts": {**AMOUNTS, "discount": 8916}}, 0),
        ({"amounts": {**AMOUNTS, "discount": 8917}}, None),
        ({"amounts": []}, None),
        ({"products_value": 1000, "discount_value": 0}, None),
        ({"products_value": 10.5, "discount_value": 0, "shipping_value": 0}, None),
        ({"total": 10.5}, None),
        ({"total": True}, None),
    ],
)
def test_the_total_of_an_order_or_the_sum_of_its_parts(
    client: AppmaxClient, appmax: Any, order: Any, total: int | None
) -> None:
    assert remote_order(client, appmax, order).total_cents == total


@pytest.mark.parametrize(
    ("order", "customer", "customer_id"),
    [({"customer_id": 8}, {"id": 7}, 7), ({"customer_id": 8}, [], 8), ({"customer_id": 0}, {"id": "x"}, None)],
)
def test_whose_order_it_is(
    client: AppmaxClient, appmax: Any, order: Any, customer: Any, customer_id: int | None
) -> None:
    assert remote_order(client, appmax, order, customer=customer).customer_id == customer_id


@pytest.mark.parametrize(
    ("said", "method"),
    [
        ("creditcard", "credit_card"),
        ("credit_card", "credit_card"),
        ("CreditCard", "credit_card"),
        ("pix", "pix"),
        ("Pix", "pix"),
        ("boleto", "boleto"),
        ("billet", "boleto"),
        ("apple_pay", "apple_pay"),
        ("GooglePay", "google_pay"),
        (None, ""),
        (5, ""),
    ],
)
def test_how_an_order_was_paid(client: AppmaxClient, appmax: Any, said: Any, method: str) -> None:
    assert remote_order(client, appmax, {}, payment={"method": said}).payment_method == method


def test_an_order_brings_its_pix(client: AppmaxClient, appmax: Any) -> None:
    found = remote_order(client, appmax, {}, payment={"method": "pix", "pix_emv": "0002"})

    assert (found.pix, found.boleto) == (PixPayment(qr_code="", emv="0002"), None)


def test_an_order_brings_its_boleto(client: AppmaxClient, appmax: Any) -> None:
    found = remote_order(client, appmax, {}, payment={"method": "billet", "boleto_digitable_line": "23793"})

    assert (found.pix, found.boleto) == (None, BoletoPayment(pdf_url="", digitable_line="23793"))


def test_empty_codes_of_an_order_are_none(client: AppmaxClient, appmax: Any) -> None:
    codes = dict.fromkeys(("pix_qrcode", "pix_emv", "boleto_link_pdf", "boleto_digitable_line"))
    found = remote_order(client, appmax, {}, payment=codes)

    assert (found.pix, found.boleto) == (None, None)


@pytest.mark.parametrize(
    "data",
    [
        {"payment": {"pix_qrcode": "aW1n", "pix_emv": "0002"}},
        {"pix": {"qr_code": "data:image/png;base64,aW1n", "emv_code": "0002", "expires_at": "2026-12-01"}},
    ],
)
def test_both_shapes_of_pix(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.post(f"{URL}/v1/payments/pix", json={"data": data})

    pix = client.create_pix(order_id=9, document_number="52998224725", subscription=Subscription("month", 1))

    assert (pix.qr_code, pix.emv, pix.is_empty) == ("aW1n", "0002", False)
    assert sent(appmax) == {
        "order_id": 9,
        "payment_data": {
            "pix": {"document_number": "52998224725"},
            "subscription": {"interval": "month", "interval_count": 1},
        },
    }


def test_a_pix_code_may_be_a_url(client: AppmaxClient, appmax: Any) -> None:
    payment = {"pix_qrcode": "https://appmax.test/qr.png", "pix_emv": "0002"}
    appmax.post(f"{URL}/v1/payments/pix", json={"data": {"payment": payment}})

    assert client.create_pix(order_id=9, document_number="1").qr_code == "https://appmax.test/qr.png"


def test_an_empty_pix_means_one_is_pending(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/payments/pix", json={"data": {"payment": {"pix_qrcode": "", "pix_emv": None}}})

    assert client.create_pix(order_id=9, document_number="1").is_empty


@pytest.mark.parametrize("body", [{"data": []}, {"data": {}}, [], "text", {"data": {"payment": []}}])
def test_an_answer_nobody_understands_leaves_a_payment_unknown_and_a_read_undone(
    client: AppmaxClient, appmax: Any, body: Any
) -> None:
    appmax.post(f"{URL}/v1/payments/pix", json=body)
    appmax.get(f"{URL}/v1/orders/9", json=body)

    with pytest.raises(OutcomeUnknown):
        client.create_pix(order_id=9, document_number="1")
    with pytest.raises(Unavailable):
        client.get_order(9)


@pytest.mark.parametrize(
    "data",
    [
        {"payment": {"boleto_link_pdf": "https://pdf", "boleto_digitable_line": "23793"}},
        {"boleto": {"pdf_url": "https://pdf", "digitable_line": "23793", "due_date": "2026-12-01"}},
        {"payment": [], "boleto": {"pdf_url": "https://pdf", "digitable_line": "23793"}},
        {"payment": {"method": "boleto"}, "boleto": {"pdf_url": "https://pdf", "digitable_line": "23793"}},
    ],
)
def test_both_shapes_of_boleto(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.post(f"{URL}/v1/payments/boleto", json={"data": data}, status=201)

    boleto = client.create_boleto(order_id=9, document_number="52998224725")

    assert (boleto.pdf_url, boleto.digitable_line) == ("https://pdf", "23793")
    assert sent(appmax) == {"order_id": 9, "payment_data": {"boleto": {"document_number": "52998224725"}}}


@pytest.mark.parametrize(
    ("data", "boleto"),
    [
        ({"payment": {"boleto_link_pdf": "https://pdf"}}, BoletoPayment("https://pdf", "")),
        ({"boleto": {"pdf_url": None, "digitable_line": "23793"}}, BoletoPayment("", "23793")),
    ],
)
def test_half_a_boleto_is_enough(client: AppmaxClient, appmax: Any, data: Any, boleto: BoletoPayment) -> None:
    appmax.post(f"{URL}/v1/payments/boleto", json={"data": data})

    assert client.create_boleto(order_id=9, document_number="1") == boleto


@pytest.mark.parametrize(
    "data", [{}, [], None, {"payment": []}, {"boleto": {"pdf_url": "", "digitable_line": None}}, {"payment": {"id": 1}}]
)
def test_a_boleto_without_either_is_unknown(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.post(f"{URL}/v1/payments/boleto", json={"data": data})

    with pytest.raises(OutcomeUnknown):
        client.create_boleto(order_id=9, document_number="1")


def test_tokenize(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/payments/tokenize", json={"data": {"token": "tok"}}, status=201)

    assert client.tokenize_card(CARD) == "tok"
    card = {
        "number": "4000000000000010",
        "cvv": "987",
        "expiration_month": "12",
        "expiration_year": "2031",
        "holder_name": "Ana Souza",
    }
    assert sent(appmax) == {"payment_data": {"credit_card": card}}


@pytest.mark.parametrize("body", [{}, [], {"data": []}, {"data": {"token": ""}}, {"data": {"token": 5}}])
def test_a_tokenization_without_a_token_hurt_nobody(client: AppmaxClient, appmax: Any, body: Any) -> None:
    appmax.post(f"{URL}/v1/payments/tokenize", json=body)

    with pytest.raises(Unavailable):
        client.tokenize_card(CARD)


@pytest.mark.parametrize(("value", "asked"), [(None, {"type": "total"}), (500, {"type": "partial", "value": 500})])
def test_a_refund_is_total_or_of_a_value(client: AppmaxClient, appmax: Any, value: int | None, asked: Any) -> None:
    appmax.post(f"{URL}/v1/orders/refund-request", json={"data": {"message": "Refund request accepted"}}, status=201)

    client.request_refund(order_id=9, value=value)

    assert sent(appmax) == {"order_id": 9, **asked}


def test_a_tracking_code(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/orders/shipping-tracking-code", json={"data": {"message": "tracking accepted"}}, status=201)

    client.add_tracking_code(order_id=9, code="BR123")

    assert sent(appmax) == {"order_id": 9, "shipping_tracking_code": "BR123"}


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("body", ["", "OK", "<html>", "[]", "{}", '{"success": true}', '{"data": []}', "null"])
def test_refund_and_tracking_are_accepted_in_any_words(
    client: AppmaxClient, appmax: Any, body: str, status: int
) -> None:
    appmax.post(f"{URL}/v1/orders/refund-request", body=body, status=status)
    appmax.post(f"{URL}/v1/orders/shipping-tracking-code", body=body, status=status)

    client.request_refund(order_id=9, value=None)
    client.add_tracking_code(order_id=9, code="BR123")


def test_refund_and_tracking_may_be_refused_with_a_good_status(client: AppmaxClient, appmax: Any) -> None:
    refusal = {"success": False, "text": "Order not paid", "data": []}
    appmax.post(f"{URL}/v1/orders/refund-request", json=refusal)
    appmax.post(f"{URL}/v1/orders/shipping-tracking-code", json=refusal)

    with pytest.raises(Rejected, match="Order not paid"):
        client.request_refund(order_id=9, value=None)
    with pytest.raises(Rejected, match="Order not paid"):
        client.add_tracking_code(order_id=9, code="BR123")


@pytest.mark.parametrize("order_id", [0, -1, True, 1.5, "x", None])
def test_an_id_that_is_none_is_not_taken(client: AppmaxClient, appmax: Any, order_id: Any) -> None:
    appmax.post(f"{URL}/v1/orders", json={"data": {"order": {"id": order_id}}})

    with pytest.raises(OutcomeUnknown):
        client.create_order(customer_id=7, order=ORDER)


def test_success_false_is_an_error_whatever_the_status(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/orders", json={"success": False, "text": "No stock", "data": []})

    with pytest.raises(Rejected, match="No stock") as caught:
        client.create_order(customer_id=7, order=ORDER)
    assert caught.value.status == 422


def test_personal_data_and_secrets_are_not_in_any_repr(client: AppmaxClient) -> None:
    charge = CardCharge(card=CARD, holder_name="Rui Lima", holder_document_number="52998224725")
    by_token = CardCharge(token="tok-of-card")
    shown = repr(CUSTOMER) + repr(client._credentials) + repr(CARD) + repr(charge) + repr(by_token)

    for secret in ("Ana", "ana@example.com", "11987654321", "Paulista", "s3cret-of-merchant"):
        assert secret not in shown
    for secret in ("4000000000000010", "987", "12", "2031", "Souza", "Rui", "52998224725", "tok-of-card"):
        assert secret not in shown


@pytest.mark.parametrize("means", [{}, {"card": CARD, "token": "tok"}])
def test_a_charge_has_a_card_or_a_token(means: Any) -> None:
    with pytest.raises(ValueError, match="either a card or a token") as caught:
        CardCharge(**means)
    assert "4000" not in str(caught.value)
