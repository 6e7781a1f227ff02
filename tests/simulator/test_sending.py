"""Sending events on demand: which, how often, in which order, when."""

import re
import time
from typing import Any

import pytest

from simulator.catalogue import SEQUENCES
from tests.simulator.conftest import Appmax, Receiver

NAMES = ["order_authorized", "order_approved", "order_paid"]
EVENTS = [{"event": name} for name in NAMES]


@pytest.fixture
def order_id(appmax: Appmax, merchant: str) -> int:
    return appmax.new_order(merchant)


def test_a_list_of_events_goes_out_as_listed(appmax: Appmax, order_id: int, receiver: Receiver) -> None:
    rows = [{"event": "order_paid", "times": 2}, {"event": "order_approved"}]
    assert len(appmax.control("POST", "events", json={"events": rows, "order_id": order_id})) == 3
    assert receiver.events(3) == ["order_paid", "order_paid", "order_approved"]
    assert {told.body["data"]["order_id"] for told in receiver.received} == {order_id}
    assert appmax.kept(order_id)["status"] == "pendente"  # a claim


def test_it_may_go_out_reversed_or_shuffled(appmax: Appmax, receiver: Receiver) -> None:
    appmax.control("POST", "events", json={"events": EVENTS, "order_id": 7, "arrangement": "reversed"})
    assert receiver.events(3) == NAMES[::-1]
    appmax.control("POST", "events", json={"events": EVENTS, "order_id": 7, "arrangement": "shuffled"})
    assert sorted(receiver.events(6)[3:]) == sorted(NAMES)


def test_it_waits_before_the_first_and_between_two(appmax: Appmax, receiver: Receiver) -> None:
    started = time.monotonic()
    appmax.control("POST", "events", json={"events": EVENTS[:2], "order_id": 7, "delay": 0.3, "pause": 0.2})
    assert [row["state"] for row in appmax.control("GET", "deliveries")] == ["sending", "sending"]
    assert all(row["next_try_at"] for row in appmax.control("GET", "deliveries"))
    receiver.wait_for(1)
    assert time.monotonic() - started >= 0.3
    receiver.wait_for(2)
    assert time.monotonic() - started >= 0.5


def test_a_model_can_be_named(appmax: Appmax, receiver: Receiver) -> None:
    appmax.control("POST", "events", json={"event": "order_paid", "order_id": 7, "model": "two_level_flat"})
    [told] = receiver.wait_for(1)
    assert (told.body["event"], told.body["data"]["order_id"]) == ("OrderPaid", "7")


def test_a_customers_event_needs_no_order(appmax: Appmax, receiver: Receiver) -> None:
    appmax.control("POST", "events", json={"event": "customer_created"})
    [told] = receiver.wait_for(1)
    assert told.body["event_type"] == "customer"
    assert "order_id" not in told.body["data"]


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_is_played(appmax: Appmax, receiver: Receiver, name: str) -> None:
    appmax.control("POST", "events", json={"sequence": name, "order_id": 7})
    assert tuple(receiver.events(len(SEQUENCES[name]))) == SEQUENCES[name]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"events": []}, "events"),
        ({"events": ["order_paid"]}, "events"),
        ({"events": [{"event": "x", "times": 600}, {"event": "y", "times": 600}]}, "events"),
        ({"events": [{"event": "x", "times": 0}]}, "times"),
        ({"sequence": "cheque"}, "sequence"),
        ({"sequence": ["card"]}, "sequence"),
        ({"event": "x", "model": "xml"}, "model"),
        ({"event": "x", "model": ["standard"]}, "model"),
        ({"event": "x", "delay": -1}, "delay"),
        ({"event": "x", "pause": "1"}, "pause"),
        ({"event": "x", "arrangement": "sorted"}, "arrangement"),
        ({"event": "x", "order": "reversed"}, "order"),
    ],
)
def test_bad_wishes_are_told_by_field(appmax: Appmax, wish: dict[str, Any], field: str) -> None:
    answer = appmax.call("POST", "/simulator/api/events", json=wish)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [field]
    assert appmax.control("GET", "deliveries") == []


