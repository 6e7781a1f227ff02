"""What a storefront may send with an order: amounts in one of two ways, names that we know, Brazilian numbers."""

from typing import Any

import pytest
from django.test import Client

from dev.smoke import ORDER
from orders.models import Order
from simulator.server import SimulatorServer
from tests.orders.conftest import asked, by_card, by_pix, ordered, post
from tests.orders.test_checkout import with_value

pytestmark = pytest.mark.django_db(transaction=True)

SHIRT = {"sku": "CAM-01", "name": "Camiseta", "quantity": 2, "unit_value": 4990}
CAP = {"sku": "CAP-01", "name": "Boné", "quantity": 1, "unit_value": 3000}


def of(*products: dict[str, Any], **amounts: Any) -> dict[str, Any]:
    """Body of an order with these products."""
    return {**ORDER, "order": {"products": list(products), **amounts}}


def without_price(product: dict[str, Any]) -> dict[str, Any]:
    """The product without its unit_value."""
    return {name: value for name, value in product.items() if name != "unit_value"}


# --- two ways to say what the products cost ---


@pytest.mark.parametrize(
    ("body", "total"),
    [
        (of(SHIRT, CAP), 12980),
        (of(SHIRT, CAP, products_value=12980), 12980),
        (of(SHIRT, CAP, products_value=None), 12980),
        (of(without_price(SHIRT), products_value=9980), 9980),
        (of({**SHIRT, "unit_value": None}, CAP, products_value=20000), 20000),
        (of(SHIRT, discount_value=980, shipping_value=1500), 10500),
        (of({**SHIRT, "unit_value": 0}, CAP), 3000),
    ],
)
def test_the_sum_that_appmax_charges_is_the_one_that_is_kept(
    store: Client, simulator: SimulatorServer, body: dict[str, Any], total: int
) -> None:
    assert post(store, "order", body).status_code == 200

    [remote] = simulator.state.orders.values()
    assert (Order.objects.get().total_cents, remote.total) == (total, total)
    given = {name: value for name, value in body["order"].items() if value is not None}
    sent = asked(simulator, "/v1/orders")
    assert sent.get("products_value") == given.get("products_value")
    assert [product.get("unit_value") for product in sent["products"]] == [
        product.get("unit_value") for product in given["products"]
    ]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (
            of(SHIRT, CAP, products_value=12990),
            "order.products_value",
            "products_value is 12990 cents, but the products add up to 12980 cents",
        ),
        (
            of(without_price(SHIRT), CAP),
            "order.products_value",
            "products_value is required unless every product has a unit_value",
        ),
        (of({**SHIRT, "unit_value": 2**31 - 1}), "order", "the order's total is too large: at most 2147483647 cents"),
        (of(CAP, shipping_value=2**31 - 1), "order", "the order's total is too large: at most 2147483647 cents"),
        (of(CAP, shipping_value=2**31), "order.shipping_value", "too large: at most 2147483647 cents"),
        (of(CAP, discount_value=3000), "order", "the order's total must be positive"),
    ],
)
def test_amounts_that_contradict_each_other_or_fit_nowhere_are_told(
    store: Client, simulator: SimulatorServer, body: dict[str, Any], field: str, message: str
) -> None:
    answer = post(store, "order", body)

    assert (answer.status_code, answer.json()["errors"]) == (400, {field: [message]})
    assert not simulator.state.customers


# --- names that we know ---


@pytest.mark.parametrize("path", ["order.shipping", "order.products.0.price", "customer.products.0.price"])
def test_an_unknown_field_of_an_order_or_a_product_is_named(store: Client, path: str) -> None:
    body = with_value("customer.products", [CAP])
    body = {**body, "customer": {**body["customer"], "products": [dict(CAP)]}}
    target: Any = body
    *parents, last = path.split(".")
    for name in parents:
        target = target[int(name) if name.isdigit() else name]
    target[last] = 1500

    answer = post(store, "order", body)

    assert (answer.status_code, answer.json()["errors"]) == (400, {path: ["unknown field"]})


def test_an_unknown_field_of_a_payment_is_named_and_its_value_is_not(store: Client) -> None:
    answer = post(store, "pay/credit-card", by_card(ordered(store), card_number="4000000000000010"))

    assert (answer.status_code, answer.json()["errors"]) == (400, {"payment.card_number": ["unknown field"]})
    assert "4000000000000010" not in answer.content.decode()


def test_an_unknown_field_of_a_refund_is_named(store: Client) -> None:
    answer = post(store, "refund", {"order_id": 1, "type": "partial", "amount": 500})

    assert answer.json()["errors"] == {
        "amount": ["unknown field"],
    }


def test_what_is_unknown_is_told_beside_what_is_wrong(store: Client) -> None:
    answer = post(store, "order", of({**CAP, "quantity": 0}, shipping=1500))

    assert set(answer.json()["errors"]) == {"order.shipping", "order.products.0.quantity"}


