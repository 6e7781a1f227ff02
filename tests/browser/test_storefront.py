"""The whole story in a real browser: a shopper buys in the demo shop, the bank pays, staff look it up and refund."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from installations.models import Installation
from notifications import delivery
from orders.models import Order
from simulator.server import SimulatorServer
from tests.browser.conftest import picture
from tests.browser.test_merchant import check
from tests.storefront.server import serving
from tests.support.factories import api_key
from tests.webhooks.conftest import send

pytestmark = pytest.mark.django_db(transaction=True)

APPROVED, DECLINED = "4000000000000010", "4000000000000028"


@pytest.fixture
def open_shop(
    open_page: Callable[..., Page], live_server: Any, origins: list[str], appmax: SimulatorServer, shop: Installation
) -> Iterator[Callable[..., Page]]:
    """Open the demo shop of an installed merchant, with an API key."""
    appmax.state.identities[shop.external_key] = str(shop.external_id)
    with serving(APP_URL=live_server.url, SIMULATOR_URL=appmax.url, API_KEY=api_key(shop)) as origin:
        origins.append(origin)
        yield lambda **options: open_page(f"{origin}/shop/{shop.external_key}", **options)


@pytest.fixture
def shopper(open_shop: Callable[..., Page]) -> Page:
    """In the shop, with one product in the cart, at the checkout."""
    page = open_shop()
    page.get_by_role("button", name="Pôr no carrinho").first.click()
    page.get_by_role("link", name="Finalizar compra").click()
    page.wait_for_url("**/checkout")  # and until its scripts have run
    return page


def pay_by(page: Page, method: str, number: str = "") -> None:
    """Choose how to pay, and send the form."""
    page.locator(f"input[name=method][value={method}]").check()
    if number:
        page.fill("#card_number", number)
        page.fill("#cvv", "123")
    page.locator("form.columns button[type=submit]").click()


def expect_status(page: Page, status: str) -> None:
    """The order's page shows it, without being loaded again."""
    expect(page.locator("#status")).to_have_attribute("data-status", status)


def test_a_pix_is_paid_and_shown_as_paid_in_shop_and_back_office(shopper: Page, staff: Callable[..., Page]) -> None:
    pay_by(shopper, "pix")
    expect_status(shopper, "pendente")
    expect(shopper.get_by_alt_text("QR code")).to_be_visible()
    expect(shopper.locator("#countdown")).to_be_visible()
    picture(shopper, "shop-pix")

    shopper.get_by_role("button", name="Pagar este Pix").click()

    expect_status(shopper, "aprovado")
    picture(shopper, "shop-pix-paid")
    order = Order.objects.get()
    page = staff(f"/admin/orders/order/{order.pk}/change/")
    expect(page.locator(".timeline li").filter(has_text="order_paid_by_pix")).to_be_visible()
    expect(page.get_by_text("Aprovado").first).to_be_visible()


def test_the_page_turns_to_paid_because_the_shop_was_told(
    open_page: Callable[..., Page],
    live_server: Any,
    origins: list[str],
    appmax: SimulatorServer,
    shop: Installation,
    settings: Any,
) -> None:
    """The page gets no answer when it asks for the status, so only the message can have turned it."""
    settings.NOTIFY_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with serving(APP_URL=live_server.url, SIMULATOR_URL=appmax.url, API_KEY=api_key(shop), OWN_URL="own") as origin:
        origins.append(origin)
        page = open_page(f"{origin}/shop/{shop.external_key}")
        page.get_by_role("button", name="Pôr no carrinho").first.click()
        page.get_by_role("link", name="Finalizar compra").click()
        page.route("**/status.json", lambda route: None)  # It is never answered.
        pay_by(page, "pix")
        expect_status(page, "pendente")
        with page.expect_request("**/status.json"):  # By then the page listens.
            pass
        appmax.state.orders[Order.objects.get().appmax_order_id].settle(0, method="pix", paid=True)
        send("order_paid_by_pix", Order.objects.get().appmax_order_id)
        assert delivery.deliver_due() == {"delivered": 1}
        expect_status(page, "aprovado")


def test_the_card_goes_from_the_browser_to_appmax_and_never_to_the_shop(shopper: Page, appmax: SimulatorServer) -> None:
    sent: list[tuple[str, str]] = []
    shopper.on("request", lambda request: sent.append((request.url, request.post_data or "")))

    pay_by(shopper, "card", APPROVED)

    expect_status(shopper, "aprovado")
    assert [url for url, body in sent if APPROVED in body] == [f"{appmax.url}/v1/payments/tokenize"]
    assert any("card_token" in body for url, body in sent if url.endswith("/checkout"))


