"""The shop is told by the product what becomes of its orders, and tells the order's page."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.storefront.visitor import TIMEOUT, Product, Visitor

SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 32


@pytest.fixture
def told(open_storefront: Callable[..., str], product: Product) -> Visitor:
    """A browser in a shop that has registered itself."""
    product.says("webhook-endpoints", 200, {"endpoints": []}, times=1)
    origin = open_storefront(APP_URL=product.url, API_KEY="stand-in-key", OWN_URL="own")
    visitor = Visitor(origin)
    product.says("webhook-endpoints", 200, {"endpoints": [], "secret": SECRET})
    visitor.get()
    return visitor


def message(
    status: str, message_id: str = "msg_1", *, secret: str = SECRET, **changes: Any
) -> tuple[str, dict[str, str]]:
    """Body and headers of a message, signed as the specification says."""
    body = json.dumps({"type": "order.status_changed", "data": {"order_id": 77, "status": status}, **changes})
    now = datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, now, body)
    stamp = str(int(now.timestamp()))
    return body, {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def hear(visitor: Visitor, status: str, message_id: str = "msg_1", **changes: Any) -> int:
    body, headers = message(status, message_id, **changes)
    return requests.post(f"{visitor.home}/told", data=body, headers=headers, timeout=TIMEOUT).status_code


def first_change(visitor: Visitor, order_page: str, then: Callable[[], Any], last: str | None = None) -> dict[str, str]:
    """What the order's page is told first after `then`."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with visitor.get(f"{order_page.partition('#')[0]}/changes", stream=True, headers=headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
        next(lines)
        waker = threading.Timer(0.2, then)
        waker.start()
        try:
            data = next(line for line in lines if line.startswith("data: "))
        finally:
            waker.join()
    found: dict[str, str] = json.loads(data.removeprefix("data: "))
    return found


def test_it_registers_itself_once_and_for_what_it_needs(told: Visitor, product: Product) -> None:
    told.get()
    (asked,) = product.posts("webhook-endpoints")
    assert asked.body == {"url": f"{told.home}/told", "event_types": ["order.status_changed"]}
    assert asked.headers["Authorization"] == "Api-Key stand-in-key"


def test_a_shop_that_has_lost_the_secret_gets_another_one(
    open_storefront: Callable[..., str], product: Product
) -> None:
    visitor = Visitor(open_storefront(APP_URL=product.url, API_KEY="stand-in-key", OWN_URL="own"))
    mine = {"id": 5, "url": f"{visitor.home}/told", "enabled": True}
    product.says("webhook-endpoints", 200, {"endpoints": [mine]})
    product.says("webhook-endpoints/5/rotate-secret", 200, {"secret": SECRET})
    visitor.get()
    assert hear(visitor, "aprovado") == 204


def test_the_page_turns_when_the_shop_is_told(told: Visitor) -> None:
    page = told.buy("pix").url
    change = first_change(told, page, lambda: hear(told, "aprovado"))
    assert (change["status"], change["kind"]) == ("aprovado", "good")


def test_the_page_is_told_what_it_has_missed_and_nothing_twice(told: Visitor) -> None:
    page = told.buy("pix").url
    hear(told, "cancelado", "msg_1")
    hear(told, "aprovado", "msg_2")
    assert first_change(told, page, lambda: None, last="1")["status"] == "aprovado"
    assert first_change(told, page, lambda: hear(told, "estornado", "msg_3"), last="2")["status"] == "estornado"


def test_a_message_that_came_before_is_left_alone(told: Visitor) -> None:
    page = told.buy("pix").url
    assert hear(told, "aprovado", "msg_1") == 204
    assert hear(told, "estornado", "msg_2") == 204
    assert hear(told, "aprovado", "msg_1") == 204
    assert first_change(told, page, lambda: None, last="0")["status"] == "estornado"


@pytest.mark.parametrize("fault", ["another secret", "another body", "no signature", "an old time", "no JSON"])
def test_what_is_not_signed_with_the_shops_secret_is_refused(told: Visitor, fault: str) -> None:
    body, headers = message("aprovado", secret=OTHER if fault == "another secret" else SECRET)
    match fault:
        case "another body":
            body = body.replace("77", "78")
        case "no signature":
            del headers["webhook-signature"]
        case "an old time":
            headers["webhook-timestamp"] = "1614265330"
        case "no JSON":
            headers["webhook-signature"] = "v1"
    answer = requests.post(f"{told.home}/told", data=body, headers=headers, timeout=TIMEOUT)
    assert answer.status_code == 400


def test_a_test_message_is_taken(told: Visitor) -> None:
    assert hear(told, "", type="test", data={"message": "This is a test."}) == 204


def test_a_shop_that_can_not_register_sells_all_the_same(open_storefront: Callable[..., str], product: Product) -> None:
    visitor = Visitor(open_storefront(APP_URL=product.url, API_KEY="stand-in-key", OWN_URL="own"))
    product.says("webhook-endpoints", 500, {"code": "internal_error", "message": "no"})
    assert visitor.get().status_code == 200
    assert "00020126" in visitor.buy("pix").text
    assert hear(visitor, "aprovado") == 503


def test_only_the_browser_that_made_the_order_is_told(told: Visitor) -> None:
    page = told.buy("pix").url
    assert Visitor(told.origin).get(f"{page.partition('#')[0]}/changes").status_code == 404
