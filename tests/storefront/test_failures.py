"""What the demo shop does when the product says no, says nothing, or doesn't know."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from examples.storefront import backend
from tests.storefront.visitor import CARD, Product, Visitor, fields, status_of
from tests.support.documented import APPLE_PAY, GOOGLE_PAY

NOT_KNOWN = {"code": "outcome_unknown", "message": "Appmax did not confirm the outcome"}
CARD_ROUTE = "pay/credit-card"
DECLINED = {"code": "payment_declined", "message": "payment declined"}


# --- the developer's matters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "answered", "words"),
    [
        (401, "invalid_api_key", 503, "The shop needs an API key"),
        (403, "installation_disabled", 503, "This merchant is disabled"),
        (404, "installation_not_found", 404, "The app doesn't know this merchant"),
    ],
)
@pytest.mark.parametrize("path", ["", "/checkout", "/orders"])
def test_what_a_developer_must_do_is_said(
    browser: Visitor, product: Product, path: str, status: int, code: str, answered: int, words: str
) -> None:
    browser.buy("pix")
    browser.add()
    for route in ("status/1", "status/77", "installments"):
        product.says(route, status, {"code": code, "message": "in the product's words"})

    page = browser.get(path)

    assert page.status_code == answered
    assert words in page.text
    assert "in the product&#39;s words" in page.text


def test_without_a_key_none_is_sent_and_a_typed_one_is_used_for_its_merchant(
    open_storefront: Callable[..., str], product: Product
) -> None:
    browser = Visitor(open_storefront(APP_URL=product.url))
    browser.get()
    assert product.asked[-1].headers.get("Authorization") is None

    page = browser.post("/api-key", {"api_key": " typed-key "})
    assert page.url == browser.home
    assert product.asked[-1].headers["Authorization"] == "Api-Key typed-key"
    assert "typed-key" not in page.text

    browser.get(f"{browser.origin}/shop/other")
    assert product.asked[-1].headers.get("Authorization") is None


# --- before money is at stake ----------------------------------------------------------------------------------------


def test_a_product_that_is_away_still_lets_one_look_around(open_storefront: Callable[..., str]) -> None:
    browser = Visitor(open_storefront(APP_URL="http://127.0.0.1:1"))

    assert "The payment service doesn't answer." in browser.get().text
    browser.add()
    page = browser.post("/checkout", {**browser.checkout_form(), "method": "pix"})
    assert page.status_code == 503
    assert "nothing was charged" in page.text


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_order_that_could_not_be_made_may_be_tried_again(browser: Visitor, product: Product, status: int) -> None:
    product.says("order", status, {"message": "no"}, times=1)
    first = browser.buy("pix")
    assert first.status_code == 503

    again = browser.post("/checkout", {**fields(first.text), "method": "pix"})

    assert status_of(again.text)[0] == "pendente"
    assert len(product.posts("pay/pix")) == 1


def test_an_order_of_unknown_outcome_gets_a_new_key_and_one_that_certainly_failed_keeps_it(
    browser: Visitor, product: Product
) -> None:
    product.says("order", 503, {"code": "appmax_rate_limited", "message": "slow down"}, times=1)
    form = fields(browser.buy("pix").text) | {"method": "pix"}
    product.says("order", 504, NOT_KNOWN, times=1)
    browser.post("/checkout", form)
    browser.post("/checkout", form)

    first, second, third = [asked.headers["Idempotency-Key"] for asked in product.posts("order")]
    assert first == second != third


def test_fields_that_the_product_refuses_are_marked(browser: Visitor, product: Product) -> None:
    errors = {"customer.phone": ["must have at most 11 digits"]}
    product.says("order", 400, {"message": "customer.phone: must have at most 11 digits", "errors": errors})

    page = browser.buy("pix")

    assert page.status_code == 422
    assert 'id="phone-note"' in page.text
    assert product.posts("pay/pix") == []


def test_a_form_without_a_cards_token_charges_nothing(browser: Visitor, product: Product) -> None:
    page = browser.buy("card", card_token="")

    assert page.status_code == 422
    assert "Nothing was charged." in page.text
    assert product.posts(CARD_ROUTE) == product.posts("order") == []


def test_the_charge_has_a_token_and_nothing_of_the_card(browser: Visitor, product: Product) -> None:
    browser.buy("card")

    [charge] = product.posts(CARD_ROUTE)
    assert charge.body["payment"] == {
        "token": "card-token",
        "holder_document_number": "529.982.247-25",
        "installments": 1,
    }
    assert (charge.body["order_id"], charge.body["customer_id"]) == (77, 7)


GOOGLE = GOOGLE_PAY["payment_data"]
APPLE = {
    "paymentData": APPLE_PAY["payment_data"],
    "paymentMethod": APPLE_PAY["payment_method"],
    "transactionIdentifier": APPLE_PAY["transaction_identifier"],
}


@pytest.mark.parametrize(
    ("token", "route", "parts"), [(GOOGLE, "pay/google-pay", GOOGLE_PAY), (APPLE, "pay/apple-pay", APPLE_PAY)]
)
def test_a_wallets_token_is_passed_on_as_it_came(
    browser: Visitor, product: Product, token: Any, route: str, parts: Any
) -> None:
    page = browser.buy("pix", wallet_token=json.dumps(token))

    assert page.url.endswith("/orders/77")
    [charge] = product.posts(route)
    assert charge.body["payment"] == {**parts, "holder_document_number": "529.982.247-25", "installments": 1}
    assert product.posts("pay/pix") == []


@pytest.mark.parametrize("token", ["x", "[]", '{"paymentData": {}}', '"text"'])
def test_what_is_no_wallets_token_pays_nothing(browser: Visitor, product: Product, token: str) -> None:
    assert browser.buy("pix", wallet_token=token).status_code == 422
    assert product.posts("order") == []


@pytest.mark.parametrize(
    ("environment", "origin"),
    [
        ("production", "https://scripts.appmax.com.br"),
        ("sandbox", "https://scripts.sandboxappmax.com.br"),
    ],
)
def test_the_page_and_its_policy_name_the_environments_script(
    browser: Visitor, product: Product, environment: str, origin: str
) -> None:
    product.says("", 200, {"external_id": "the-external-id", "environment": environment})
    browser.add()

    page = browser.get("/checkout")

    assert f'<script src="{origin}/appmax.min.js"' in page.text
    assert 'data-external-id="the-external-id"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert f"script-src 'self' {origin}; connect-src 'self' {origin}; frame-src {origin}" in policy
    assert origin not in browser.get("/cart").headers["Content-Security-Policy"]


# --- when money is at stake ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, NOT_KNOWN),
        (504, NOT_KNOWN),
        (500, {"code": "internal_error", "message": "internal server error"}),
        (504, "<html>a proxy says this</html>"),
        (200, "<html>not JSON</html>"),
        (409, {"code": "payment_under_way", "message": "a payment of this order is under way"}),
        (None, None),  # the connection is closed without an answer
    ],
)
@pytest.mark.parametrize(("method", "route"), [("card", CARD_ROUTE), ("pix", "pay/pix"), ("boleto", "pay/boleto")])
def test_an_unknown_outcome_is_being_confirmed_and_not_paid_again(
    browser: Visitor, product: Product, method: str, route: str, status: int | None, body: Any
) -> None:
    product.says(route, status, body)

    page = browser.buy(method)
    browser.post(f"{page.url}/pay", {"attempt": "0" * 32, "method": "pix"})

    assert status_of(page.text) == ("pendente", "Being confirmed")
    assert len(product.posts(route)) == 1
    assert "It is empty." in browser.get("/cart").text


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            422,
            DECLINED,
            "The payment was declined, and nothing was charged.",
        ),
        (
            422,
            {**DECLINED, "reason": "Saldo"},
            "The payment was declined (Saldo).",
        ),
        (
            400,
            {"code": "invalid_fields", "message": "soft_descriptor is too long"},
            "accepted (soft_descriptor is too long)",
        ),
        (429, {"code": "too_many_requests", "message": "slow down"}, "couldn&#39;t be made just now"),
        (
            503,
            {"code": "database_unavailable", "message": "the database is not available"},
            "couldn&#39;t be made just now",
        ),
        (502, {"code": "appmax_unavailable", "message": "Appmax is not available"}, "couldn&#39;t be made just now"),
        (504, {"code": "appmax_timeout", "message": "Appmax did not answer in time"}, "couldn&#39;t be made just now"),
    ],
)
def test_a_payment_that_certainly_failed_may_be_tried_again_with_a_new_key(
    browser: Visitor, product: Product, status: int, body: Any, words: str
) -> None:
    product.says(CARD_ROUTE, status, body, times=1)

    failed = browser.buy("card")
    assert words in failed.text
    paid = browser.post(failed.url, {**fields(failed.text), **CARD, "method": "card"})

    assert paid.url.endswith("/orders/77")
    first, second = [asked.headers["Idempotency-Key"] for asked in product.posts(CARD_ROUTE)]
    assert first != second
    assert len(product.posts("order")) == 1


def test_a_request_that_still_runs_is_waited_for_with_the_same_key(
    browser: Visitor, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "PAUSE_SECONDS", 0.01)
    product.says("pay/pix", 409, {"code": "idempotency_key_in_use", "message": "still running"}, times=2)

    page = browser.buy("pix")

    assert "00020126" in page.text
    assert len({asked.headers["Idempotency-Key"] for asked in product.posts("pay/pix")}) == 1
    assert len(product.posts("pay/pix")) == 3


def test_asking_again_sends_the_very_same_request(browser: Visitor, product: Product) -> None:
    product.says(CARD_ROUTE, 504, NOT_KNOWN, times=1)
    page = browser.buy("card")

    browser.post(f"{page.url}/ask-again")
    browser.post(f"{page.url}/ask-again")  # it is known now, and not asked any more

    first, second = product.posts(CARD_ROUTE)
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


# --- the status ------------------------------------------------------------------------------------------------------


def test_a_status_that_cant_be_asked_for_is_not_made_up(browser: Visitor, product: Product) -> None:
    page = browser.buy("pix")
    for route in ("status/77", "orders/77"):
        product.says(route, 503, {"message": "the database is not available"})

    assert status_of(browser.get(page.url).text) == ("", "We can't tell right now")
    assert browser.get(f"{page.url}/pay").status_code == 503


@pytest.mark.parametrize(
    ("status", "label"),
    [
        ("recusado_por_risco", "Refused"),
        ("estornado", "Refunded"),
        ("integrado", "Paid, being packed"),
        ("chargeback_perdido", "Paid back"),
        ("something_new", "We can't tell right now"),
    ],
)
def test_a_status_is_told_in_a_shoppers_words(browser: Visitor, product: Product, status: str, label: str) -> None:
    page = browser.buy("pix")
    product.order_is(status)

    assert status_of(browser.get(page.url).text) == (status, label)


# --- the offer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "words", "offered_again"),
    [
        (
            422,
            {**DECLINED, "reason": "Saldo"},
            "be added (Saldo)",
            False,
        ),
        (409, {"code": "already_paid", "message": "this upsell is already paid"}, "still confirming your extra", False),
        (504, NOT_KNOWN, "still confirming your extra", False),
        (None, None, "still confirming your extra", False),
        (503, {"code": "appmax_rate_limited", "message": "slow down"}, "nothing was charged. Please try again.", True),
    ],
)
def test_an_offer_that_fails_says_what_is_known(
    browser: Visitor, product: Product, status: int | None, body: Any, words: str, offered_again: bool
) -> None:
    product.says("upsell", status, body)
    product.order_is("aprovado")
    page = browser.buy("card")

    after = browser.post(f"{page.url}/offer", {"answer": "yes"}).text

    assert words in after
    assert ("Add it with one click" in after) is offered_again


def test_a_place_to_go_that_is_no_web_address_is_not_linked(browser: Visitor, product: Product) -> None:
    product.says("upsell", 200, {"message": "ok", "redirect_url": "javascript:alert(1)"})
    product.order_is("aprovado")
    page = browser.buy("card")

    assert "javascript:" not in browser.post(f"{page.url}/offer", {"answer": "yes"}).text
