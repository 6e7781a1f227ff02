"""A merchant installs the app and sets up webhooks, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from installations.models import ApiKey, Installation
from simulator.server import SimulatorServer
from tests.browser.conftest import click_twice, picture, slow_down
from tests.support.factories import WebhookEventFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_merchant_installs_the_app(open_page: Callable[..., Page], appmax: SimulatorServer) -> None:
    page = open_page("/")

    page.get_by_role("link", name="Instalar o aplicativo").click()
    page.get_by_role("button", name="Continuar na Appmax").click()
    expect(page.get_by_role("heading", name="Instalar aplicativo")).to_be_visible()
    picture(page, "install-at-appmax")
    page.get_by_role("button", name="Salvar").click()

    expect(page.get_by_role("heading", name="O aplicativo está instalado")).to_be_visible()
    installation = Installation.objects.get()
    expect(page.get_by_text(str(installation.external_id))).to_be_visible()
    expect(page.locator("#external-key")).to_have_text(installation.external_key)
    assert installation.merchant_client_id == appmax.state.merchant_credentials(installation.external_key)[0]


def test_a_second_click_on_a_slow_line_does_not_hide_the_api_key(
    open_page: Callable[..., Page], appmax: SimulatorServer
) -> None:
    page = open_page("/install/start")
    page.get_by_role("button", name="Continuar na Appmax").click()
    slow_down(page)
    page.get_by_role("button", name="Salvar").click()
    click_twice(page, page.get_by_role("button", name="Criar a chave de API"))

    expect(page.locator("#api-key")).to_be_visible()
    expect(page.locator("#api-key")).to_contain_text(ApiKey.objects.get().prefix)


def test_installing_needs_no_javascript(open_page: Callable[..., Page], appmax: SimulatorServer) -> None:
    page = open_page("/install/start", java_script_enabled=False)

    page.get_by_role("button", name="Continuar na Appmax").click()
    page.get_by_role("button", name="Salvar").click()

    expect(page.get_by_role("heading", name="O aplicativo está instalado")).to_be_visible()
    assert Installation.objects.count() == 1


def test_the_webhook_page_shows_an_event_as_soon_as_it_comes(
    open_page: Callable[..., Page], appmax: SimulatorServer, live_server: Any
) -> None:
    WebhookEventFactory.create(event="order_paid")
    page = open_page("/webhooks/appmax", permissions=["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copiar").click()
    expect(page.get_by_role("button", name="Copiado")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{live_server.url}/webhooks/appmax"
    expect(page.locator("#arrivals")).to_contain_text("O último chegou antes de você abrir esta página: order_paid")

    body = {"event": "OrderApproved", "event_type": "", "data": {"order_id": 1}}
    assert page.request.post(f"{appmax.url}/simulator/api/events", data={"body": body}).ok

    expect(page.locator("#arrivals")).to_contain_text("Recebemos o seu evento. OrderApproved")


def test_a_page_may_be_read_in_another_language(open_page: Callable[..., Page]) -> None:
    page = open_page("/install/start?app_id=wrong")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("heading", name="Install the app")).to_be_visible()


PAGES = {
    "home": "/",
    "install": "/install/start",
    "installed": "/integrations/appmax/callback/install?token={token}",
    "no-token": "/integrations/appmax/callback/install",
    "used-link": "/integrations/appmax/callback/install?token=used",
    "webhooks": "/webhooks/appmax",
    "health": "/health",
    "not-found": "/nowhere",
    "appmax-away": "/install/start?app_id={app_id}&external_key=appmax-away",
}


@pytest.mark.parametrize("language", ["pt-BR", "en-US"])
def test_pages_are_accessible_and_fit_a_desks_and_a_phones_screen(
    open_page: Callable[..., Page], appmax: SimulatorServer, settings: Any, language: str
) -> None:
    page = open_page("/", language=language)
    page.request.get(f"/install/start?app_id={settings.APPMAX_APP_ID_UUID}&external_key=shop")
    [token] = appmax.state.authorizations

    for name, path in PAGES.items():
        if name == "appmax-away":
            settings.APPMAX_API_URL = "http://127.0.0.1:1"
        page.goto(path.format(token=token, app_id=settings.APPMAX_APP_ID_UUID))
        check(page, f"{name}-{language}")

    settings.APPMAX_CLIENT_ID = ""
    for name, path in {"home-before-set-up": "/", "install-before-set-up": "/install/start"}.items():
        page.goto(path)
        check(page, f"{name}-{language}")


def check(page: Page, name: str) -> None:
    """Nothing that axe-core finds (contrast, names, landmarks, order of headings), and no scrolling sideways, at either
    of two widths."""
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_load_state()
        picture(page, f"{name}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, width)
        results = Axe().run(page)
        assert results.violations_count == 0, f"{name}-{width}: {results.generate_report()}"
