"""Bad luck, switched on by the control API."""

import time
from typing import Any

import pytest
import requests

from appmax.wording import error_message
from simulator import failures
from tests.simulator.conftest import Appmax

PIX = "/v1/payments/pix"
CARD = "/v1/payments/credit-card"


def _orders(appmax: Appmax) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = appmax.control("GET", "orders")
    return rows


def test_the_next_calls_answer_otherwise(appmax: Appmax, merchant: str) -> None:
    fault = {"path": "/v1/orders", "times": 2, "status": 429, "body": {"message": "x"}, "headers": {"Retry-After": "1"}}
    appmax.control("POST", "faults", json=fault)
    for _ in range(2):
        answer = appmax.order(merchant)
        assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (429, {"message": "x"}, "1")
        assert "X-Request-Id" in answer.headers
    assert _orders(appmax) == []
    assert appmax.order(merchant).status_code == 201


def test_a_text_comes_as_it_stands(appmax: Appmax) -> None:
    appmax.control("POST", "faults", json={"path": "/oauth2/token", "status": 502, "body": "<h1>Bad gateway</h1>"})
    answer = appmax.ask_token("app-client", "app-secret")
    assert (answer.status_code, answer.text) == (502, "<h1>Bad gateway</h1>")


def test_the_work_may_be_done_all_the_same(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": PIX, "status": 504, "work": True})
    assert appmax.pix(merchant, order_id).status_code == 504
    assert _orders(appmax)[0]["pix_emv"]


@pytest.mark.parametrize("work", [True, False])
def test_the_connection_may_break(appmax: Appmax, merchant: str, work: bool) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": PIX, "reset": True, "work": work})
    with pytest.raises(requests.ConnectionError):
        appmax.pix(merchant, order_id)
    assert bool(_orders(appmax)[0]["pix_emv"]) is work
    assert bool(appmax.pix(merchant, order_id).json()["data"]["payment"]["pix_emv"]) is not work


def test_an_answer_may_come_late(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "faults", json={"path": "/v1/customers", "hang": 0.2})
    started = time.monotonic()
    assert appmax.customer(merchant).status_code == 201
    assert time.monotonic() - started >= 0.2


def test_an_answer_may_never_come_though_the_work_is_done(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": PIX, "hang": 60, "work": True})
    body = {"order_id": order_id, "payment_data": {"pix": {"document_number": "52998224725"}}}
    headers = {"Authorization": f"Bearer {merchant}"}
    with pytest.raises(requests.ReadTimeout):
        appmax.http.post(appmax.url + PIX, json=body, headers=headers, timeout=0.3)
    assert _orders(appmax)[0]["pix_emv"]


def test_a_fault_can_be_meant_for_one_method_or_all_beneath_a_path(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "faults", json={"path": "/v1/orders/", "method": "get", "status": 500})
    order_id = appmax.new_order(merchant)
    assert appmax.call("GET", f"/v1/orders/{order_id}", merchant).status_code == 500
    assert appmax.call("GET", f"/v1/orders/{order_id}", merchant).status_code == 200


def test_a_fault_can_be_meant_for_one_order(appmax: Appmax, merchant: str) -> None:
    order_id, other = appmax.new_order(merchant), appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": f"/v1/orders/{order_id}", "method": "GET", "status": 503})
    assert appmax.call("GET", f"/v1/orders/{other}", merchant).status_code == 200
    assert appmax.call("GET", f"/v1/orders/{order_id}", merchant).status_code == 503


# --- cards: what the app isn't told has happened all the same --------------------------------------------------------


@pytest.mark.parametrize("work", [True, False])
def test_504_after_charging_and_before(appmax: Appmax, merchant: str, work: bool) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": CARD, "status": 504, "work": work})
    assert appmax.card(merchant, order_id).status_code == 504
    assert appmax.kept(order_id)["charges"] == work
    assert appmax.read(merchant, order_id)["order"]["status"] == ("aprovado" if work else "pendente")


@pytest.mark.parametrize("work", [True, False])
def test_a_reset_after_charging_and_before(appmax: Appmax, merchant: str, work: bool) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": CARD, "reset": True, "work": work})
    with pytest.raises(requests.ConnectionError):
        appmax.card(merchant, order_id)
    assert appmax.kept(order_id)["charges"] == work


def test_a_hang_after_charging(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": CARD, "hang": 60, "work": True})
    headers, body = {"Authorization": f"Bearer {merchant}"}, appmax.card_body(order_id)
    with pytest.raises(requests.ReadTimeout):
        appmax.http.post(appmax.url + CARD, json=body, headers=headers, timeout=0.3)
    assert appmax.kept(order_id)["charges"] == 1


def test_a_decline_may_be_hidden_by_a_fault_too(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": CARD, "status": 504, "work": True})
    assert appmax.card(merchant, order_id, "4000000000000028").status_code == 504
    assert appmax.read(merchant, order_id)["order"]["status"] == "cancelado"


@pytest.mark.parametrize("status", [401, 429])
def test_a_call_that_is_turned_away_charges_nothing(appmax: Appmax, merchant: str, status: int) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": CARD, "status": status, "headers": {"Retry-After": "1"}})
    assert appmax.card(merchant, order_id).status_code == status
    assert appmax.kept(order_id)["payments"] == []
    assert appmax.card(merchant, order_id).status_code == 201


# --- the control API and the page ------------------------------------------------------------------------------------


def test_faults_can_be_listed_and_cleared(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "faults", json={"path": "/v1/customers", "status": 500})
    assert [fault["path"] for fault in appmax.control("GET", "faults")] == ["/v1/customers"]
    appmax.control("DELETE", "faults")
    assert appmax.customer(merchant).status_code == 201


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"path": "/v1/orders"},
        {"path": "v1", "status": 500},
        {"path": 5, "status": 500},
        {"path": "/v1/orders", "status": "500"},
        {"path": "/v1/orders", "status": 99},
        {"path": "/v1/orders", "status": 500, "times": True},
        {"path": "/v1/orders", "hang": -1},
        {"path": "/v1/orders", "status": 500, "colour": "red"},
    ],
)
def test_a_malformed_fault_is_refused(appmax: Appmax, fault: dict[str, object]) -> None:
    answer = appmax.call("POST", "/simulator/api/faults", json=fault)
    assert answer.status_code == 422
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ("504 after charging", {"status": 504, "work": True, "hang": 0, "reset": False}),
        ("504 before charging", {"status": 504, "work": False, "hang": 0, "reset": False}),
        ("hang 40 s after charging", {"status": 0, "work": True, "hang": 40, "reset": False}),
        ("connection reset after charging", {"status": 0, "work": True, "hang": 0, "reset": True}),
        ("429 with Retry-After: 2", {"status": 429, "work": False, "headers": {"Retry-After": "2"}}),
        ("401", {"status": 401, "work": False}),
        ("slow: 6 s", {"status": 0, "work": False, "hang": 6, "reset": False}),
        ("connection reset before charging", {"reset": True, "work": False}),
        ("truncated JSON after charging", {"status": 201, "work": True, "body": '{"data": {"pay'}),
        ("data: []", {"status": 200, "work": True, "body": {"data": []}}),
        ("success: false with 200", {"status": 200, "work": False}),
        ("503 in a shape", {"status": 503, "work": False, "body": {"message": "Service unavailable"}}),
    ],
)
def test_the_page_switches_a_failure_on(appmax: Appmax, failure: str, expected: dict[str, Any]) -> None:
    assert failure in appmax.call("GET", "/switches").text
    appmax.call("POST", "/faults", data={"route": CARD, "failure": failure})
    [fault] = appmax.control("GET", "faults")
    assert fault.items() >= {"path": CARD, "method": "POST", "times": 1, **expected}.items()
    assert f"POST {CARD}" in appmax.call("GET", "/switches").text


