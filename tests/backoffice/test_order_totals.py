"""Totals by payment method of the orders that a filter finds."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice import order_totals
from orders.models import Order, Refund
from tests.backoffice.conftest import url
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    return staff("Support")


def totals(client: Client, query: Any) -> list[list[str]]:
    """The rows of the table above the list."""
    page = client.get(url(Order), query).content.decode()
    found = re.search(r'<details class="totals".*?<tbody>(.*?)</tbody>', page, re.S)
    rows = found[1].split("</tr>") if found else []
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows if row.strip()]
    return [[unescape(cell).replace("\xa0", "") for cell in row] for row in cells]


def refunded(order: Order, cents: int, state: str = "confirmed") -> None:
    settled = timezone.now() if state == "confirmed" else None
    Refund.objects.create(order=order, amount_cents=cents, state=state, settled_at=settled)


def test_a_filtered_list_is_added_up_by_method(ana: Client) -> None:
    for method, status, cents in (
        ("pix", "aprovado", 1000),
        ("pix", "pendente", 500),
        ("boleto", "integrado", 123_456),
        (None, "pendente", 5),
        ("credit_card", "estornado", 700),
    ):
        OrderFactory.create(payment_method=method, status=status, total_cents=cents)
    refunded(Order.objects.get(total_cents=1000), 300)
    refunded(Order.objects.get(total_cents=123_456), 1, "asked")

    assert totals(ana, {"amount_from": "0"}) == [
        ["Credit card", "1", "R$7.00", "R$0.00"],
        ["Pix", "2", "R$15.00", "R$7.00"],
        ["Boleto", "1", "R$1,234.56", "R$1,234.56"],
        ["No method", "1", "R$0.05", "R$0.00"],
        ["All methods", "5", "R$1,256.61", "R$1,241.56"],
    ]


def test_only_what_is_filtered_is_added_up(ana: Client) -> None:
    OrderFactory.create(payment_method="pix", status="aprovado", total_cents=1000)
    OrderFactory.create(payment_method="boleto", status="aprovado", total_cents=2000)

    with CaptureQueriesContext(connection) as captured:
        assert totals(ana, {"payment_method__exact": "pix"}) == [["Pix", "1", "R$10.00", "R$10.00"]]
    assert len([each["sql"] for each in captured if "FILTER (WHERE" in each["sql"]]) == 1
    assert totals(ana, {"amount_from": "30"}) == []


@pytest.mark.parametrize("query", [{}, {"p": "1"}, {"pending": ""}, {"e": "1"}])
def test_a_whole_list_is_not_added_up(ana: Client, query: dict[str, str]) -> None:
    OrderFactory.create(payment_method="pix")

    with CaptureQueriesContext(connection) as captured:
        assert totals(ana, query) == []
    assert not [each["sql"] for each in captured if "FILTER (WHERE" in each["sql"]]


def test_all_pages_of_the_list_are_added_up(ana: Client) -> None:
    installation = OrderFactory.create(payment_method="pix", total_cents=100).installation
    OrderFactory.create_batch(50, installation=installation, payment_method="pix", total_cents=100)

    assert totals(ana, {"payment_method__exact": "pix"}) == [["Pix", "51", "R$51.00", "R$0.00"]]


@pytest.mark.parametrize(("most", "is_told"), [(3, False), (2, True)])
def test_too_many_orders_are_told_and_not_added_up(
    ana: Client, monkeypatch: pytest.MonkeyPatch, most: int, is_told: bool
) -> None:
    monkeypatch.setattr(order_totals, "MOST", most)
    OrderFactory.create_batch(3, payment_method="pix")

    page = ana.get(url(Order), {"payment_method__exact": "pix"}).content.decode()

    assert ("Too many orders to add up" in page) == is_told
    assert ('class="totals" open' in page) != is_told


def test_totals_speak_portuguese(staff: Callable[..., Client]) -> None:
    OrderFactory.create(payment_method="pix", status="aprovado", total_cents=123_456)
    bia = staff("Support", language="pt-BR")

    assert totals(bia, {"amount_from": "1,00"}) == [["Pix", "1", "R$1.234,56", "R$1.234,56"]]
    assert "Totais destes pedidos" in bia.get(url(Order), {"amount_from": "1,00"}).content.decode()


def test_a_search_and_a_day_of_the_calendar_are_added_up_too(ana: Client) -> None:
    order = OrderFactory.create(payment_method="pix", status="aprovado", total_cents=1000)
    today = timezone.localdate()

    assert len(totals(ana, {"q": order.appmax_order_id})) == 1
    assert len(totals(ana, {"created_at__year": today.year, "created_at__month": today.month})) == 1


def test_the_amount_filter_has_an_index(ana: Client) -> None:
    merchant = OrderFactory.create().installation
    Order.objects.bulk_create(
        OrderFactory.build(installation=merchant, appmax_order_id=10**6 + n, total_cents=12000 + n) for n in range(500)
    )
    amount = Order.objects.filter(total_cents=12345)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orders")
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert "orders_total" in amount.explain()
    long_ago = timezone.now() - timedelta(days=3650)
    assert "orders_total" in amount.filter(created_at__gte=long_ago).explain()
