"""What support is asked about orders and people, each begun on the overview by somebody with the role that it needs."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from installations.models import Installation
from orders.models import Order, OrderCode, Shopper
from simulator.server import SimulatorServer
from tests.browser.hand import Tasks
from tests.orders.conftest import by_card, ordered, post, remote
from tests.support.factories import OrderFactory, WebhookEventFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)

EMV = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal"


@pytest.fixture
def order(transactional_db: None) -> Order:
    """A Pix that nobody has paid, of a shopper of whom everything is known, among others."""
    row: Order = OrderFactory.create(
        appmax_order_id=95922354, payment_method="pix", pix_emv=EMV, installation__name="Padaria São João"
    )
    ana: Any = {"name": "Ana Conceição", "email": "ana@example.com", "document": "52998224725"}
    Shopper.objects.put([Shopper.of(row.installation_id, row.appmax_customer_id, **ana)], replaces=True)
    OrderCode.objects.put(
        row, pix=EMV, boleto="23793381286008301935700123456789012340000012990", end_to_end="E60746948202611291432abc"
    )
    OrderFactory.create_batch(3)
    return row


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", "#95922354"),
        ("e-mail", "ana@example.com"),
        ("CPF", "529.982.247-25"),
        ("name", "ana conceicao"),
        ("copy and paste code", EMV),
        ("boleto line", "23793.38128 60083.019357 00123.456789 0 12340000012990"),
        ("end-to-end id", "E60746948202611291432abc"),
    ],
)
def test_an_order_is_one_field_away(
    overview: Callable[..., Page], order: Order, tasks: Tasks, kind: str, text: str
) -> None:
    page = overview("Support")

    with tasks(f"order by {kind}", page, fields=1) as hand:
        hand.find(text)
        hand.arrives(f"/admin/orders/order/{order.pk}/change/")
        hand.sees("Padaria São João", "ainda não pago")


def test_ctrl_k_goes_to_the_only_result(overview: Callable[..., Page], order: Order, tasks: Tasks) -> None:
    page = overview("Support")

    with tasks("Ctrl-K", page, fields=1) as hand:
        page.keyboard.press("Control+k")
        hand.fill(page.locator("#search-input-command"), "ana@example.com")
        page.keyboard.press("Enter")
        hand.arrives(f"/admin/orders/order/{order.pk}/change/")


def test_a_pix_that_was_paid_and_is_pending(overview: Callable[..., Page], order: Order, tasks: Tasks) -> None:
    WebhookEventFactory.create(appmax_order_id=order.appmax_order_id, event="order_paid_by_pix")
    page = overview("Support")

    with tasks("Pix paid but pending", page, clicks=1, fields=1) as hand:
        hand.find("95922354")
        hand.sees("O evento order_paid_by_pix chegou e aguarda")
        hand.click(page.locator(".timeline").get_by_role("link", name=re.compile("order_paid_by_pix")))
        hand.sees("Aguarda a confirmação da Appmax", "Próxima tentativa")


def test_an_order_by_amount_and_day(overview: Callable[..., Page], order: Order, tasks: Tasks) -> None:
    wanted = OrderFactory.create(total_cents=8990)
    Order.objects.filter(pk=wanted.pk).update(created_at=timezone.now() - timedelta(days=1))
    OrderFactory.create(total_cents=8990)
    page = overview("Support")

    with tasks("order by amount and day", page, clicks=5, fields=2) as hand:
        hand.click(page.locator("#nav-sidebar-apps").get_by_role("link", name="Pedidos", exact=True))
        hand.click(page.get_by_role("link", name="Ontem", exact=True))
        hand.click(page.locator("#changelist").locator("a, button").filter(has_text=re.compile(r"^\s*Filtros")))
        hand.fill(page.get_by_label("De R$"), "89,90")
        hand.fill(page.get_by_label("Até R$"), "89,90")
        hand.click(page.get_by_role("button", name="Aplicar filtros"))
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
        hand.click(page.get_by_role("link", name=str(wanted), exact=True))
        hand.arrives(f"/admin/orders/order/{wanted.pk}/change/")


def test_half_is_refunded_and_the_order_says_who_did(
    overview: Callable[..., Page], shop: Installation, simulator: SimulatorServer, tasks: Tasks
) -> None:
    store = Client(headers={"Authorization": f"Api-Key {api_key(shop)}"})
    order_id = ordered(store)
    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    half = remote(simulator, order_id).total // 2
    page = overview("Finance")

    with tasks("refund half", page, clicks=3, fields=2) as hand:
        hand.find(str(order_id))
        hand.click(page.get_by_role("link", name="Estornar"))
        hand.click(page.get_by_label("Uma parte"))
        hand.fill(page.get_by_label("Parte, em R$"), f"{half / 100:.2f}".replace(".", ","))
        hand.click(page.get_by_role("button", name="Estornar"))
        hand.sees("A Appmax aceitou o estorno")
    assert remote(simulator, order_id).refunded == half

    page = overview("Support")
    with tasks("who refunded", page, fields=1) as hand:
        hand.find(str(order_id))
        hand.sees("finance", within=".timeline li:has-text('Estorno de')")


def test_a_note_is_written_and_a_view_is_kept(overview: Callable[..., Page], order: Order, tasks: Tasks) -> None:
    page = overview("Support")

    with tasks("note on an order", page, clicks=2, fields=2) as hand:
        hand.find("95922354")
        hand.click(page.locator("summary").filter(has_text="Adicionar observação"))
        hand.fill(page.get_by_label("Observação"), "Cliente ligou.")
        hand.click(page.get_by_role("button", name="Adicionar observação"))
        hand.sees("Cliente ligou.", "Observação de support", within=".timeline")

    page.goto("/admin/")
    with tasks("view of a list", page, clicks=4, fields=1) as hand:
        hand.click(page.locator("#nav-sidebar-apps").get_by_role("link", name="Pedidos", exact=True))
        hand.click(page.get_by_role("link", name="Ontem", exact=True))
        hand.click(page.get_by_text("Salvar esta visualização"))
        hand.fill(page.get_by_label("Nome da visualização"), "De ontem")
        hand.click(page.get_by_role("button", name="Salvar"))
        hand.sees("De ontem", within=".saved-views")

    page.goto("/admin/")
    with tasks("view that was kept", page, clicks=2) as hand:
        hand.click(page.locator("#nav-sidebar-apps").get_by_role("link", name="Pedidos", exact=True))
        hand.click(page.get_by_role("link", name="De ontem", exact=True))
        hand.sees("Criado em", within=".chip")


def test_an_alert_is_set_up(overview: Callable[..., Page], tasks: Tasks) -> None:
    page = overview("Administrator")

    with tasks("alert that is set up", page, clicks=4, fields=1) as hand:
        hand.click(page.locator("#nav-sidebar-apps").get_by_role("link", name="Regras de alerta"))
        hand.click(page.locator("a[href$='/alertrule/add/']").first)
        hand.click(page.locator("main a[href='?kind=doubt']"))
        hand.fill(page.get_by_label("E-mail para"), "plantao@example.com")
        hand.click(page.get_by_role("button", name="Salvar", exact=True))
        page.wait_for_url("**/alertrule/")
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
