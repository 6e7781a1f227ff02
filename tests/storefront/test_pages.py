"""Finding the demo shop, its languages, its cart, and what it makes of nonsense. The product is a stand-in."""

import re
from collections.abc import Callable

import pytest

from examples.storefront import backend
from examples.storefront.catalogue import CARD_WORDS, PRODUCTS
from examples.storefront.statuses import WORDS
from orders.status import OrderStatus
from simulator.cards import OUTCOMES
from simulator.records import Authorization
from simulator.scripts import ASSOCIATION
from simulator.server import SimulatorServer
from tests.storefront.visitor import CARD, Product, Visitor, fields
from web.codes import Code


@pytest.fixture
def beside_simulator(simulator: SimulatorServer, open_storefront: Callable[..., str], product: Product) -> Visitor:
    """In a shop that knows a simulated Appmax."""
    return Visitor(open_storefront(APP_URL=product.url, API_KEY="stand-in-key", SIMULATOR_URL=simulator.url))


def install(simulator: SimulatorServer, external_key: str, *, saved: bool = False, generated: bool = False) -> None:
    begun = Authorization(external_key, external_key, "http://127.0.0.1:1/", saved=saved, generated=generated)
    simulator.state.authorizations[external_key] = begun


# --- whose shop ------------------------------------------------------------------------------------------------------


def test_without_a_merchant_the_page_leads_to_the_install(browser: Visitor, product: Product) -> None:
    page = browser.get(f"{browser.origin}/shop")

    assert page.status_code == 200
    assert f'href="{product.url}/install/start"' in page.text


def test_the_newest_installation_is_the_shop(beside_simulator: Visitor, simulator: SimulatorServer) -> None:
    install(simulator, "older", generated=True)
    install(simulator, "newer", saved=True)
    install(simulator, "only-begun")

    origin = beside_simulator.origin
    assert beside_simulator.get(f"{origin}/").url == f"{origin}/shop/newer"


def test_a_simulator_that_is_away_is_no_hindrance(open_storefront: Callable[..., str], product: Product) -> None:
    origin = open_storefront(APP_URL=product.url, API_KEY="stand-in-key", SIMULATOR_URL="http://127.0.0.1:1")
    browser = Visitor(origin)

    assert "No merchant has installed the app yet" in browser.get(f"{origin}/shop").text
    page = browser.buy("pix")
    assert "00020126" in page.text
    assert "you are the bank" not in page.text
    paid = browser.post(f"{page.url}/bank", {"act": "pay", "method": "pix"})
    assert "The simulated Appmax doesn&#39;t answer." in paid.text


def test_without_a_simulator_nothing_is_simulated(browser: Visitor) -> None:
    page = browser.buy("pix")
    browser.add()
    text = page.text + browser.get("/checkout").text

    for word in ("imulat", "you are the bank", "Test cards"):
        assert word not in text


def test_with_a_simulator_each_page_says_so_and_leads_to_it(
    beside_simulator: Visitor, simulator: SimulatorServer
) -> None:
    text = beside_simulator.get().text

    assert "Appmax is simulated here. No real money moves." in text
    assert f'href="{simulator.url}/deliveries"' in text


def test_after_a_restart_the_browser_leads_to_its_shop(browser: Visitor) -> None:
    browser.post(f"{browser.origin}/shop", {"external_key": "mine"})

    assert browser.get(f"{browser.origin}/shop").url == f"{browser.origin}/shop/mine"


@pytest.mark.parametrize("external_key", ["", " ", "a/b", "..", "x" * 256])
def test_what_cant_be_an_external_key_is_refused(browser: Visitor, external_key: str) -> None:
    page = browser.post(f"{browser.origin}/shop", {"external_key": external_key})

    assert page.status_code == 422
    assert "This can&#39;t be an external_key." in page.text


def test_an_external_key_is_quoted_in_the_products_path(browser: Visitor, product: Product) -> None:
    browser.get(f"{browser.origin}/shop/caf%C3%A9%3F%20&co")

    assert product.asked[-1].path == "/checkout/caf%C3%A9%3F%20%26co/status/1"


def test_an_order_is_of_the_shop_that_it_was_made_in(browser: Visitor) -> None:
    page = browser.buy("pix")
    number = page.url.rpartition("/")[2]

    assert browser.get(f"{browser.origin}/shop/other/orders/{number}").status_code == 404
    assert number not in browser.get(f"{browser.origin}/shop/other/orders").text


# --- language --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wished", "language", "words", "price"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR", "Pôr no carrinho", "R$\xa01.129,00"),
        ("pt", "pt-BR", "Pôr no carrinho", "R$\xa01.129,00"),
        ("en-GB", "en", "Add to cart", "R$1,129.00"),
        ("de", "en", "Add to cart", "R$1,129.00"),
    ],
)
def test_the_shop_speaks_the_browsers_language(
    visit: Callable[..., Visitor], wished: str, language: str, words: str, price: str
) -> None:
    text = visit(language=wished).get().text

    assert f'<html lang="{language}">' in text
    assert words in text
    assert price in text


def test_every_status_has_a_shoppers_words() -> None:
    assert set(WORDS) == set(OrderStatus.values)


def test_every_code_that_the_shop_knows_is_one_of_the_products() -> None:
    assert set(backend.NOTHING_HAPPENED) <= set(Code)


