"""Staff at work, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from backoffice import batches
from installations.models import Installation
from notifications import endpoints
from notifications.models import Endpoint
from orders.models import Order
from simulator.server import SimulatorServer
from tests.browser.conftest import click_twice, slow_down
from tests.orders.conftest import by_card, ordered, post, remote
from tests.support.factories import OrderFactory, WebhookEventFactory, api_key
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_wrong_password_stays_out_and_the_right_one_gets_in(
    open_page: Callable[..., Page], admin_user: User
) -> None:
    page = open_page("/admin/orders/order/")
    page.fill("#id_username", "ana")
    page.fill("#id_password", "guessed")
    page.click("button[type=submit]")
    expect(page.locator("#login-form")).to_be_visible()

    page.fill("#id_username", "ana")
    page.fill("#id_password", "a-long-passphrase")
    page.click("button[type=submit]")

    page.wait_for_url("**/admin/orders/order/")
    expect(page.get_by_text("Produção: dinheiro de verdade")).to_be_visible()


def test_an_order_is_found_by_its_number_and_shows_what_happened(staff: Callable[..., Page]) -> None:
    order = OrderFactory.create(status="aprovado", payment_method="pix", pix_emv="00020126-pix", total_cents=123456)
    OrderFactory.create_batch(3)
    WebhookEventFactory.create(appmax_order_id=order.appmax_order_id, event="order_paid_by_pix")
    page = staff("/admin/orders/order/")

    page.keyboard.press("/")
    page.keyboard.type(str(order.appmax_order_id))
    page.keyboard.press("Enter")
    page.get_by_role("link", name=str(order.appmax_order_id), exact=True).click()

    expect(page.get_by_text("R$\u00a01.234,56").first).to_be_visible()
    expect(page.get_by_text("Pago por Pix.")).to_be_visible()
    expect(page.get_by_alt_text("QR code do Pix")).to_be_hidden()
    page.get_by_role("heading", name="Pix").click()
    expect(page.get_by_alt_text("QR code do Pix")).to_be_visible()
    expect(page.locator(".timeline li").filter(has_text="Webhook order_paid_by_pix")).to_be_visible()


def test_a_second_click_on_a_slow_line_makes_no_second_secret(staff: Callable[..., Page], shop: Installation) -> None:
    endpoint = endpoints.register(shop, url="https://shop.example.com", event_types=[])
    page = staff(f"/admin/notifications/endpoint/{endpoint.pk}/rotate-secret/")

    slow_down(page)
    page.reload(wait_until="commit")
    click_twice(page, page.get_by_role("button", name="Novo segredo"))

    shown = page.get_by_text("whsec_")
    expect(shown).to_be_visible()
    now = Endpoint.objects.get()
    expect(shown).to_have_text(now.secret)
    assert now.old_secret == endpoint.secret  # Messages are still signed with what the shop knows.


@pytest.mark.parametrize("of", ["one", "a selection", "all"])
def test_unprocessed_events_are_tried_and_the_progress_is_shown(staff: Callable[..., Page], of: str) -> None:
    event = WebhookEventFactory.create(event="order_paid", outcome="failed", error_message="OperationalError", tries=2)
    order = OrderFactory.create(appmax_order_id=event.appmax_order_id)
    page = staff("/admin/")

    expect(page.locator("#nav-sidebar-apps").get_by_text("1", exact=True)).to_be_visible()
    page.get_by_role("link", name="Eventos não processados").first.click()
    expect(page.get_by_text("Não pôde ser processado. O banco de dados não respondeu.")).to_be_visible()
    expect(page.get_by_text("2 tentativas; próxima tentativa: em até 15 segundos")).to_be_visible()
    if of == "one":
        page.get_by_role("link", name="order_paid").click()
        page.get_by_role("link", name="Tentar agora").click()
        page.get_by_role("button", name="Tentar agora").click()
        expect(page.get_by_text("O evento foi processado: Aplicado.")).to_be_visible()
    else:
        if of == "all":
            page.get_by_role("link", name="Tentar todos agora").click()
        else:
            page.locator("input.action-select").check()
            page.locator("select[name=action]").select_option("reprocess")
            page.get_by_role("button", name="Executar").click()
        page.get_by_role("button", name="Tentar agora").click()
        expect(page.get_by_text(re.compile("0 de 1 evento"))).to_be_visible()
        assert not batches.go_on(), "this is what the worker does"
        expect(page.get_by_text("1 evento foi tentado em")).to_be_visible()
        expect(page.get_by_text("1 × Aplicado")).to_be_visible()

    event.refresh_from_db()
    order.refresh_from_db()
    assert (event.processed, order.status) == (True, "aprovado")


def test_the_timeline_is_in_sight_beside_the_facts_and_below_them_on_a_phone(staff: Callable[..., Page]) -> None:
    order = OrderFactory.create(status="aprovado", payment_method="pix", pix_emv="00020126-pix")
    for number in range(20):
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id, event=f"order_{number}")
    page = staff(f"/admin/orders/order/{order.pk}/change/")

    def box(selector: str) -> Any:
        return page.locator(selector).bounding_box()

    page.set_viewport_size({"width": 1280, "height": 800})
    first, facts = box(".timeline > li:first-child"), box("fieldset >> nth=0")
    assert first["y"] + first["height"] < 600
    assert first["x"] > facts["x"] + facts["width"]

    page.set_viewport_size({"width": 390, "height": 800})
    first, facts = box(".timeline > li:first-child"), box("fieldset >> nth=0")
    assert first["y"] > facts["y"] + facts["height"]


def test_a_part_of_an_order_is_refunded_after_a_second_look(
    staff: Callable[..., Page], shop: Installation, simulator: SimulatorServer
) -> None:
    store = Client(headers={"Authorization": f"Api-Key {api_key(shop)}"})
    order_id = ordered(store)
    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    order = Order.objects.get()
    page = staff(f"/admin/orders/order/{order.pk}/change/")

    page.get_by_role("link", name="Estornar").click()
    page.get_by_label("Uma parte").check()
    page.get_by_label("Parte, em R$").fill("10,50")
    page.get_by_role("button", name="Estornar").click()

    page.wait_for_url("**/change/")
    expect(page.get_by_text("A Appmax aceitou o estorno de R$\u00a010,50")).to_be_visible()
    expect(page.locator(".timeline li").filter(has_text="Estorno de R$\u00a010,50 solicitado")).to_contain_text("ana")
    assert remote(simulator, order_id).refunded == 1050
    assert LogEntry.objects.filter(content_type__model="order").count() == 2


PAGES = [
    "/admin/",
    "/admin/orders/order/",
    "/admin/orders/paymentattempt/",
    "/admin/webhooks/webhookevent/",
    "/admin/installations/installation/",
    "/admin/installations/apikey/",
]


@pytest.mark.parametrize("language", ["pt-BR", "en-US"])
def test_pages_fit_a_phone_in_both_languages(staff: Callable[..., Page], language: str) -> None:
    order = OrderFactory.create(status="aprovado", payment_method="pix", pix_emv="0002" * 60)
    event = WebhookEvent.objects.get(pk=WebhookEventFactory.create(appmax_order_id=order.appmax_order_id).pk)
    page = staff("/admin/", language=language, width=390)

    for path in [
        *PAGES,
        f"/admin/orders/order/{order.pk}/change/",
        f"/admin/orders/order/{order.pk}/refund/",
        f"/admin/webhooks/webhookevent/{event.pk}/change/",
    ]:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert page.evaluate("document.documentElement.lang").lower().startswith(language[:2].lower())


def test_every_button_and_field_has_a_name(staff: Callable[..., Page]) -> None:
    order = OrderFactory.create(status="aprovado")
    page = staff("/admin/")

    for path in [*PAGES, f"/admin/orders/order/{order.pk}/change/", f"/admin/orders/order/{order.pk}/refund/"]:
        page.goto(path)
        nameless: list[Any] = page.evaluate(NAMELESS)
        assert nameless == [], path


# Visible controls that a screen reader would have nothing to say about; an icon's text is the name of its picture.
NAMELESS = """() => {
  const text = (each) => [...each.childNodes].map((node) => node.nodeType === Node.TEXT_NODE ? node.textContent
    : node.ariaHidden === "true" ? "" : node.alt || text(node)).join("").trim();
  return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")]
    .filter((each) => each.offsetParent !== null)
    .filter((each) => !(text(each) || each.ariaLabel || each.title || each.placeholder
      || (each.tagName !== "BUTTON" && each.labels && each.labels.length)))
    .map((each) => each.outerHTML.slice(0, 200));
}"""
