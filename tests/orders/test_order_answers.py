"""What a storefront is told of its orders: one of them with everything, and all of them page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from installations.models import Installation
from orders.models import Order, Refund
from orders.questions import ask
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card, by_pix, ordered, post
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


def detail(store: Client, order_id: int) -> dict[str, Any]:
    """All that is told of an order."""
    answer = store.get(f"/checkout/shop/orders/{order_id}")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


# --- what a payment's answer says ---


@pytest.mark.parametrize(
    "data",
    [
        {"payment": {"pix_qrcode": "q", "pix_emv": "e", "pix_expiration_date": "2026-05-21 05:34:30"}},
        {"pix": {"qr_code": "q", "emv_code": "e", "expires_at": "2026-05-21 05:34:30"}},
    ],
)
def test_a_pix_says_when_it_ends_in_utc_now_and_later(
    store: Client, simulator: SimulatorServer, data: dict[str, Any]
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault("/v1/payments/pix", status=201, body={"data": data}))

    answer = post(store, "pay/pix", by_pix(order_id), key="k-1").json()

    assert answer == {"order_id": order_id, "qr_code": "q", "emv": "e", "expires_at": "2026-05-21T08:34:30Z"}
    assert post(store, "pay/pix", by_pix(order_id), key="k-1").json() == answer
    assert detail(store, order_id)["pix"] == {"qr_code": "q", "emv": "e", "expires_at": "2026-05-21T08:34:30Z"}


@pytest.mark.parametrize(
    "data",
    [
        {"boleto": {"pdf_url": "https://x/b.pdf", "digitable_line": "1", "due_date": "2026-05-24"}},
        {
            "payment": {
                "boleto_link_pdf": "https://x/b.pdf",
                "boleto_digitable_line": "1",
                "boleto_expiration_date": "2026-05-24",
            }
        },
    ],
)
def test_a_boleto_says_its_last_day_now_and_later(
    store: Client, simulator: SimulatorServer, data: dict[str, Any]
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault("/v1/payments/boleto", status=201, body={"data": data}))

    answer = post(store, "pay/boleto", by_pix(order_id)).json()

    told = {"pdf_url": "https://x/b.pdf", "digitavel": "1", "due_date": "2026-05-24"}
    assert answer == {"order_id": order_id, **told}
    assert detail(store, order_id)["boleto"] == told


def test_a_new_pix_forgets_when_the_old_one_ended(
    store: Client, shop: Installation, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    Order.objects.update(status="cancelado", pix_emv="old", pix_qr_code="old", pix_expires_at=NOON)
    data = {"payment": {"pix_qrcode": "q", "pix_emv": "e"}}
    simulator.state.add_fault(Fault("/v1/payments/pix", status=201, body={"data": data}))

    assert post(store, "pay/pix", by_pix(order_id)).json()["expires_at"] is None


def test_the_merchants_settings_of_instalments_are_in_a_header(store: Client, simulator: SimulatorServer) -> None:
    documented = {
        "installments": {"1": {"total": 10000}, "2": {"total": 10200}},
        "settings": {"modality": "PP", "max_installments": 12, "min_installment_value": 500},
    }
    simulator.state.add_fault(Fault("/v1/payments/installments", status=200, body={"data": documented}))

    answer = store.get("/checkout/shop/installments?total_value=10000")

    assert answer.json() == [
        {"installments": 1, "value": 10000, "total_value": 10000},
        {"installments": 2, "value": 5100, "total_value": 10200},
    ]
    assert answer["Installment-Settings"] == '{"modality": "PP", "max_installments": 12, "min_installment_value": 500}'


# --- one order ---


def test_an_order_that_nobody_has_paid(store: Client) -> None:
    order_id = ordered(store)

    told = detail(store, order_id)

    row = Order.objects.get()
    assert told == {
        "order_id": order_id,
        "customer_id": row.appmax_customer_id,
        "status": "pendente",
        "payment_method": None,
        "total_value": 13490,
        "refunded_value": 0,
        "paid_at": None,
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": row.updated_at.isoformat().replace("+00:00", "Z"),
        "pix": None,
        "boleto": None,
        "card": None,
        "refunds": [],
    }


def test_a_card_is_told_by_its_last_digits(store: Client) -> None:
    order_id = post(store, "pay/credit-card", by_card(None, installments=3)).json()["order_id"]

    assert detail(store, order_id)["card"] == {"brand": None, "last_digits": "0010", "installments": 3}


def test_a_token_tells_no_digits_and_those_of_an_earlier_card_are_forgotten(store: Client) -> None:
    token = post(store, "tokenize", {name: v for name, v in by_card(1)["payment"].items() if "document" not in name})
    order_id = ordered(store)
    Order.objects.update(card_brand="visa", card_last_digits="4242", installments=12)

    answer = post(store, "pay/credit-card", {"order_id": order_id, "payment": token.json()})

    assert answer.status_code == 200
    assert detail(store, order_id)["card"] == {"brand": None, "last_digits": None, "installments": 1}


def test_what_appmax_tells_of_a_payment_when_it_is_asked_is_kept(store: Client, simulator: SimulatorServer) -> None:
    order_id = post(store, "pay/credit-card", by_card(None)).json()["order_id"]
    order = Order.objects.get()
    documented = {
        "order": {"id": order_id, "status": "aprovado", "total_paid": 13490},
        "customer": {"id": order.appmax_customer_id},
        "payment": {
            "method": "creditcard",
            "installments": 3,
            "installments_amount": 4497,
            "card": {"brand": "visa", "number": "400000****0010"},
            "paid_at": "2026-05-20 09:00:00",
        },
    }
    simulator.state.add_fault(Fault(f"/v1/orders/{order_id}", status=200, body={"data": documented}))

    ask.ask(order)

    told = detail(store, order_id)
    assert told["card"] == {"brand": "visa", "last_digits": "0010", "installments": 3}
    assert told["paid_at"] == "2026-05-20T12:00:00Z"


def test_refunds_are_told_and_what_has_gone_back(store: Client, simulator: SimulatorServer) -> None:
    order_id = post(store, "pay/credit-card", by_card(None)).json()["order_id"]
    post(store, "refund", {"order_id": order_id, "type": "partial", "value": 500, "reason": "parcel lost"})
    asked_at = Refund.objects.get().asked_at.isoformat().replace("+00:00", "Z")

    told = detail(store, order_id)
    assert (told["refunded_value"], told["refunds"]) == (
        0,
        [{"value": 500, "state": "asked", "reason": "parcel lost", "asked_at": asked_at, "settled_at": None}],
    )

    Refund.objects.update(state="confirmed", settled_at=NOON)
    told = detail(store, order_id)
    assert (told["refunded_value"], told["refunds"][0]["settled_at"]) == (500, "2026-05-20T12:00:00Z")


@pytest.mark.parametrize("order_id", ["abc", "0", "-1", "2147483648", "9" * 5000])
def test_what_is_no_order_id_is_400(store: Client, order_id: str) -> None:
    assert store.get(f"/checkout/shop/orders/{order_id}").json() == {
        "code": "invalid_order_id",
        "message": "invalid order_id",
    }


def test_another_merchants_order_is_not_found(store: Client) -> None:
    answer = store.get(f"/checkout/shop/orders/{OrderFactory.create().appmax_order_id}")

    assert (answer.status_code, answer.json()) == (404, {"code": "order_not_found", "message": "order not found"})


# --- all orders ---


def listed(store: Client, **query: Any) -> tuple[list[int], Any]:
    """The order ids of a page, and its `next`."""
    answer = store.get("/checkout/shop/orders", query)
    assert answer.status_code == 200, answer.json()
    return [order["order_id"] for order in answer.json()["orders"]], answer.json()["next"]


@pytest.fixture
def many(shop: Installation) -> list[int]:
    """Ids of 25 orders, newest first; those of each five were made at the same moment. Another shop has some too."""
    for number in range(25):
        OrderFactory.create(
            installation=shop,
            appmax_order_id=1000 + number,
            status="aprovado" if number % 2 else "pendente",
            created_at=NOON + timedelta(hours=number // 5),
        )
        OrderFactory.create(created_at=NOON + timedelta(hours=number))
    return [1000 + number for number in reversed(range(25))]


def test_twenty_orders_unless_told_newest_first(store: Client, many: list[int]) -> None:
    assert listed(store) == (many[:20], many[19])
    assert listed(store, cursor=many[19]) == (many[20:], None)


@pytest.mark.parametrize("limit", [1, 3, 5, 24, 25, 100])
def test_page_by_page_each_order_is_listed_once(store: Client, many: list[int], limit: int) -> None:
    found, following = listed(store, limit=limit)
    while following is not None:
        page, following = listed(store, limit=limit, cursor=following)
        found += page

    assert found == many


def test_an_order_that_is_made_meanwhile_moves_no_page(store: Client, many: list[int], shop: Installation) -> None:
    _, following = listed(store, limit=10)
    OrderFactory.create(installation=shop)

    assert listed(store, limit=10, cursor=following)[0] == many[10:20]


def test_by_status_and_by_time_with_the_first_moment_and_without_the_last(store: Client, many: list[int]) -> None:
    query = {"created_from": "2026-05-20T13:00:00Z", "created_to": "2026-05-20T11:00:00-03:00"}

    assert listed(store, **query)[0] == many[15:20]
    assert listed(store, **query, status="aprovado")[0] == [1009, 1007, 1005]
    assert listed(store, status="estornado") == ([], None)
    assert listed(store, status="aprovado", limit=2, cursor=1009)[0] == [1007, 1005]


def test_a_time_without_a_zone_is_sao_paulos(store: Client, many: list[int]) -> None:
    assert listed(store, created_from="2026-05-20T13:00:00")[0] == many[:5]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "paid"}, "status"),
        ({"created_from": "yesterday"}, "created_from"),
        ({"created_to": "2026-13-01"}, "created_to"),
        ({"created_to": "9999-12-31T23:59:59"}, "created_to"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": 999}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
    ],
)
def test_odd_questions_are_told_by_field(store: Client, many: list[int], query: dict[str, Any], field: str) -> None:
    answer = store.get("/checkout/shop/orders", query)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_another_merchants_cursor_is_unknown(store: Client, many: list[int]) -> None:
    theirs = Order.objects.exclude(appmax_order_id__in=many).first()
    assert theirs is not None

    assert store.get("/checkout/shop/orders", {"cursor": theirs.appmax_order_id}).status_code == 400


def test_a_page_of_any_length_is_four_statements(store: Client, many: list[int]) -> None:
    listed(store, limit=1)  # notes that the key was used

    with CaptureQueriesContext(connection) as statements:
        listed(store, limit=100, cursor=many[0])

    assert len(statements) == 4  # the key, the cursor, the orders, their refunds


def test_rows_of_the_seed_are_told_too(store: Client, shop: Installation) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders (installation_id, appmax_customer_id, appmax_order_id) VALUES (%s, 5, 77)", [shop.pk]
        )

    assert detail(store, 77)["total_value"] == 0
    assert listed(store) == ([77], None)
