"""What support is asked about merchants, from the overview on: each answer in a few clicks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from backoffice import merchant_figures
from installations.models import ApiKey, Installation
from orders.models import Order, PaymentAttempt
from tests.browser.hand import Tasks
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Installation:
    """A merchant whose webhooks stopped yesterday, and one of whose payments was declined today."""
    shop: Installation = InstallationFactory.create(external_key="loja-7", name="Padaria São João")
    now = timezone.now()
    for back in range(1, 15):
        for hour in range(12):
            WebhookEventFactory.create(installation=shop, created_at=now - timedelta(days=back, hours=hour))
    paid: Order = OrderFactory.create(installation=shop, status="aprovado", payment_method="pix", total_cents=123456)
    refused = OrderFactory.create(installation=shop, status="cancelado")
    PaymentAttempt.objects.create(
        order=refused, method="credit_card", state="declined", fingerprint="", settled_at=now,
        answer={"message": "Cartão recusado pelo emissor"},
    )  # fmt: skip
    api_key(shop)
    ApiKey.objects.update(last_used_at=now - timedelta(hours=2))
    OrderFactory.create_batch(3)
    assert paid.created_at
    merchant_figures.refresh(now)
    return shop


def menu(page: Page) -> Locator:
    return page.locator("#nav-sidebar-apps").get_by_role("link", name="Lojistas")


def orders(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Ordenar por")


def test_what_support_is_asked_about_a_merchant(
    overview: Callable[..., Page], shop: Installation, tasks: Tasks
) -> None:
    page = overview("Support")
    first = page.locator("#result_list tbody tr").first

    with tasks("merchants with failing payments", page, clicks=2) as hand:
        hand.click(menu(page))
        hand.click(orders(page).get_by_role("link", name="Falhas hoje"))
        expect(first).to_contain_text("Padaria São João")
        expect(first).to_contain_text("1 de 1")

    page.goto("/admin/")
    with tasks("everything about a merchant", page, fields=1) as hand:
        hand.find("sao joao")
        hand.sees("1 tentativa de pagamento falhou hoje.", "Cartão recusado pelo emissor", "há 2 horas")
        hand.sees(str(shop.external_id), "Últimos pedidos", "Últimos eventos de webhook", "Observações")

    page.goto("/admin/")
    with tasks("no webhook since yesterday?", page, clicks=3) as hand:
        hand.click(menu(page))
        hand.click(orders(page).get_by_role("link", name="Em silêncio"))
        expect(first).to_contain_text("Padaria São João")
        hand.click(first.get_by_role("link", name="Padaria São João"))
        hand.sees("Nenhum webhook desde ontem às")


def test_a_merchants_month_by_method_and_its_file(
    overview: Callable[..., Page], shop: Installation, tasks: Tasks
) -> None:
    page = overview("Finance")

    with tasks("a merchant's month by method", page, fields=1) as hand:
        hand.find("loja-7")
        hand.look()
        expect(page.locator(".month-table").get_by_role("row", name="Pix")).to_contain_text("R$\u00a01.234,56")

    with tasks("export of it", page, clicks=1) as hand, page.expect_download() as download:
        hand.click(page.get_by_role("link", name="Pedidos deste mês em CSV"))
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert "1234,56" in "".join(lines)
