"""The bodies of Appmax's documentation, in its own words and numbers (contract, sections 5 and 5.1), and what each is
read as."""

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appmax import answers
from appmax.answers import BoletoPayment, CardPayment, CreatedOrder, PixPayment, RemoteOrder, UpsellAnswer
from appmax.client import AppmaxClient
from appmax.errors import Rejected
from appmax.messages import Address, CardCharge, Customer, NewOrder, Product
from tests.appmax.conftest import URL
from tests.support.documented import CUSTOMER, ERRORS, ORDER

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BRASILIA_3_PM, THAT_IN_UTC = "2026-03-15 15:05:00", datetime(2026, 3, 15, 18, 5, tzinfo=UTC)

# --- what is sent ----------------------------------------------------------------------------------------------------


def test_a_customer_may_bring_products_and_tracking(client: AppmaxClient, appmax: Any) -> None:
    appmax.post(f"{URL}/v1/customers", json={"data": {"customer": {"id": 1}}}, status=201)
    objects = {
        "address": Address(**CUSTOMER["address"]),
        "products": tuple(Product(**product) for product in CUSTOMER["products"]),
    }

    assert client.create_customer(Customer(**{**CUSTOMER, **objects})) == 1
    assert json.loads(appmax.calls[-1].request.body) == CUSTOMER


# cálculo-do-valor-total-da-order: the three products of both its examples
def books(*unit_values: int | None) -> tuple[Product, ...]:
    return tuple(
        Product(f"{46 + place}_0", "PRODUTO_TEST_PARA_2", 1, value, "physical")
        for place, value in enumerate(unit_values)
    )


def test_an_order_may_give_the_value_of_each_product_and_no_sum() -> None:
    order = NewOrder(products_value=None, discount_value=0, shipping_value=1500, products=books(1350, 3350, 5350))

    assert (order.products_cents, order.total_cents) == (10050, 11550)
    assert "products_value" not in order.body()
    assert [product["unit_value"] for product in order.body()["products"]] == [1350, 3350, 5350]


def test_an_order_may_give_one_sum_and_no_value_of_each_product() -> None:
    order = NewOrder(products_value=10050, discount_value=0, shipping_value=1500, products=books(None, None, None))

    assert (order.products_cents, order.total_cents) == (10050, 11550)
    assert order.body()["products_value"] == 10050
    assert "unit_value" not in order.body()["products"][0]


def test_one_product_without_a_value_makes_the_sum_count() -> None:
    assert NewOrder(9000, 1000, 500, books(None, 5000)).total_cents == 8500


def test_what_is_charged_is_the_sum_of_the_products_if_each_has_a_value() -> None:
    order = NewOrder(9999, 0, 0, (Product("a", "A", 3, 2000, "physical"),))

    assert order.total_cents == 6000


def test_an_order_whose_sum_nobody_can_tell_is_not_made() -> None:
    with pytest.raises(ValueError, match="either products_value or the unit_value of every product"):
        NewOrder(None, 0, 0, (Product("a", "A", 1, None, "physical"), Product("b", "B", 1, 5, "physical")))


def test_a_free_product_has_a_value() -> None:
    order = NewOrder(None, 0, 0, (Product("a", "A", 1, 100, "physical"), Product("gift", "Gift", 1, 0, "physical")))

    assert order.total_cents == 100
    assert order.body()["products"][1]["unit_value"] == 0


# --- what is answered ------------------------------------------------------------------------------------------------


def test_an_order_tells_how_and_when_it_was_paid_and_paid_back(client: AppmaxClient, appmax: Any) -> None:
    appmax.get(f"{URL}/v1/orders/3531", json={"data": ORDER})

    assert client.get_order(3531) == RemoteOrder(
        id=3531,
        status="estornado",
        customer_id=2023,
        total_cents=8916,
        total_paid_cents=8916,
        payment_method="credit_card",
        installments=12,
        installments_amount_cents=743,
        card_brand="visa",
        card_last_digits="0010",
        paid_at=datetime(2025, 2, 13, 17, 10, 20, tzinfo=UTC),
        refunded_at=datetime(2025, 2, 13, 17, 11, 55, tzinfo=UTC),
        customer_name="Junior Almeida",
        customer_email="junior@example.com",
        customer_document="19100000000",
    )


