"""Google Pay and Apple Pay at the simulated Appmax."""

from typing import Any

import pytest
import requests

from tests.simulator.conftest import CPF, Appmax, card_fields
from tests.support.documented import APPLE_PAY, GOOGLE_PAY

PAYMENT_GATEWAY = {"type": "PAYMENT_GATEWAY"}


@pytest.fixture
def order_id(appmax: Appmax, merchant: str) -> int:
    return appmax.new_order(merchant)


def pay(appmax: Appmax, merchant: str, order_id: int, wallet: str, **changes: Any) -> requests.Response:
    """Pay with the documented token of `google_pay` or `apple_pay`."""
    token, number = (GOOGLE_PAY, 1) if wallet == "google_pay" else (APPLE_PAY, "1")
    body = appmax.card_body(order_id)
    fields = {"installments": number, "holder_document_number": CPF, **token, **changes}
    body["payment_data"] = {wallet: {name: value for name, value in fields.items() if value is not None}}
    return appmax.call("POST", f"/v1/payments/{wallet.replace('_', '-')}", merchant, json=body)


@pytest.mark.parametrize("wallet", ["google_pay", "apple_pay"])
def test_a_token_pays_once(appmax: Appmax, merchant: str, wallet: str) -> None:
    first, second = appmax.new_order(merchant), appmax.new_order(merchant)

    paid, again = (pay(appmax, merchant, each, wallet) for each in (first, second))

    assert (paid.status_code, paid.json()["data"]["payment"]["status"]) == (201, "aprovado")
    assert (again.status_code, "token" in again.json()["errors"]["message"]) == (400, True)
    [charge] = appmax.kept(first)["payments"]
    assert (charge["method"], charge["card_brand"]) == (wallet, "visa")
    assert appmax.kept(second)["charges"] == 0
    assert appmax.read(merchant, first)["payment"]["method"] == "creditcard"


@pytest.mark.parametrize("wallet", ["google_pay", "apple_pay"])
def test_a_switch_declines(appmax: Appmax, merchant: str, order_id: int, wallet: str) -> None:
    appmax.control("POST", "settings", json={"cards": "declined"})

    assert pay(appmax, merchant, order_id, wallet).status_code == 402
    assert appmax.kept(order_id)["status"] == "cancelado"


@pytest.mark.parametrize(
    ("wallet", "changes", "field"),
    [
        ("google_pay", {"installments": "1"}, "installments"),
        ("google_pay", {"installments": 13}, "installments"),
        ("apple_pay", {"installments": 1}, "installments"),
        ("apple_pay", {"installments": "13"}, "installments"),
        ("google_pay", {"holder_document_number": None}, "holder_document_number"),
        ("apple_pay", {"soft_descriptor": "x" * 14}, "soft_descriptor"),
    ],
)
def test_wrong_fields_are_named(
    appmax: Appmax, merchant: str, order_id: int, wallet: str, changes: dict[str, Any], field: str
) -> None:
    answer = pay(appmax, merchant, order_id, wallet, **changes)

    assert (answer.status_code, list(answer.json()["errors"]["message"])) == (422, [field])


@pytest.mark.parametrize(
    ("wallet", "changes", "message"),
    [
        ("google_pay", {"payment_data": {}}, "Invalid Google Pay token"),
        ("google_pay", {"payment_data": {**GOOGLE_PAY["payment_data"], "info": {}}}, "Invalid Google Pay token"),
        (
            "google_pay",
            {
                "payment_data": {
                    **GOOGLE_PAY["payment_data"],
                    "tokenizationData": {**PAYMENT_GATEWAY, "token": {}},
                }
            },
            "Invalid Google Pay token",
        ),
        ("apple_pay", {"payment_data": {**APPLE_PAY["payment_data"], "header": {}}}, "Invalid Apple Pay token"),
        ("apple_pay", {"transaction_identifier": None}, "Invalid Apple Pay token"),
        ("google_pay", {"holder_document_number": "12345678900"}, "Document number invalid"),
    ],
)
def test_what_is_no_token_is_refused(
    appmax: Appmax, merchant: str, order_id: int, wallet: str, changes: dict[str, Any], message: str
) -> None:
    answer = pay(appmax, merchant, order_id, wallet, **changes)

    assert (answer.status_code, answer.json()["errors"]["message"]) == (400, message)
    assert appmax.kept(order_id)["payments"] == []


