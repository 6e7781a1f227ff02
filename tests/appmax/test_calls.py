"""Each call of contract section 5: what goes out, and every shape of what comes back."""

import json
from typing import Any

import pytest

from appmax.client import AppmaxClient
from appmax.errors import OutcomeUnknown, Rejected, Unavailable
from appmax.messages import Address, Customer, NewOrder, Product, Subscription
from tests.appmax.conftest import URL

CUSTOMER = Customer(
    first_name="Ana",
    last_name="Souza",
    email="ana@example.com",
    phone="11987654321",
    address=Address("01310100", "Av. Paulista", "1000", "", "Bela Vista", "São Paulo", "SP"),
)
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
    order = {"id": 9, "status": "aprovado", "total_paid": 950}
    appmax.get(f"{URL}/v1/orders/9", json={"data": {"order": order, "payment": []}})

    found = client.get_order(9)

    assert (found.id, found.status, found.total_paid_cents) == (9, "aprovado", 950)


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
    shown = repr(CUSTOMER) + repr(client._credentials)

    for secret in ("Ana", "ana@example.com", "11987654321", "Paulista", "s3cret-of-merchant"):
        assert secret not in shown
