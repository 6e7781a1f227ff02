"""The log of API calls: what it tells, and what never gets into it."""

import re
from typing import Any

import pytest
import requests

from simulator.api_log import MOST_CALLS, ApiLog, without_secrets
from tests.simulator.conftest import CPF, Appmax, card_fields

NUMBER, CVV, HOLDER = "5555444433332222", "9173", "BEATRIZ FIGUEIREDO"
PERSON = {
    "first_name": "Beatriz",
    "last_name": "Figueiredo",
    "email": "beatriz@example.com",
    "phone": "11955554444",
    "document_number": CPF,
    "address": {"street": "Rua das Acácias", "number": "1578"},
}


def _log(appmax: Appmax, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = appmax.control("GET", f"log{query}")
    return rows


def test_a_call_is_told(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    call = _log(appmax)[0]
    assert (call["method"], call["path"], call["status"], call["who"]) == ("POST", "/v1/orders", 201, "shop")
    assert call["request"]["products_value"] == 12990
    assert call["answer"] == {"data": {"order": {"id": order_id, "status": "pendente"}}}
    assert call["milliseconds"] >= 0
    assert call["at"].endswith("+00:00")


def test_it_says_who_asked(appmax: Appmax, merchant: str) -> None:
    appmax.call("GET", "/v1/orders/1", "made-up")
    appmax.ask_token("nobody", "wrong")
    appmax.app_token()
    assert [call["who"] for call in _log(appmax)[:3]] == ["app", "", ""]


def test_only_appmaxs_api_is_in_it(appmax: Appmax) -> None:
    appmax.control("GET", "health")
    appmax.call("GET", "/orders")
    assert _log(appmax) == []


def test_it_can_be_filtered_by_route_and_order(appmax: Appmax, merchant: str) -> None:
    first, second = appmax.new_order(merchant), appmax.new_order(merchant)
    for order_id in (first, second):
        appmax.pix(merchant, order_id)
        appmax.read(merchant, order_id)
    assert [call["route"] for call in _log(appmax, f"?order_id={first}")] == [
        "/v1/orders/",
        "/v1/payments/pix",
        "/v1/orders",
    ]
    assert {call["path"] for call in _log(appmax, "?route=/v1/orders/")} == {
        f"/v1/orders/{first}",
        f"/v1/orders/{second}",
    }
    assert len(_log(appmax, f"?route=/v1/payments/pix&order_id={second}")) == 1
    page = appmax.call("GET", f"/log?order_id={first}").text
    assert f"/v1/orders/{first}" in page
    assert f"/v1/orders/{second}" not in page


@pytest.mark.parametrize("path", ["/log", "/simulator/api/log"])
def test_an_orders_id_is_a_number(appmax: Appmax, path: str) -> None:
    assert appmax.call("GET", f"{path}?order_id=x").status_code == 422


def test_it_names_the_failure_that_struck(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.control("POST", "faults", json={"path": "/v1/payments/pix", "status": 504, "work": True})
    appmax.pix(merchant, order_id)
    assert (_log(appmax)[0]["status"], _log(appmax)[0]["fault"]) == (504, "the work is done, then 504")
    appmax.control("POST", "faults", json={"path": "/v1/payments/pix", "reset": True})
    with pytest.raises(requests.ConnectionError):
        appmax.pix(merchant, order_id)
    assert (_log(appmax)[0]["status"], _log(appmax)[0]["fault"]) == (0, "the connection is reset")
    assert "failure: the connection is reset" in appmax.call("GET", "/log").text


def test_reset_forgets_it(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "reset")
    assert _log(appmax) == []


def test_nothing_secret_or_personal_gets_into_it(appmax: Appmax) -> None:
    install = appmax.authorize()
    client_id, client_secret = appmax.generate(install).json()["data"]["client"].values()
    token = appmax.token(client_id, client_secret)
    customer_id = appmax.customer(token, **PERSON).json()["data"]["customer"]["id"]
    order_id = int(appmax.order(token, customer_id=customer_id).json()["data"]["order"]["id"])
    card = {"cvv": CVV, "holder_name": HOLDER, "holder_document_number": CPF}
    card_token = appmax.tokenize(token, NUMBER, cvv=CVV, holder_name=HOLDER).json()["data"]["token"]
    appmax.card(token, order_id, NUMBER, **card)
    appmax.card(token, order_id, token=card_token, number=None, cvv=None)
    upsell_hash = appmax.card(token, order_id).json()["data"]["payment"]["upsell_hash"]
    appmax.upsell(token, upsell_hash)
    appmax.pix(token, order_id)
    appmax.read(token, order_id)
    # Misplaced, misspelt, malformed: a number is cut wherever it stands.
    appmax.call("POST", "/v1/payments/tokenize", token, json={"numero": f"no. {NUMBER[:4]} {NUMBER[4:]}"})
    appmax.call("POST", "/v1/payments/tokenize", token, json={"numero": int(NUMBER), NUMBER: 1})
    appmax.call("POST", "/v1/payments/tokenize", token, data=f'{{"number": "{NUMBER}", "cvv": "{CVV}"')
    appmax.call("GET", f"/v1/orders/{NUMBER}", token)
    appmax.call("POST", "/v1/payments/pix", token, json={"order_id": int(NUMBER)})

    texts = appmax.call("GET", "/simulator/api/log").text, appmax.call("GET", "/log").text, repr(appmax.state.faults)
    secrets = [
        NUMBER,
        NUMBER[4:12],
        CVV,
        HOLDER,
        install,
        client_secret,
        token,
        card_token,
        upsell_hash,
        CPF,
        "app-secret",
    ]
    for secret in [*secrets, "beatriz", "Figueiredo", "11955554444", "Acácias", "1578", "737"]:
        assert not [text for text in texts if re.search(rf"(?<![0-9.]){re.escape(secret)}(?![0-9])", text)], secret
    assert "••• 2222" in texts[1]
    assert f"/v1/orders/{order_id}" in texts[1]


@pytest.mark.parametrize("name", [*card_fields(), "access_token", "client_secret", "email", "address", "upsell_hash"])
def test_fields_are_cut_by_their_names(name: str) -> None:
    value = card_fields().get(name, "something")
    cut = without_secrets({"a": [{name: value}]})["a"][0][name]
    assert cut == ("••• 0010" if name == "number" else "•••")


def test_long_values_and_bodies_are_cut_short() -> None:
    assert without_secrets({"picture": "x" * 5000})["picture"] == "x" * 60 + "... (5000 characters)"
    log = ApiLog()
    _add(log, {str(number): "y" * 150 for number in range(100)})
    assert str(log.latest()[0].request).endswith("characters)")


def test_only_the_newest_calls_are_kept() -> None:
    log = ApiLog()
    for number in range(MOST_CALLS + 5):
        _add(log, {"order_id": number})
    calls = log.latest()
    assert len(calls) == MOST_CALLS
    assert calls[0].order_ids == (MOST_CALLS + 4,)


def _add(log: ApiLog, request: Any) -> None:
    log.add(
        method="POST",
        route="/v1/orders",
        path="/v1/orders",
        status=201,
        milliseconds=1.0,
        who="shop",
        request=request,
        answer="",
        fault="",
    )
