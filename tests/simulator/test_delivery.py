"""How webhooks go out: the switches of delivery, and the retry schedule that can be watched and hurried."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.simulator.conftest import Appmax, Receiver

SLOW = 60  # the clock: 30 min take 30 s, which no test waits for


@pytest.fixture
def order_id(appmax: Appmax, merchant: str, receiver: Receiver) -> int:
    """An order whose Pix waits to be paid; paying tells two events."""
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    appmax.deliveries("delivered", 1)
    receiver.received.clear()
    return order_id


def _switch(appmax: Appmax, **switches: Any) -> None:
    appmax.control("POST", "settings", json=switches)


# --- switches --------------------------------------------------------------------------------------------------------


def test_copies_and_order_are_switches(appmax: Appmax, order_id: int, receiver: Receiver) -> None:
    _switch(appmax, webhook_copies=2, webhook_order="reversed")
    appmax.control("POST", f"orders/{order_id}/pay")
    assert receiver.events(4) == ["order_approved"] * 2 + ["order_paid_by_pix"] * 2


def test_delay_is_a_switch(appmax: Appmax, order_id: int, receiver: Receiver) -> None:
    _switch(appmax, webhook_delay=0.3)
    started = time.monotonic()
    appmax.control("POST", f"orders/{order_id}/pay")
    receiver.wait_for(1)
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("path", ["/simulator/api/deliveries/release", "/deliveries/release"])
def test_what_is_held_goes_out_when_it_is_released(
    appmax: Appmax, order_id: int, receiver: Receiver, path: str
) -> None:
    _switch(appmax, webhook_hold=True)
    appmax.control("POST", f"orders/{order_id}/pay")
    assert [row["state"] for row in appmax.control("GET", "deliveries")[:2]] == ["held", "held"]
    assert "Send what is held" in appmax.call("GET", "/deliveries").text
    appmax.control("POST", "events", json={"event": "order_integrated", "order_id": order_id})  # is not concerned
    assert receiver.events(1) == ["order_integrated"]
    _switch(appmax, webhook_order="reversed", webhook_hold=True)
    assert appmax.call("POST", path).ok
    assert receiver.events(3)[1:] == ["order_approved", "order_paid_by_pix"]


def test_holding_no_longer_releases(appmax: Appmax, order_id: int, receiver: Receiver) -> None:
    _switch(appmax, webhook_hold=True)
    appmax.control("POST", f"orders/{order_id}/pay")
    _switch(appmax, webhook_hold=False)
    assert receiver.events(2) == ["order_paid_by_pix", "order_approved"]


def test_reset_forgets_what_is_held(appmax: Appmax, order_id: int) -> None:
    _switch(appmax, webhook_hold=True)
    appmax.control("POST", f"orders/{order_id}/pay")
    appmax.control("POST", "reset")
    assert appmax.control("POST", "deliveries/release") == {"released": 0}


# --- the schedule ----------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(start: Callable[..., Appmax], receiver: Receiver) -> tuple[Appmax, dict[str, Any]]:
    """A webhook that failed and waits for its second try, 30 s from now."""
    appmax = start(clock_speed=SLOW)
    receiver.statuses = [500]
    appmax.control("POST", "events", json={"event": "order_paid", "order_id": 7})
    [row] = appmax.deliveries("waiting", 1)
    return appmax, row


def test_it_is_known_when_the_next_try_is_due(waiting: tuple[Appmax, dict[str, Any]]) -> None:
    _, row = waiting
    due = datetime.fromisoformat(row["next_try_at"]) - datetime.now(UTC)
    assert timedelta(seconds=15) < due <= timedelta(seconds=30)


def test_the_page_shows_four_tries(waiting: tuple[Appmax, dict[str, Any]]) -> None:
    appmax, row = waiting
    page = appmax.call("GET", "/deliveries").text
    assert "at once: <strong>500</strong>" in page
    assert f'+30 min: <strong>next</strong> <span class="soft">{row["next_try_at"][11:19]}' in page
    assert "min at Appmax)" in page
    assert page.count('<span class="soft">to come</span>') == 2


@pytest.mark.parametrize("path", ["/simulator/api/deliveries/{}/try", "/deliveries/{}/try"])
def test_a_try_can_be_hurried(waiting: tuple[Appmax, dict[str, Any]], receiver: Receiver, path: str) -> None:
    appmax, row = waiting
    assert "Try now" in appmax.call("GET", "/deliveries").text
    assert appmax.call("POST", path.format(row["id"])).status_code in (200, 303)
    [row] = appmax.deliveries("delivered", 1)
    assert [attempt["status"] for attempt in row["tries"]] == [500, 200]
    assert row["next_try_at"] == ""
    assert appmax.call("GET", "/deliveries").text.count('<span class="soft">not needed</span>') == 2


def test_four_hurried_tries_are_all(waiting: tuple[Appmax, dict[str, Any]], receiver: Receiver) -> None:
    appmax, row = waiting
    receiver.statuses = [500, 500, 500]
    for number in (2, 3, 4):
        appmax.control("POST", f"deliveries/{row['id']}/try")
        receiver.wait_for(number)
        [row] = appmax.deliveries("dropped" if number == 4 else "waiting", 1)
        assert len(row["tries"]) == number
    assert row["next_try_at"] == ""


def test_only_what_waits_can_be_hurried(appmax: Appmax, receiver: Receiver) -> None:
    [number] = appmax.control("POST", "events", json={"event": "order_paid", "order_id": 7})
    appmax.deliveries("delivered", 1)
    assert appmax.call("POST", f"/simulator/api/deliveries/{number}/try").status_code == 409
    assert appmax.call("POST", "/simulator/api/deliveries/999/try").status_code == 404
    assert appmax.call("POST", "/deliveries/999/try").status_code == 404


@pytest.mark.parametrize("path", ["/simulator/api/deliveries/{}/again", "/deliveries/{}/again"])
def test_a_webhook_can_be_sent_again(appmax: Appmax, receiver: Receiver, path: str) -> None:
    [number] = appmax.control("POST", "events", json={"event": "order_paid", "order_id": 7})
    assert appmax.call("POST", path.format(number)).status_code in (202, 303)
    first, second = receiver.wait_for(2)
    assert first == second
    assert len(appmax.deliveries("delivered", 2)) == 2
    assert appmax.call("POST", path.format(999)).status_code == 404


def test_a_token_in_the_webhook_url_is_not_shown(start: Callable[..., Appmax], receiver: Receiver) -> None:
    appmax = start(webhook_url=f"{receiver.url}/webhook?token=hush")
    appmax.control("POST", "events", json={"event": "order_paid", "order_id": 7})
    assert receiver.wait_for(1)[0].path == "/webhook?token=hush"
    for path in ("/", "/deliveries"):
        assert "hush" not in appmax.call("GET", path).text
