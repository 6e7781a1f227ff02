"""Customers, orders and Pix of a merchant."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.simulator.conftest import Appmax, Receiver


def test_an_order_is_made_and_read(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    data = appmax.call("GET", f"/v1/orders/{order_id}", merchant).json()["data"]
    assert data["order"]["id"] == order_id
    assert data["order"]["status"] == "pendente"
    assert data["order"]["amounts"] == {
        "sub_total": 12990,
        "shipping_value": 1500,
        "discount": 1000,
        "installment_fee": 0,
    }
    assert data["order"]["total_paid"] == 0
    assert data["customer"]["email"] == "ana@example.com"
    assert (data["payment"], data["refund"]) == ([], [])


def test_a_known_email_is_updated(appmax: Appmax, merchant: str) -> None:
    first = appmax.customer(merchant).json()["data"]["customer"]["id"]
    assert (
        appmax.customer(merchant, email="Ana@example.com", first_name="Anna").json()["data"]["customer"]["id"] == first
    )
    order = appmax.order(merchant, customer_id=first).json()["data"]["order"]
    read = appmax.call("GET", f"/v1/orders/{order['id']}", merchant).json()["data"]
    assert read["customer"]["name"] == "Anna Souza"


def test_a_customers_body_cannot_name_another_merchant(appmax: Appmax, merchant: str) -> None:
    for _ in range(2):
        customer_id = appmax.customer(merchant, external_key="other", id=1).json()["data"]["customer"]["id"]
    assert appmax.order(merchant, customer_id=customer_id).status_code == 201
    assert appmax.order(appmax.merchant_token("other"), customer_id=customer_id).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_name": ""}, "first_name"),
        ({"email": None}, "email"),
        ({"email": "ana"}, "email"),
        ({"phone": "551198765432100"}, "phone"),
        ({"document_number": "12345678900"}, "document_number"),
        ({"last_name": ["x"]}, "last_name"),
        ({"ip": None}, "ip"),
        ({"phone": "(11) 98765-4321"}, "phone"),
        ({"products": [{"sku": "A", "name": "A"}]}, "products.0.quantity"),
    ],
)
def test_customers_are_validated(appmax: Appmax, merchant: str, changes: dict[str, Any], field: str) -> None:
    answer = appmax.customer(merchant, **changes)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"discount_value": 14490}, "products_value"),
        ({"products_value": "12.50"}, "products_value"),
        ({"shipping_value": -1}, "shipping_value"),
        ({"products": []}, "products"),
        ({"customer_id": [1]}, "customer_id"),
        ({"products": [{"name": "A", "quantity": 1}]}, "products.0.sku"),
        ({"products": [{"sku": "A", "quantity": 1}]}, "products.0.name"),
        ({"products": [{"sku": "A", "name": "A", "quantity": 0}]}, "products.0.quantity"),
        ({"products": [{"sku": "A", "name": "A", "quantity": 1, "unit_value": "1.00"}]}, "products.0.unit_value"),
        ({"products": [{"sku": "A", "name": "A", "quantity": 1, "type": "ticket"}]}, "products.0.type"),
        ({"products": ["A"]}, "products.0.sku"),
    ],
)
def test_orders_are_validated(appmax: Appmax, merchant: str, changes: dict[str, Any], field: str) -> None:
    answer = appmax.order(merchant, **changes)
    assert answer.status_code == 422
    assert field in answer.json()["errors"]["message"]


def line(quantity: int, unit_value: int | None) -> dict[str, Any]:
    """A product; without a value if it is None."""
    product = {"sku": "46_0", "name": "PRODUTO_TEST_PARA_2", "quantity": quantity}
    return product if unit_value is None else {**product, "unit_value": unit_value}


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        # the examples of the page on an order's total
        ({"shipping_value": 1500, "products": [line(1, 1350), line(1, 3350), line(1, 5350)]}, 11550),
        ({"products_value": 10050, "shipping_value": 1500, "products": [line(1, None)] * 3}, 11550),
        ({"products_value": 999, "products": [line(3, 1000)]}, 3000),
        ({"products_value": 999, "products": [line(3, 1000), line(1, None)]}, 999),
    ],
)
def test_the_products_values_make_the_total_if_each_has_one(
    appmax: Appmax, merchant: str, amounts: dict[str, Any], total: int
) -> None:
    customer_id = appmax.customer(merchant).json()["data"]["customer"]["id"]
    answer = appmax.call("POST", "/v1/orders", merchant, json={"customer_id": customer_id, **amounts})
    assert appmax.kept(answer.json()["data"]["order"]["id"])["total"] == total


def test_an_order_without_any_amount_is_refused(appmax: Appmax, merchant: str) -> None:
    customer_id = appmax.customer(merchant).json()["data"]["customer"]["id"]
    body = {"customer_id": customer_id, "products": [line(1, None)]}
    answer = appmax.call("POST", "/v1/orders", merchant, json=body)
    assert (answer.status_code, list(answer.json()["errors"]["message"])) == (422, ["products_value"])


def test_another_merchants_order_is_not_found(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    stranger = appmax.merchant_token("other")
    assert appmax.call("GET", f"/v1/orders/{order_id}", stranger).status_code == 404
    assert appmax.pix(stranger, order_id).status_code == 404


def test_ids_fit_an_integer_column_and_do_not_start_at_one(appmax: Appmax, merchant: str) -> None:
    assert 1_000_000 < appmax.new_order(merchant) < 2_147_483_647


def test_a_pix_is_a_picture_and_a_code(appmax: Appmax, merchant: str) -> None:
    payment = appmax.pix(merchant, appmax.new_order(merchant)).json()["data"]["payment"]
    assert base64.b64decode(payment["pix_qrcode"], validate=True).startswith(b"\x89PNG\r\n\x1a\n")
    assert payment["pix_emv"].startswith("000201")
    assert "br.gov.bcb.pix" in payment["pix_emv"]
    assert "5406134.90" in payment["pix_emv"]


@pytest.mark.parametrize("document", ["529.982.247-25", "11222333000181", "12ABC34501DE35"])
def test_cpf_and_cnpj_are_accepted(appmax: Appmax, merchant: str, document: str) -> None:
    assert appmax.pix(merchant, appmax.new_order(merchant), document).status_code == 200


def test_wrong_check_digits_are_refused(appmax: Appmax, merchant: str) -> None:
    answer = appmax.pix(merchant, appmax.new_order(merchant), "12345678900")
    assert answer.status_code == 422
    assert "document_number" in answer.json()["errors"]["message"]


@pytest.mark.parametrize("body", [{}, {"payment_data": []}, {"payment_data": {"pix": "x"}}])
def test_a_malformed_pix_is_refused(appmax: Appmax, merchant: str, body: dict[str, Any]) -> None:
    body = {"order_id": appmax.new_order(merchant), **body}
    assert appmax.call("POST", "/v1/payments/pix", merchant, json=body).status_code == 422


def test_of_simultaneous_pix_one_has_the_codes(appmax: Appmax, merchant: str, receiver: Receiver) -> None:
    order_id = appmax.new_order(merchant)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: appmax.pix(merchant, order_id).json()["data"]["payment"], range(5)))
    assert sum(bool(payment["pix_emv"]) for payment in answers) == 1
    assert answers.count({"pix_qrcode": "", "pix_emv": "", "pix_expiration_date": ""}) == 4
    assert len(appmax.deliveries("delivered", 1)) == 1


def test_a_paid_order_takes_no_other_pix(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    appmax.control("POST", f"orders/{order_id}/pay")
    assert appmax.pix(merchant, order_id).status_code == 404  # "already paid, or not found"


def test_an_order_tells_of_its_pix(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    made = appmax.pix(merchant, order_id).json()["data"]["payment"]
    assert appmax.read(merchant, order_id)["payment"] == {"method": "pix", **made, "paid_at": None}


def test_a_paid_pix_is_one_charge(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    assert appmax.kept(order_id)["charges"] == 0
    appmax.control("POST", f"orders/{order_id}/pay")
    [payment] = appmax.kept(order_id)["payments"]
    assert (payment["method"], payment["amount"], payment["status"]) == ("pix", 13490, "aprovado")
    assert appmax.kept(order_id)["charges"] == 1


def test_codes_that_a_test_wrote_into_an_order_wait_for_their_shopper(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.state.orders[order_id].pix_emv = "made elsewhere"
    assert appmax.pix(merchant, order_id).json()["data"]["payment"]["pix_emv"] == ""
    appmax.control("POST", f"orders/{order_id}/pay")
    assert appmax.kept(order_id)["charges"] == 1