def test_elsewhere_unknown_fields_are_ignored(store: Client) -> None:
    body = with_value("customer.birthday", "1990-01-01") | {"cart": 7}
    body["customer"]["address"]["country"] = "BR"

    assert post(store, "order", body).status_code == 200


# --- null and "" ---


@pytest.mark.parametrize("nothing", [None, ""])
def test_optional_fields_that_are_null_or_blank_are_absent(
    store: Client, simulator: SimulatorServer, nothing: str | None
) -> None:
    body = with_value("order.discount_value", nothing)
    body["order"]["shipping_value"] = nothing
    body["order"]["products"][0]["type"] = nothing
    body["customer"] |= dict.fromkeys(("document_number", "address", "tracking", "products"), nothing)

    assert (
        post(store, "pay/pix", {**body, "subscription": nothing, "document_number": "52998224725"}).status_code == 200
    )
    [customer] = simulator.state.customers.values()
    assert not customer.get("document_number")
    assert Order.objects.get().total_cents == 12990


# --- telephones ---


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("11987654321", "11987654321"),
        ("(11) 98765-4321", "11987654321"),
        ("11 9 8765.4321", "11987654321"),
        ("+55 11 98765-4321", "11987654321"),
        ("+55 (0)11 98765-4321", "11987654321"),
        ("5511987654321", "11987654321"),
        ("0055 11 98765-4321", "11987654321"),
        ("011 98765-4321", "11987654321"),
        ("0 15 11 98765-4321", "11987654321"),
        ("(21) 3333-4444", "2133334444"),
        ("55 21 3333-4444", "2133334444"),
        ("55 98765-4321", "55987654321"),  # 55 is Santa Maria's area code too
        ("55 3333-4444", "5533334444"),
        ("+55 55 98765-4321", "55987654321"),
        ("55 55 3333-4444", "5533334444"),
    ],
)
def test_telephones_as_brazilians_write_them(
    store: Client, simulator: SimulatorServer, written: str, digits: str
) -> None:
    assert post(store, "order", with_value("customer.phone", written)).status_code == 200

    [customer] = simulator.state.customers.values()
    assert customer["phone"] == digits


@pytest.mark.parametrize("written", ["+1 212 555 0100", "+351 912 345 678", "0044 20 7946 0958", "(+54) 11 4321-5678"])
def test_foreign_telephones_are_told_as_such(store: Client, written: str) -> None:
    answer = post(store, "order", with_value("customer.phone", written))

    assert answer.status_code == 400
    assert answer.json()["errors"]["customer.phone"] == ["must be a Brazilian telephone number, not a foreign one"]


@pytest.mark.parametrize(
    "written",
    ["98765-4321", "11 98765-4321 ramal 5", "119876543210000", "00 98765-4321", "0800 777 1234", "+", "1" * 33],
)
def test_what_is_no_telephone_is_refused(store: Client, written: str) -> None:
    answer = post(store, "order", with_value("customer.phone", written))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["customer.phone"])


# --- documents ---


@pytest.mark.parametrize("document", [*(str(digit) * 11 for digit in range(10)), "0" * 14, "12.ABC.345/01DE-36"])
def test_documents_that_nobody_was_given_are_refused(store: Client, document: str) -> None:
    answer = post(store, "pay/pix", {**by_pix(None), "document_number": document})

    assert answer.json()["errors"] == {"document_number": ["must be a valid CPF or CNPJ"]}


# --- what is passed on ---


def test_tracking_and_products_of_a_customer_reach_appmax(store: Client, simulator: SimulatorServer) -> None:
    tracking = {"utm_source": "google", "utm_campaign": "natal"}
    body = with_value("customer.tracking", {**tracking, "utm_term": None, "utm_content": ""})
    body["customer"]["products"] = [CAP]

    assert post(store, "order", body).status_code == 200
    sent = asked(simulator, "/v1/customers")
    assert sent["tracking"] == tracking
    assert sent["products"] == [{**CAP, "type": "physical"}]


@pytest.mark.parametrize("interval", ["week", "month", "year"])
def test_a_subscription_reaches_appmax(store: Client, simulator: SimulatorServer, interval: str) -> None:
    wanted = {"interval": interval, "interval_count": 2, "max_cycles": 6, "next_charge_at": "2027-01-05"}

    answer = post(store, "pay/pix", {**by_pix(ordered(store)), "subscription": wanted})

    assert answer.status_code == 200
    assert asked(simulator, "/v1/payments/pix")["payment_data"]["subscription"] == wanted


@pytest.mark.parametrize("changes", [{"interval": "day"}, {"interval_count": 0}, {"next_charge_at": "soon"}])
def test_odd_subscriptions_are_400(store: Client, changes: dict[str, Any]) -> None:
    body = {**by_pix(ordered(store)), "subscription": {"interval": "month", **changes}}

    assert post(store, "pay/pix", body).status_code == 400