def test_the_log_keeps_no_token(appmax: Appmax, merchant: str, order_id: int) -> None:
    secrets = {"data": "bhZ2cOku" * 40, "signature": "MIAGCSqG" * 40}
    pay(appmax, merchant, order_id, "apple_pay", payment_data={**APPLE_PAY["payment_data"], **secrets})
    pay(appmax, merchant, order_id, "google_pay")

    log = appmax.call("GET", "/simulator/api/log").text
    for secret in ("bhZ2cOku", "MIAGCSqG", "examplePaymentMethodToken"):
        assert secret not in log


# --- in a shop's page ------------------------------------------------------------------------------------------------

EXTERNAL_ID = "0b1c8f5e-6a0c-4f43-9a4e-0c5d1a7f2b3d"
CARD = {
    "number": "4000000000000010",
    "cvv": "1",
    "holder_name": "ANA",
    "expiration_month": "1",
    "expiration_year": "39",
}


def from_a_page(appmax: Appmax, path: str, external_id: str, body: Any) -> requests.Response:
    headers = {"external-id": external_id, "Origin": "http://shop.example.com"}
    return appmax.http.post(appmax.url + path, json=body, headers=headers, timeout=5)


def test_a_page_makes_a_card_token_for_the_store_that_it_names(appmax: Appmax, merchant: str, order_id: int) -> None:
    external_id = appmax.state.identities["shop"] = EXTERNAL_ID
    body = {"payment_data": {"credit_card": card_fields()}}

    answer = from_a_page(appmax, "/v1/payments/tokenize", external_id, body)

    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert appmax.card(merchant, order_id, token=answer.json()["data"]["token"]).status_code == 201


@pytest.mark.parametrize("path", ["/v1/payments/tokenize", "/v1/apple-pay/merchant-session"])
def test_an_external_id_that_nobody_has_is_not_found(appmax: Appmax, merchant: str, path: str) -> None:
    answer = from_a_page(appmax, path, EXTERNAL_ID, {})

    assert (answer.status_code, answer.json()) == (404, {"message": "Merchant not found"})


def test_a_browser_may_ask_beforehand_and_no_failure_is_used_up(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "faults", json={"path": "/v1/payments/tokenize", "status": 500})

    answer = appmax.call("OPTIONS", "/v1/payments/tokenize")

    assert answer.status_code == 200
    assert len(appmax.control("GET", "faults")) == 1


def test_a_store_is_known_after_a_restart(start: Any, appmax: Appmax, merchant: str) -> None:
    client_id, _ = appmax.merchant_credentials("shop")
    external_id = appmax.state.identities["shop"] = EXTERNAL_ID

    later = start(stores={client_id: external_id})

    assert from_a_page(later, "/v1/apple-pay/merchant-session", external_id, {}).status_code == 200


def test_the_script_and_apples_file_are_served(appmax: Appmax) -> None:
    script = appmax.call("GET", "/appmax.min.js")
    file = appmax.call("GET", "/.well-known/apple-developer-merchantid-domain-association")

    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "AppmaxScripts" in script.text
    assert (file.status_code, file.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, ()),
        ({"domain_name": "loja.example.com"}, ("loja.example.com",)),
        ({"domain_names": ["a.example.com", "b.example.com"]}, ("a.example.com", "b.example.com")),
        ({"domain_name": "https://loja.example.com"}, None),
        ({"domain_names": "loja.example.com"}, None),
    ],
)
def test_domain_names_are_host_names(appmax: Appmax, given: dict[str, Any], kept: Any) -> None:
    body = {"app_id": appmax.settings.app_id_uuid, "external_key": "shop", "url_callback": appmax.callback_url, **given}

    answer = appmax.call("POST", "/app/authorize", appmax.app_token(), json=body)

    assert answer.status_code == (422 if kept is None else 200)
    if kept is not None:
        authorization = appmax.state.authorization(answer.json()["data"]["token"])
        assert authorization is not None
        assert authorization.domain_names == kept