# --- the pages -------------------------------------------------------------------------------------------------------


def test_the_form_sends_its_rows(appmax: Appmax, order_id: int, receiver: Receiver) -> None:
    form = {"order_id": str(order_id), "event1": "order_paid", "times1": "2", "event2": "", "times2": "1"}
    form |= {"event3": "order_approved", "arrangement": "reversed", "model": "standard", "delay": "0.01", "pause": "0"}
    answer = appmax.call("POST", "/send", data=form)
    assert answer.status_code == 303
    assert receiver.events(3) == ["OrderApproved", "OrderPaid", "OrderPaid"]
    assert "3 on their way" in appmax.call("GET", answer.headers["Location"]).text


@pytest.mark.parametrize(
    ("play", "names"),
    [
        ("in order", ["order_pix_created", "order_pix_expired"]),
        ("reversed", ["order_pix_expired", "order_pix_created"]),
        ("each twice", ["order_pix_created"] * 2 + ["order_pix_expired"] * 2),
    ],
)
def test_the_form_plays_a_sequence(appmax: Appmax, receiver: Receiver, play: str, names: list[str]) -> None:
    assert appmax.call("POST", "/send", data={"order_id": "7", "sequence": f"pix_expired:{play}"}).status_code == 303
    assert receiver.events(len(names)) == names


@pytest.mark.parametrize(
    "form", [{}, {"event1": "x", "delay": "soon"}, {"event1": "x", "times1": "0"}, {"sequence": "cheque:reversed"}]
)
def test_the_form_says_what_is_wrong(appmax: Appmax, form: dict[str, str]) -> None:
    answer = appmax.call("POST", "/send", data=form)
    assert answer.status_code == 422
    assert "Nothing was sent." in answer.text


def test_an_orders_page_sends_any_event(appmax: Appmax, order_id: int, receiver: Receiver) -> None:
    page = appmax.call("GET", f"/orders/{order_id}").text
    assert 'value="order_charge_back_gain"' in page
    answer = appmax.call("POST", f"/orders/{order_id}/events", data={"event": "order_refund", "model": "old_legacy"})
    assert answer.status_code == 303
    [told] = receiver.wait_for(1)
    assert told.body == {"event": "order_refund", "event_type": "order", "data": {"order_id": order_id}}
    appmax.deliveries("delivered", 1)
    assert "<code>order_refund</code>" in appmax.call("GET", f"/orders/{order_id}").text


@pytest.mark.parametrize("form", [{}, {"event": "flood"}, {"event": "order_paid", "model": "xml"}])
def test_an_orders_page_knows_its_events(appmax: Appmax, order_id: int, form: dict[str, str]) -> None:
    assert appmax.call("POST", f"/orders/{order_id}/events", data=form).status_code == 422


def test_an_orders_page_has_what_the_list_has(appmax: Appmax, merchant: str, order_id: int) -> None:
    appmax.pix(merchant, order_id)
    page = appmax.call("GET", f"/orders/{order_id}").text
    assert "Pay this Pix" in page
    answer = appmax.call("POST", f"/orders/{order_id}/pay", data={"from": "order"})
    assert answer.headers["Location"] == f"/orders/{order_id}"
    assert appmax.call("POST", f"/orders/{order_id}/refund").headers["Location"] == f"/orders#{order_id}"
    assert re.search(f'<tr id="{order_id}">', appmax.call("GET", "/orders").text)


def test_an_order_that_is_not_there_has_no_page(appmax: Appmax) -> None:
    assert appmax.call("GET", "/orders/1").status_code == 404
    assert appmax.call("POST", "/orders/1/events", data={"event": "order_paid"}).status_code == 404
