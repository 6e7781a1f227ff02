"""Support finds an order by what the shopper has, in a real browser: with the box of the menu and with Ctrl-K."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orders.models import Order, OrderCode, Shopper
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

EMV = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal"


@pytest.fixture
def order(transactional_db: None) -> Order:
    row: Order = OrderFactory.create(appmax_order_id=95922354, pix_emv=EMV)
    other = OrderFactory.create(appmax_order_id=95922355)
    ana: Any = {"name": "Ana Conceição", "email": "ana@example.com", "document": "52998224725"}
    Shopper.objects.put([Shopper.of(row.installation_id, row.appmax_customer_id, **ana)], replaces=True)
    Shopper.objects.put([Shopper.of(other.installation_id, other.appmax_customer_id, name="Ana Lima")], replaces=True)
    OrderCode.objects.put(
        row, pix=EMV, boleto="23793381286008301935700123456789012340000012990", end_to_end="E60746948202611291432abc"
    )
    return row


@pytest.mark.parametrize(
    "term",
    [
        "#95922354",
        "ana@example.com",
        "529.982.247-25",
        "ana conceicao",
        EMV,
        "23793.38128 60083.019357 00123.456789 0 12340000012990",
        "E60746948202611291432abc",
    ],
    ids=["number", "e-mail", "CPF", "name", "Pix code", "boleto line", "end-to-end id"],
)
def test_one_click_and_enter_lead_from_any_page_to_the_order(
    staff: Callable[..., Page], order: Order, term: str
) -> None:
    page = staff("/admin/")

    page.get_by_role("searchbox", name="Buscar em tudo").click()
    page.keyboard.insert_text(term)
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/admin/orders/order/{order.pk}/change/")


def test_several_results_say_what_they_are(staff: Callable[..., Page], order: Order) -> None:
    page = staff("/admin/search/?q=ana")

    expect(page.get_by_role("link", name=re.compile("Pedido 95922354"))).to_be_visible()
    page.get_by_role("link", name=re.compile("Pedido 95922355.*Ana Lima")).click()

    page.wait_for_url(re.compile("/admin/orders/order/[0-9]+/change/"))


def test_ctrl_k_finds_and_the_arrow_and_enter_go_there(staff: Callable[..., Page], order: Order) -> None:
    page = staff("/admin/")

    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("conceição")
    expect(page.locator("#command-results-list")).to_contain_text("Pedido 95922354")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/admin/orders/order/{order.pk}/change/")


def test_ctrl_k_and_enter_alone_lead_to_the_only_result(staff: Callable[..., Page], order: Order) -> None:
    page = staff("/admin/")

    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.insert_text("ana@example.com")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/admin/orders/order/{order.pk}/change/")
