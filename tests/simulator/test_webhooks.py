"""What is told to the app, when, and how often."""

from collections.abc import Callable

import pytest

from tests.simulator.conftest import Appmax, Receiver

FAST = 1_000_000  # the four tries take 15 ms


@pytest.fixture
def order_id(appmax: Appmax, merchant: str, receiver: Receiver) -> int:
    """An order whose Pix waits to be paid; the webhook that told so is forgotten."""
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    appmax.deliveries("delivered", 1)
    receiver.received.clear()
    return order_id


def _status(appmax: Appmax, merchant: str, order_id: int) -> tuple[str, int]:
    order = appmax.call("GET", f"/v1/orders/{order_id}", merchant).json()["data"]["order"]
    return order["status"], order["total_paid"]


def test_a_new_pix_is_told(appmax: Appmax, merchant: str, receiver: Receiver) -> None:
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    [told] = receiver.wait_for(1)
    assert told.path == "/webhook"
    assert (told.body["event"], told.body["event_type"]) == ("order_pix_created", "order")
    assert told.body["data"]["order_id"] == order_id
    assert (told.body["app_id"], told.body["external_key"], told.body["client_key"]) == ("4242", "shop", "shop")
    assert "site_id" in told.body


@pytest.mark.parametrize("path", ["/orders/{}/pay", "/simulator/api/orders/{}/pay"])
def test_paying_tells_two_events(appmax: Appmax, merchant: str, order_id: int, receiver: Receiver, path: str) -> None:
    assert appmax.call("POST", path.format(order_id)).status_code in (200, 303)
    assert receiver.events(2) == ["order_paid_by_pix", "order_approved"]
    assert _status(appmax, merchant, order_id) == ("aprovado", 13490)


@pytest.mark.parametrize("path", ["/orders/{}/expire", "/simulator/api/orders/{}/expire"])
def test_a_pix_can_expire(appmax: Appmax, merchant: str, order_id: int, receiver: Receiver, path: str) -> None:
    assert appmax.call("POST", path.format(order_id)).status_code in (200, 303)
    assert receiver.events(1) == ["order_pix_expired"]
    assert _status(appmax, merchant, order_id) == ("cancelado", 0)
    assert appmax.pix(merchant, order_id).json()["data"]["payment"]["pix_emv"]


def test_an_order_is_paid_once(appmax: Appmax, order_id: int) -> None:
    appmax.control("POST", f"orders/{order_id}/pay")
    assert appmax.call("POST", f"/simulator/api/orders/{order_id}/pay").status_code == 409
    assert appmax.call("POST", f"/simulator/api/orders/{order_id}/expire").status_code == 409
    assert appmax.call("POST", "/simulator/api/orders/1/pay").status_code == 404


def test_a_webhook_is_tried_four_times_and_dropped(start: Callable[..., Appmax], receiver: Receiver) -> None:
    appmax = start(clock_speed=36_000)  # 30 min in 0.05 s
    receiver.statuses = [500, 302, 404, 503]
    appmax.control("POST", "events", json={"event": "order_approved", "order_id": 7})
    [delivery] = appmax.deliveries("dropped", 1)
    assert [attempt["status"] for attempt in delivery["tries"]] == [500, 302, 404, 503]
    due = [0, 0.05, 0.2, 0.4]
    assert all(attempt["after"] >= moment for attempt, moment in zip(delivery["tries"], due, strict=True))
    assert len(receiver.received) == 4


@pytest.mark.parametrize("status", [200, 201, 204])
def test_any_2xx_ends_the_tries(start: Callable[..., Appmax], receiver: Receiver, status: int) -> None:
    appmax = start(clock_speed=FAST)
    receiver.statuses = [500, status]
    appmax.control("POST", "events", json={"event": "order_approved", "order_id": 7})
    [delivery] = appmax.deliveries("delivered", 1)
    assert [attempt["status"] for attempt in delivery["tries"]] == [500, status]


def test_an_app_that_is_away_counts_as_a_try(start: Callable[..., Appmax]) -> None:
    appmax = start(clock_speed=FAST, webhook_url="http://127.0.0.1:1/webhook")
    appmax.control("POST", "events", json={"event": "order_approved", "order_id": 7})
    [delivery] = appmax.deliveries("dropped", 1)
    assert [(attempt["status"], attempt["error"]) for attempt in delivery["tries"]] == [(None, "ConnectionError")] * 4
    assert "ConnectionError" in appmax.call("GET", "/deliveries").text


def test_any_event_can_be_sent_several_times(appmax: Appmax, order_id: int, receiver: Receiver) -> None:
    wish = {"event": "order_refund", "order_id": order_id, "times": 3}
    assert len(appmax.control("POST", "events", json=wish)) == 3
    assert receiver.events(3) == ["order_refund"] * 3
    assert receiver.received[0].body["external_key"] == "shop"


def test_a_body_can_be_sent_as_it_stands(appmax: Appmax, receiver: Receiver) -> None:
    body = {"event": "OrderApproved", "data": {"id": 1, "customer_id": 2}}
    appmax.control("POST", "events", json={"body": body})
    assert receiver.wait_for(1)[0].body == body


@pytest.mark.parametrize(
    "wish", [{}, {"event": 5}, {"event": "x", "times": 0}, {"event": "x", "times": "2"}, {"body": 1}]
)
def test_a_malformed_wish_is_refused(appmax: Appmax, wish: dict[str, object]) -> None:
    assert appmax.call("POST", "/simulator/api/events", json=wish).status_code == 422


def test_the_webhook_url_can_be_changed(appmax: Appmax, receiver: Receiver) -> None:
    appmax.call("POST", "/v2/apphook", data={"url": f"{receiver.url}/new"})
    assert f"{receiver.url}/new" in appmax.call("GET", "/v2/apphook").text
    appmax.control("POST", "events", json={"event": "order_approved", "order_id": 7})
    assert receiver.wait_for(1)[0].path == "/new"


def test_a_webhook_url_must_be_one(appmax: Appmax, receiver: Receiver) -> None:
    assert appmax.call("POST", "/v2/apphook", data={"url": "javascript:alert(1)"}).status_code == 422
    assert f"{receiver.url}/webhook" in appmax.call("GET", "/v2/apphook").text
