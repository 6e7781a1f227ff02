"""What becomes of a paid order: refunds, parcels, upsells."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.simulator.conftest import Appmax, Receiver

TOTAL = 13490


@pytest.fixture
def paid(appmax: Appmax, merchant: str, receiver: Receiver) -> int:
    """An order that a card has paid; the webhooks that told so are forgotten."""
    order_id = appmax.new_order(merchant)
    appmax.card(merchant, order_id)
    appmax.deliveries("delivered", 3)
    receiver.received.clear()
    return order_id


@pytest.fixture
def upsell_hash(appmax: Appmax, merchant: str, paid: int) -> str:
    return str(appmax.kept(paid)["payments"][-1]["upsell_hash"])


# --- refunds ---------------------------------------------------------------------------------------------------------


def test_a_total_refund(appmax: Appmax, merchant: str, paid: int, receiver: Receiver) -> None:
    answer = appmax.refund(merchant, paid, type="total")
    assert answer.status_code == 201
    assert answer.json() == {"data": {"message": "Refund request accepted"}}
    assert appmax.read(merchant, paid)["order"]["status"] == "estornado"
    assert appmax.kept(paid)["refunded"] == TOTAL
    assert receiver.events(1) == ["order_refund"]


def test_a_partial_refund(appmax: Appmax, merchant: str, paid: int, receiver: Receiver) -> None:
    assert appmax.refund(merchant, paid, type="partial", value=1000).status_code == 201
    assert appmax.read(merchant, paid)["order"]["status"] == "aprovado"
    assert appmax.kept(paid)["refunded"] == 1000
    assert receiver.events(1) == ["order_partial_refund"]


def test_partial_refunds_of_everything_are_a_refund(
    appmax: Appmax, merchant: str, paid: int, receiver: Receiver
) -> None:
    appmax.refund(merchant, paid, type="partial", value=1000)
    receiver.wait_for(1)
    appmax.refund(merchant, paid, type="partial", value=TOTAL - 1000)
    assert appmax.read(merchant, paid)["order"]["status"] == "estornado"
    assert receiver.events(2) == ["order_partial_refund", "order_refund"]


def test_no_more_is_refunded_than_is_left(appmax: Appmax, merchant: str, paid: int) -> None:
    appmax.refund(merchant, paid, type="partial", value=1000)
    answer = appmax.refund(merchant, paid, type="partial", value=TOTAL)
    assert (answer.status_code, answer.json()) == (400, {"error": {"message": "Error to refund"}})
    assert appmax.kept(paid)["refunded"] == 1000


def test_a_refund_happens_once(appmax: Appmax, merchant: str, paid: int) -> None:
    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(lambda _: appmax.refund(merchant, paid, type="total").status_code, range(3)))
    assert sorted(statuses) == [201, 400, 400]
    assert appmax.kept(paid)["refunded"] == TOTAL


def test_only_what_was_paid_is_refunded(appmax: Appmax, merchant: str) -> None:
    answer = appmax.refund(merchant, appmax.new_order(merchant), type="total")
    assert (answer.status_code, answer.json()) == (400, {"error": {"message": "Error to refund"}})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "half"}, "type"),
        ({"type": "partial"}, "value"),
        ({"type": "partial", "value": 0}, "value"),
        ({"type": "partial", "value": "10.00"}, "value"),
    ],
)
def test_refunds_are_validated(appmax: Appmax, merchant: str, paid: int, fields: dict[str, Any], field: str) -> None:
    answer = appmax.refund(merchant, paid, **fields)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [field]


@pytest.mark.parametrize("fields", [{}, {"type": "total", "value": 10}])
def test_a_refund_is_total_unless_it_is_partial(
    appmax: Appmax, merchant: str, paid: int, fields: dict[str, Any]
) -> None:
    assert appmax.refund(merchant, paid, **fields).status_code == 201
    assert appmax.kept(paid)["refunded"] == TOTAL


def test_another_merchant_refunds_nothing(appmax: Appmax, paid: int) -> None:
    answer = appmax.refund(appmax.merchant_token("other"), paid, type="total")
    assert (answer.status_code, answer.json()) == (404, {"error": {"message": ["Order not found", "Site not found"]}})


@pytest.mark.parametrize("path", ["/orders/{}/refund", "/simulator/api/orders/{}/refund"])
def test_a_button_refunds_all_that_is_left(appmax: Appmax, paid: int, receiver: Receiver, path: str) -> None:
    assert appmax.call("POST", path.format(paid)).status_code in (200, 303)
    assert receiver.events(1) == ["order_refund"]


def test_a_script_refunds_a_part(appmax: Appmax, paid: int) -> None:
    assert appmax.control("POST", f"orders/{paid}/refund", json={"value": 90})["refunded"] == 90
    path = f"/simulator/api/orders/{paid}/refund"
    assert appmax.call("POST", path, json={"value": TOTAL}).status_code == 409
    assert appmax.call("POST", path, json={"value": "90"}).status_code == 422
    assert appmax.call("POST", "/simulator/api/orders/1/refund").status_code == 404


# --- parcels ---------------------------------------------------------------------------------------------------------


def _track(appmax: Appmax, token: str, order_id: int, code: Any = "BR123456789BR") -> Any:
    body = {"order_id": order_id, "shipping_tracking_code": code}
    return appmax.call("POST", "/v1/orders/shipping-tracking-code", token, json=body)


def test_a_tracking_code_is_kept(appmax: Appmax, merchant: str, paid: int) -> None:
    answer = _track(appmax, merchant, paid)
    assert (answer.status_code, answer.json()) == (201, {"data": {"message": "tracking accepted"}})
    assert appmax.kept(paid)["shipping_tracking_code"] == "BR123456789BR"


@pytest.mark.parametrize("code", ["", None, 5])
def test_a_tracking_code_must_be_one(appmax: Appmax, merchant: str, paid: int, code: Any) -> None:
    answer = _track(appmax, merchant, paid, code)
    assert answer.status_code == 422
    assert answer.json() == {
        "message": "The given data failed to pass validation.",
        "errors": {"message": "The delivery_tracking_code field is required."},
    }


def test_another_merchants_parcel_is_not_found(appmax: Appmax, paid: int) -> None:
    answer = _track(appmax, appmax.merchant_token("other"), paid)
    assert answer.status_code == 400
    assert answer.json() == {"errors": {"message": "Failed to store delivery tracking code."}}


# --- upsells ---------------------------------------------------------------------------------------------------------


def test_an_upsell_is_a_new_paid_order(
    appmax: Appmax, merchant: str, paid: int, upsell_hash: str, receiver: Receiver
) -> None:
    answer = appmax.upsell(merchant, upsell_hash)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["message"]
    assert data["redirect_url"].startswith("http://")
    assert data["order"]["status"] == "aprovado"
    sold = appmax.read(merchant, data["order"]["id"])
    assert sold["order"]["total_paid"] == 4990
    assert sold["customer"]["id"] == appmax.read(merchant, paid)["customer"]["id"]
    assert sold["payment"]["method"] == "creditcard"
    [payment] = appmax.kept(data["order"]["id"])["payments"]
    assert (payment["method"], payment["amount"], payment["card_last4"]) == ("upsell", 4990, "0010")
    [told] = receiver.wait_for(1)
    assert (told.body["event"], told.body["data"]["order_id"]) == ("order_up_sold", data["order"]["id"])


def test_an_upsell_hash_serves_once(appmax: Appmax, merchant: str, upsell_hash: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(lambda _: appmax.upsell(merchant, upsell_hash).status_code, range(3)))
    assert sorted(statuses) == [201, 404, 404]


def test_unknown_hashes_and_other_merchants_are_refused(appmax: Appmax, merchant: str, upsell_hash: str) -> None:
    answer = appmax.upsell(merchant, "made-up")
    assert (answer.status_code, answer.json()) == (404, {"data": {"errors": {"message": "Order not found"}}})
    assert appmax.upsell(appmax.merchant_token("other"), upsell_hash).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"upsell_hash": ""}, "upsell_hash"),
        ({"products_value": 0}, "products_value"),
        ({"products_value": "49.90"}, "products_value"),
        ({"products": []}, "products"),
    ],
)
def test_upsells_are_validated(
    appmax: Appmax, merchant: str, upsell_hash: str, changes: dict[str, Any], field: str
) -> None:
    answer = appmax.upsell(merchant, **{"upsell_hash": upsell_hash, **changes})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [field]
    assert appmax.upsell(merchant, upsell_hash).status_code == 201