def test_the_page_switches_a_failure_on_for_each_route(appmax: Appmax) -> None:
    appmax.call("POST", "/faults", data={"route": "", "failure": "401"})
    paths = {fault["path"] for fault in appmax.control("GET", "faults")}
    assert paths >= {CARD, PIX, "/v1/payments/boleto", "/v1/orders/upsell", "/v1/orders/refund-request"}


def test_the_page_clears_them(appmax: Appmax) -> None:
    appmax.call("POST", "/faults", data={"failure": "401"})
    assert appmax.call("POST", "/faults/clear").status_code == 303
    assert appmax.control("GET", "faults") == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"failure": "flood"},
        {"failure": "401", "route": "/orders"},
        {"failure": "401", "times": "often"},
        {"failure": "401", "times": "-1"},
        {"failure": "500 in a shape", "shape": "round"},
        {"failure": "401", "colour": "red"},
    ],
)
def test_the_page_knows_its_failures_and_routes(appmax: Appmax, form: dict[str, str]) -> None:
    assert appmax.call("POST", "/faults", data=form).status_code == 422
    assert appmax.control("GET", "faults") == []


# --- by name ---------------------------------------------------------------------------------------------------------


def test_a_failure_may_stay_until_it_is_switched_off(appmax: Appmax, merchant: str) -> None:
    [fault] = appmax.control("POST", "faults", json={"failure": "401", "route": "/v1/customers", "times": 0})
    assert [appmax.customer(merchant).status_code for _ in range(5)] == [401] * 5
    assert "until switched off" in appmax.call("GET", "/switches").text
    appmax.control("DELETE", f"faults/{fault['id']}")
    assert appmax.customer(merchant).status_code == 201
    assert appmax.call("DELETE", f"/simulator/api/faults/{fault['id']}").status_code == 404