def test_every_test_card_has_words() -> None:
    assert set(CARD_WORDS) == set(OUTCOMES)


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", *(f"/products/{sku}" for sku in PRODUCTS), "/cart", "/checkout", "/orders"])
def test_a_page_has_a_title_and_fetches_nothing_from_elsewhere(browser: Visitor, path: str) -> None:
    browser.add()
    page = browser.get(path)

    assert page.status_code == 200
    assert "· Grão &amp; Prosa</title>" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' data: https:;")
    assert 'src="http' not in page.text
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("file", ["shop.css", "shop.js"])
def test_style_and_script_are_served(browser: Visitor, file: str) -> None:
    assert browser.get(f"{browser.origin}/static/{file}").status_code == 200


def test_the_cart_adds_up(browser: Visitor) -> None:
    browser.add("CAF-250", 2)
    browser.add("CAF-250", 1)
    text = browser.post("/coupon", {"coupon": " bemvindo10 "}).text

    for amount in ("R$119.70", "−R$11.97", "R$19.90", "R$127.63"):
        assert amount in text


def test_large_orders_travel_free(browser: Visitor) -> None:
    assert "<dd>free</dd>" in browser.add("KIT-INI").text


def test_a_product_can_be_taken_out(browser: Visitor) -> None:
    browser.add()

    assert "It is empty." in browser.post("/cart/CAF-250", {"quantity": "0"}).text


def test_an_unknown_coupon_changes_nothing(browser: Visitor) -> None:
    browser.add()
    page = browser.post("/coupon", {"coupon": "FREE"})

    assert "There is no such coupon." in page.text
    assert "Discount" not in page.text


def test_an_empty_cart_has_no_checkout(browser: Visitor) -> None:
    assert browser.get("/checkout").url == f"{browser.home}/cart"


# --- nonsense --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/cart/CAF-250", {}, 422),
        ("/cart/CAF-250", {"add": "-1"}, 422),
        ("/cart/CAF-250", {"add": "1e9"}, 422),
        ("/cart/CAF-250", {"quantity": "²"}, 422),
        ("/cart/NONE", {"add": "1"}, 404),
        ("/checkout", {}, 400),
        ("/checkout", {"attempt": "g" * 32}, 400),
        ("/orders/1/pay", {"attempt": "0" * 32}, 404),
        ("/orders/1/bank", {"act": "pay", "method": "pix"}, 404),
        ("/orders/1/offer", {"answer": "yes"}, 404),
        ("/orders/1/ask-again", {}, 404),
        (f"/orders/{10**30}/ask-again", {}, 404),
        ("/api-key", {"api_key": ""}, 422),
        ("/api-key", {"api_key": "x" * 201}, 422),
        ("/api-key", {"api_key": "a\nb"}, 422),
        ("/api-key", {"api_key": "chavé"}, 422),
        ("/nothing", {}, 404),
    ],
)
def test_nonsense_is_refused(browser: Visitor, path: str, form: dict[str, str], status: int) -> None:
    assert browser.post(path, form).status_code == status


@pytest.mark.parametrize("act", [{}, {"act": "steal", "method": "pix"}, {"act": "pay", "method": "card"}])
def test_the_bank_does_two_things_only(browser: Visitor, act: dict[str, str]) -> None:
    page = browser.buy("pix")

    assert browser.post(f"{page.url}/bank", act).status_code == 422


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("first_name", " ", "Please fill in this field."),
        ("street", "x" * 256, "This is too long."),
        ("email", "ana@", "Please check this field."),
        ("phone", "123", "Please check this field."),
        ("document_number", "123.456.789-00", "Please check this field."),
        ("postcode", "0131", "Please check this field."),
        ("method", "cheque", "Please choose how to pay."),
        ("card_token", "x" * 256, "be checked just now. Nothing was charged."),
        ("installments", "13", "Please choose one of these."),
    ],
)
def test_a_wrong_field_is_told_before_anything_is_asked(
    browser: Visitor, product: Product, field: str, value: str, fault: str
) -> None:
    browser.add()
    form = {**browser.checkout_form(), **CARD, "method": "card", field: value}
    page = browser.post("/checkout", form)

    assert page.status_code == 422
    assert fault in page.text
    assert [asked.path for asked in product.asked if asked.method == "POST"] == []
    assert fields(page.text)["card_token"] == ""


def test_a_cards_fields_are_no_part_of_the_form_that_the_shop_gets(browser: Visitor) -> None:
    browser.add()
    page = browser.get("/checkout").text

    tags = {name: tag for tag in re.findall("<input [^>]*>", page) for name in re.findall(' name="([^"]*)"', tag)}
    for name in ("card-number", "card-holder-name", "exp-month", "exp-year", "cvv"):
        assert ' form="card"' in tags[name]
    assert '<form id="card" data-appmax-checkout method="dialog" hidden></form>' in page


def test_apples_file_is_the_simulated_appmaxs(browser: Visitor) -> None:
    answer = browser.get(f"{browser.origin}/.well-known/apple-developer-merchantid-domain-association")

    assert (answer.status_code, answer.history) == (200, [])
    assert answer.headers["Content-Type"].partition(";")[0] == "text/plain"
    assert answer.text == ASSOCIATION


def test_what_was_typed_is_shown_again_escaped(browser: Visitor) -> None:
    page = browser.buy("card", first_name='"><script>alert(1)</script>', email="x", **{"installments": "2"})

    assert "<script>alert(1)" not in page.text
    assert fields(page.text)["first_name"] == '"><script>alert(1)</script>'
    assert '<option value="2" selected>' in page.text


def test_what_the_product_says_is_escaped(browser: Visitor, product: Product) -> None:
    product.says(
        "pay/credit-card", 422, {"code": "payment_declined", "message": "payment declined", "reason": "<b>no</b>"}
    )

    page = browser.buy("card")

    assert "&lt;b&gt;no&lt;/b&gt;" in page.text
    assert "<b>no" not in page.text