def test_appmaxs_script_may_be_started_in_both_documented_forms(shopper: Page) -> None:
    """https://docs.appmax.com.br/guides/appmax-js: five arguments, which are told the token as a text, or an object."""
    shopper.evaluate("""document.body.innerHTML = `<form data-appmax-checkout>
        <input name="card-number" value="4000000000000010"><input name="card-holder-name" value="Ana">
        <input name="exp-month" value="12"><input name="exp-year" value="39"><input name="cvv" value="123"></form>`""")
    told = """([form, externalId]) => new Promise((resolve, onError) => {
        document.forms[0].replaceWith(document.forms[0].cloneNode(true)); // to which nobody listens yet
        if (form === "arguments") AppmaxScripts.init(resolve, onError, externalId);
        else AppmaxScripts.init({ externalId, onError, onTokenize: ({ token }) => resolve(token) });
        document.forms[0].requestSubmit();
    })"""
    external_id = str(Installation.objects.get().external_id)

    tokens = [shopper.evaluate(told, [form, external_id]) for form in ("arguments", "object")]

    assert len(set(tokens)) == 2
    assert all(isinstance(token, str) and token for token in tokens)


def test_a_store_that_appmax_does_not_know_charges_nothing(shopper: Page, appmax: SimulatorServer) -> None:
    appmax.state.identities.clear()
    shopper.route("**/v1/payments/tokenize", lambda route: route.fulfill(response=route.fetch(), status=200, body="{}"))

    pay_by(shopper, "card", APPROVED)

    expect(shopper.locator("#card-failed")).to_be_visible()
    assert not appmax.state.orders


@pytest.mark.parametrize(("wallet", "method"), [("Google Pay", "google_pay"), ("Apple Pay", "apple_pay")])
def test_a_wallets_button_pays(shopper: Page, appmax: SimulatorServer, wallet: str, method: str) -> None:
    shopper.get_by_role("button", name=f"Pagar com {wallet}").click()
    sheet = shopper.get_by_role("dialog")
    expect(sheet).to_contain_text("R$ 59.80")
    picture(shopper, f"shop-{method}")
    sheet.get_by_role("button", name="Cancelar").click()
    expect(sheet).to_have_count(0)

    shopper.get_by_role("button", name=f"Pagar com {wallet}").click()
    sheet.get_by_role("button", name="Pagar", exact=True).click()

    expect_status(shopper, "aprovado")
    [order] = appmax.state.latest_orders()
    assert [(payment.method, payment.status) for payment in order.payments] == [(method, "aprovado")]
    assert Order.objects.get().payment_method == method


def test_a_declined_card_is_followed_by_one_that_pays(shopper: Page, appmax: SimulatorServer) -> None:
    pay_by(shopper, "card", DECLINED)
    expect(shopper.get_by_role("alert").first).to_be_visible()
    picture(shopper, "shop-card-declined")

    pay_by(shopper, "card", APPROVED)

    expect_status(shopper, "aprovado")
    [order] = appmax.state.latest_orders()
    assert [payment.status for payment in order.payments] == ["cancelado", "aprovado"]
    assert len(order.charges) == 1
    shopper.locator("#offer button[value=yes]").click()
    expect(shopper.locator("#offer")).to_be_visible()
    assert [len(each.charges) for each in appmax.state.latest_orders()] == [1, 1]


def test_a_boleto_is_shown_and_paid(shopper: Page) -> None:
    pay_by(shopper, "boleto")
    expect_status(shopper, "pendente")
    assert len(shopper.locator("#digitavel").input_value()) == 47
    picture(shopper, "shop-boleto")

    shopper.locator(".bank button[value=pay]").click()

    expect_status(shopper, "aprovado")


def test_a_refund_by_staff_arrives_at_the_shops_page(
    shopper: Page, staff: Callable[..., Page], appmax: SimulatorServer
) -> None:
    pay_by(shopper, "card", APPROVED)
    expect_status(shopper, "aprovado")
    order = Order.objects.get()
    page = staff(f"/admin/orders/order/{order.pk}/refund/")

    page.get_by_role("button", name="Estornar").click()

    page.wait_for_url("**/change/")
    expect_status(shopper, "estornado")
    picture(shopper, "shop-refunded")
    [sold] = appmax.state.latest_orders()
    assert sold.refunded == sold.total_paid == order.total_cents


@pytest.mark.parametrize("language", ["pt-BR", "en-US"])
def test_the_shop_is_accessible_and_fits_a_desks_and_a_phones_screen(
    open_shop: Callable[..., Page], language: str
) -> None:
    page = open_shop(language=language)
    check(page, f"shop-products-{language}")
    page.locator("button[aria-label]").first.click()
    check(page, f"shop-cart-{language}")
    page.locator("a.button.wide").click()
    check(page, f"shop-checkout-{language}")
    pay_by(page, "pix")
    check(page, f"shop-order-{language}")


SIMULATOR_PAGES = (
    "/",
    "/orders",
    "/deliveries",
    "/send",
    "/switches",
    "/log",
    "/installations",
    "/appstore/app",
    "/v2/apphook",
)


def test_the_simulators_pages_are_accessible_and_fit_a_desks_and_a_phones_screen(
    shopper: Page, appmax: SimulatorServer
) -> None:
    pay_by(shopper, "pix")

    for path in SIMULATOR_PAGES:
        shopper.goto(appmax.url + path)
        check(shopper, f"simulator{path.replace('/', '-')}")