def test_the_page_switches_one_off_and_leaves_the_others(appmax: Appmax) -> None:
    first, _ = (appmax.control("POST", "faults", json={"failure": "401", "route": path})[0] for path in (CARD, PIX))
    assert appmax.call("POST", f"/faults/{first['id']}/remove").status_code == 303
    assert [fault["path"] for fault in appmax.control("GET", "faults")] == [PIX]


def test_three_times_is_three_times(appmax: Appmax, merchant: str) -> None:
    appmax.call("POST", "/faults", data={"failure": "401", "route": "/v1/customers", "times": "3"})
    assert [appmax.customer(merchant).status_code for _ in range(4)] == [401, 401, 401, 201]


@pytest.mark.parametrize("route", failures.ROUTES)
def test_every_route_can_fail(appmax: Appmax, merchant: str, route: str) -> None:
    appmax.control("POST", "faults", json={"failure": "503 in a shape", "route": route})
    path = route + "1" * route.endswith("/")
    answer = appmax.call(failures.ROUTES[route], path, merchant)
    assert (answer.status_code, answer.json()) == (503, {"message": "Service unavailable"})


def test_a_failure_of_an_orders_status_spares_its_refund(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "faults", json={"failure": "401", "route": "/v1/orders/", "times": 0})
    assert appmax.refund(merchant, 1, type="total").status_code == 404
    assert appmax.call("GET", "/v1/orders/1", merchant).status_code == 401


@pytest.mark.parametrize("shape", failures.ERROR_SHAPES)
def test_the_product_reads_the_message_of_every_error_shape(appmax: Appmax, merchant: str, shape: str) -> None:
    wish = {"failure": "422 in a shape", "route": PIX, "shape": shape}
    appmax.control("POST", "faults", json=wish)
    answer = appmax.pix(merchant, 1)
    assert answer.status_code == 422
    assert "The given data was invalid" in error_message(answer.json())
    assert ("Retry-After" in answer.headers) is (shape == "retryAfter")


@pytest.mark.parametrize(
    ("failure", "text"), [("HTML instead of JSON", "<h1>"), ("truncated JSON after charging", '{"data": {"pay')]
)
def test_an_answer_may_be_unreadable_though_the_work_is_done(
    appmax: Appmax, merchant: str, failure: str, text: str
) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"failure": failure, "route": CARD})
    assert text in appmax.card(merchant, order_id).text
    assert appmax.kept(order_id)["charges"] == 1