def test_a_cards_payment(client: AppmaxClient, appmax: Any) -> None:
    payment = {"id": 99999, "pay_reference": "ref-string", "upsell_hash": "hash-for-upsell", "status": "aprovado"}
    appmax.post(f"{URL}/v1/payments/credit-card", json={"data": {"payment": payment}}, status=201)

    charged = client.charge_card(order_id=67890, customer_id=12345, charge=CardCharge(token="t"))

    assert charged == CardPayment(status="aprovado", upsell_hash="hash-for-upsell", pay_reference="ref-string")


@pytest.mark.parametrize(
    "data",
    [
        {"payment": {"pix_qrcode": "aW1n", "pix_emv": "0002", "pix_expiration_date": "2026-05-21 05:34:30"}},
        {
            "pix": {
                "qr_code": "data:image/png;base64,aW1n",
                "emv_code": "0002",
                "expires_at": "2026-05-21 05:34:30",
            }
        },
    ],
)
def test_a_pix_tells_until_when_it_can_be_paid(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.post(f"{URL}/v1/payments/pix", json={"data": data}, status=201)
    appmax.get(f"{URL}/v1/orders/67890", json={"data": {"order": {"id": 67890, "status": "pendente"}, **data}})

    pix = PixPayment("aW1n", "0002", expires_at=datetime(2026, 5, 21, 8, 34, 30, tzinfo=UTC))
    assert client.create_pix(order_id=67890, document_number="52998224725") == pix
    assert client.get_order(67890).pix == pix


@pytest.mark.parametrize(
    "data",
    [
        {"payment": {"boleto_link_pdf": "https://x", "boleto_digitable_line": "12345", "due_date": "2026-05-24"}},
        {
            "payment": {
                "boleto_link_pdf": "https://x",
                "boleto_digitable_line": "12345",
                "boleto_expiration_date": "2026-05-24 23:59:59",
            }
        },
        {"boleto": {"pdf_url": "https://x", "digitable_line": "12345", "due_date": "2026-05-24"}},
    ],
)
def test_a_boleto_tells_its_last_day(client: AppmaxClient, appmax: Any, data: Any) -> None:
    appmax.post(f"{URL}/v1/payments/boleto", json={"data": data}, status=201)
    appmax.get(f"{URL}/v1/orders/67890", json={"data": {"order": {"id": 67890, "status": "pendente"}, **data}})

    boleto = BoletoPayment("https://x", "12345", due_date=date(2026, 5, 24))
    assert client.create_boleto(order_id=67890, document_number="52998224725") == boleto
    assert client.get_order(67890).boleto == boleto


def test_an_upsell_is_an_order_of_its_own(client: AppmaxClient, appmax: Any) -> None:
    # The documentation's page has no order, and an address without a scheme; Appmax's example backend has both.
    url = "example.com/order/success-by-order?hash=40001142025031-1715608804-0190017001715608804"
    data = {
        "message": "Transação efetuada com sucesso",
        "redirect_url": url,
        "order": {"id": 67891, "status": "aprovado"},
    }
    appmax.post(f"{URL}/v1/orders/upsell", json={"data": data}, status=201)
    products = (Product("UPSELL-001", "Bonus Product", 1, 5000, "physical"),)

    sold = client.upsell(upsell_hash="hash", products_value=5000, products=products)

    expected = UpsellAnswer("Transação efetuada com sucesso", f"https://{url}", CreatedOrder(67891, "aprovado"))
    assert sold == expected


@pytest.mark.parametrize(("status", "body", "message"), ERRORS)
def test_each_documented_error_is_told_in_its_own_words(
    client: AppmaxClient, appmax: Any, status: int, body: Any, message: str
) -> None:
    appmax.post(f"{URL}/v1/orders/refund-request", json=body, status=status)

    with pytest.raises(Rejected) as caught:
        client.request_refund(order_id=1, value=None)
    assert (caught.value.status, caught.value.message) == (status, message)


# --- dates, and what is not there ------------------------------------------------------------------------------------


def paid_at(said: Any) -> datetime | None:
    data = {**ORDER, "payment": {"paid_at": said}}
    return answers.read_order({"data": data}, SAO_PAULO).paid_at


@pytest.mark.parametrize(
    "said",
    [
        BRASILIA_3_PM,
        "2026-03-15T15:05:00",
        "2026-03-15T15:05:00-03:00",
        "2026-03-15T18:05:00Z",
        "2026-03-15T18:05:00.000000Z",
        " 2026-03-15 15:05 ",
    ],
)
def test_a_moment_without_a_zone_is_sao_paulos_and_is_told_in_utc(said: str) -> None:
    assert paid_at(said) == THAT_IN_UTC
    assert paid_at(said).tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize("zone", ["UTC", "America/Manaus"])
def test_the_zone_of_appmaxs_dates_is_the_callers_to_say(zone: str) -> None:
    """None of them is the zone of this process, which Django sets to Brazil's."""
    body = {
        "data": {
            **ORDER,
            "payment": {"paid_at": BRASILIA_3_PM, "pix_emv": "0002", "pix_expiration_date": BRASILIA_3_PM},
            "refund": {"refunded_at": BRASILIA_3_PM},
            "boleto": {"digitable_line": "12345", "due_date": "2026-05-25T03:30:00Z"},
        }
    }
    there = datetime(2026, 3, 15, 15, 5, tzinfo=ZoneInfo(zone))
    last_day = date(2026, 5, 25) if zone == "UTC" else date(2026, 5, 24)

    order = answers.read_order(body, ZoneInfo(zone))

    assert order.pix is not None
    assert order.boleto is not None
    assert (order.paid_at, order.refunded_at, order.pix.expires_at) == (there, there, there)
    assert order.boleto.due_date == last_day
    same_day = {"data": {"boleto": {"digitable_line": "12345", "due_date": "2026-05-24"}}}
    assert answers.read_boleto(same_day, ZoneInfo(zone)).due_date == date(2026, 5, 24)
    assert answers.read_pix(body, ZoneInfo(zone)).expires_at == there
    assert answers.read_boleto(body, ZoneInfo(zone)).due_date == last_day


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        0,
        1773597900,
        [],
        "0000-00-00 00:00:00",
        "2026-03-15",  # a day is no moment
        "15/03/2026 15:05:00",
        "2026-13-45 99:99:99",
        "0001-01-01 00:00:00+14:00",
        "9999-12-31 23:59:59",
        "soon, perhaps",
    ],
)
def test_what_is_no_moment_is_none(said: Any) -> None:
    assert paid_at(said) is None


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026-05-24", date(2026, 5, 24)),
        ("2026-05-24 00:00:00", date(2026, 5, 24)),
        ("2026-05-25T02:59:59Z", date(2026, 5, 24)),
        ("24/05/2026", None),
        ("0000-00-00", None),
        (20260524, None),
    ],
)
def test_a_last_day_is_the_day_in_sao_paulo(said: Any, day: date | None) -> None:
    body = {"data": {"boleto": {"digitable_line": "12345", "due_date": said}}}

    assert answers.read_boleto(body, SAO_PAULO).due_date == day


@pytest.mark.parametrize(
    ("card", "brand", "digits"),
    [
        ({"brand": "visa", "number": "****0010"}, "visa", "0010"),
        ({"brand": "mastercard", "number": "0010"}, "mastercard", "0010"),
        ({"brand": None, "number": "400000******"}, "", ""),
        ({"brand": "x" * 99, "number": 4000000000000010}, "x" * 32, "0010"),
        ({"number": "10"}, "", ""),
        ([], "", ""),
        (None, "", ""),
    ],
)
def test_no_more_than_the_last_four_digits_of_a_card_are_read(card: Any, brand: str, digits: str) -> None:
    found = answers.read_order({"data": {**ORDER, "payment": {"card": card}}}, SAO_PAULO)

    assert (found.card_brand, found.card_last_digits) == (brand, digits)


@pytest.mark.parametrize("empty", [{}, {"payment": [], "refund": [], "customer": []}, {"refund": None}])
def test_what_an_order_does_not_say_is_none(empty: Any) -> None:
    body = {"data": {"order": {"id": 9, "status": "pendente"}, **empty}}

    assert answers.read_order(body, SAO_PAULO) == RemoteOrder(id=9, status="pendente")
