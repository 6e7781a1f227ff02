"""Staff narrow a list, keep it as a view and write notes, in a real browser."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from backoffice.models import Note
from orders.models import Order
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)


def yesterday(cents: int) -> Order:
    order: Order = OrderFactory.create(status="aprovado", payment_method="pix", total_cents=cents)
    Order.objects.filter(pk=order.pk).update(created_at=timezone.now() - timedelta(days=1))
    return order


def test_an_order_by_amount_and_day_in_three_clicks(staff: Callable[..., Page]) -> None:
    wanted = yesterday(8990)
    yesterday(8991)
    OrderFactory.create(total_cents=8990)
    page = staff("/admin/orders/order/")

    page.get_by_role("link", name="Ontem", exact=True).click()
    page.locator("#changelist").locator("a, button").filter(has_text=re.compile(r"^\s*Filtros")).click()
    page.get_by_label("De R$").fill("89,90")
    page.get_by_label("Até R$").fill("89,90")
    page.get_by_role("button", name="Aplicar filtros").click()

    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list")).to_contain_text(str(wanted.appmax_order_id))
    expect(page.locator(".chip")).to_have_text(
        [re.compile(r"Criado em: \d\d/\d\d/\d{4}"), re.compile("Valor: R\\$\u00a089,90")]
    )
    expect(page.locator(".totals")).to_contain_text("Pix")


def test_a_chip_is_removed_by_the_keyboard(staff: Callable[..., Page]) -> None:
    OrderFactory.create(status="aprovado", total_cents=8990)
    page = staff("/admin/orders/order/")
    page.goto("/admin/orders/order/?status__exact=aprovado&amount_from=100")
    expect(page.locator("#result_list tbody tr")).to_have_count(0)

    page.get_by_role("link", name=re.compile("Remover o filtro Valor")).focus()
    page.keyboard.press("Enter")

    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


def test_filters_are_saved_and_are_one_click_away(staff: Callable[..., Page]) -> None:
    OrderFactory.create(status="aprovado")
    page = staff("/admin/orders/order/")
    page.goto("/admin/orders/order/?status__exact=aprovado")

    page.get_by_text("Salvar esta visualização").click()
    page.get_by_label("Nome da visualização").fill("Aprovados")
    page.get_by_role("button", name="Salvar").click()
    expect(page.get_by_text("Visualização salva.")).to_be_visible()
    page.get_by_role("link", name="Todos", exact=True).click()
    page.get_by_role("link", name="Aprovados", exact=True).click()

    expect(page.locator(".chip")).to_have_text([re.compile("Status: Aprovado")])
    page.get_by_role("link", name="Excluir esta visualização").click()
    page.get_by_role("button", name="Excluir esta visualização").click()
    expect(page.get_by_text("Visualização excluída.")).to_be_visible()
    expect(page.locator(".saved-views")).to_have_count(0)


def test_a_note_is_written_on_an_orders_page_and_deleted(staff: Callable[..., Page]) -> None:
    order = OrderFactory.create(status="aprovado")
    page = staff(f"/admin/orders/order/{order.pk}/change/")

    page.locator("summary").filter(has_text="Adicionar observação").click()
    page.get_by_label("Observação").fill("Cliente ligou.\nVai pagar <b>amanhã</b>.")
    page.get_by_role("button", name="Adicionar observação").click()

    expect(page.get_by_text("Observação adicionada.")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("Vai pagar <b>amanhã</b>.")
    page.locator(".timeline").get_by_role("link", name="Observação de ana").click()
    page.get_by_role("button", name="Excluir esta observação").click()
    expect(page.get_by_text("Observação excluída.", exact=True)).to_be_visible()
    assert not Note.objects.exists()


@pytest.mark.parametrize("language", ["pt-BR", "en-US"])
def test_a_filtered_list_fits_a_phone(staff: Callable[..., Page], language: str) -> None:
    for method in ("pix", "boleto", "credit_card"):
        OrderFactory.create(status="aprovado", payment_method=method, total_cents=123_456_789)
    page = staff("/admin/orders/order/", language=language, width=390)

    page.goto("/admin/orders/order/?status__exact=aprovado&amount_from=1000000&created_at_from=today-6&amount_to=x")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.locator(".chip")).to_have_count(3)
