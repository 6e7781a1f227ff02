"""What support is asked about merchants, from the overview on: each answer in a few clicks."""

import io
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from backoffice import merchant_figures
from installations.models import ApiKey, Installation
from orders.models import Order, PaymentAttempt
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory, api_key

log = logging.getLogger(__name__)

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


class Hand:
    """Clicks, and counts its clicks."""

    clicks = 0

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks += 1


@contextmanager
def task(name: str, most: int) -> Iterator[Hand]:
    """A task of support: its clicks and milliseconds are logged, and it fails after more clicks than `most`."""
    hand, started = Hand(), time.perf_counter()
    yield hand
    log.info("%s: %d clicks, %.0f ms", name, hand.clicks, (time.perf_counter() - started) * 1000)
    assert hand.clicks <= most


def menu(page: Page) -> Locator:
    return page.locator("#nav-sidebar-apps").get_by_role("link", name="Instalações")


def orders(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Ordenar por")


def test_what_support_is_asked_about_a_merchant(staff: Callable[..., Page], shop: Installation) -> None:
    page = staff("/admin/")

    with task("merchants with failing payments today", most=2) as hand:
        hand.click(menu(page))
        hand.click(orders(page).get_by_role("link", name="Falhas hoje"))
        first = page.locator("#result_list tbody tr").first
        expect(first).to_contain_text("Padaria São João")
        expect(first).to_contain_text("1 de 1")

    with task("everything about a merchant", most=1) as hand:
        hand.click(page.get_by_role("link", name="Padaria São João"))
        texts = ["1 tentativa de pagamento falhou hoje.", "Cartão recusado pelo emissor", "há 2 horas"]
        for text in [*texts, str(shop.external_id), "Últimos pedidos", "Últimos eventos de webhook", "Observações"]:
            expect(page.get_by_text(text).first).to_be_visible()

    with task("no webhook since yesterday?", most=2) as hand:
        hand.click(menu(page))
        hand.click(orders(page).get_by_role("link", name="Em silêncio"))
        expect(page.locator("#result_list tbody tr").first).to_contain_text("Padaria São João")

    with task("a merchant's month by method", most=1) as hand:
        hand.click(page.get_by_role("link", name="Padaria São João"))
        expect(page.get_by_text("Nenhum webhook desde ontem às")).to_be_visible()
        expect(page.locator(".month-table").get_by_role("row", name="Pix")).to_contain_text("R$\u00a01.234,56")

    with task("a merchant's month by method, as a file", most=1) as hand, page.expect_download() as download:
        hand.click(page.get_by_role("link", name="em XLSX"))
    assert re.fullmatch(r"pedidos de 01-\d\d-\d{4} a \d\d-\d\d-\d{4}\.xlsx", download.value.suggested_filename)
    months = (
        load_workbook(io.BytesIO(download.value.path().read_bytes()))
        .worksheets[1]
        .iter_rows(max_row=3, values_only=True)
    )
    assert [(line[0], line[-1]) for line in months][1:] == [("Pix", 1234.56), ("-", 0)]
