"""Chips: a list says in words what it is filtered by, and each filter can be removed alone."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from installations.models import ApiKey, Installation
from orders.models import Order
from tests.backoffice.conftest import url
from tests.support.factories import InstallationFactory, OrderFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    return staff("Support")


def chips(client: Client, query: Any, model: Any = Order) -> dict[str, str]:
    """The words of each chip, and the query string that its × leads to."""
    page = client.get(url(model), query)
    assert page.status_code == 200, page.headers
    found = re.findall(r'<li class="chip[^"]*"><span>(.*?)</span> <a href="\?(.*?)"', page.content.decode())
    return {unescape(text).replace("\xa0", ""): unescape(rest) for text, rest in found}


def test_a_list_without_filters_has_no_chips(ana: Client) -> None:
    page = ana.get(url(Order)).content.decode()

    assert 'class="chips"' not in page
    assert "Clear all<" not in page


def test_each_chip_removes_its_own_filter(ana: Client) -> None:
    query = "status__exact=aprovado&payment_method__exact=pix&amount_from=50&amount_to=100&q=31"

    assert chips(ana, query_of(query)) == {
        "Status: Approved": "payment_method__exact=pix&amount_from=50&amount_to=100&q=31",
        "Payment method: Pix": "status__exact=aprovado&amount_from=50&amount_to=100&q=31",
        "Amount: R$50.00 to R$100.00": "status__exact=aprovado&payment_method__exact=pix&q=31",
        "Search: 31": "status__exact=aprovado&payment_method__exact=pix&amount_from=50&amount_to=100",
    }


def query_of(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in text.split("&"))]


def test_of_two_values_of_a_filter_one_is_removed(ana: Client) -> None:
    assert chips(ana, {"status__exact": ["aprovado", "estornado"]}) == {
        "Status: Approved": "status__exact=estornado",
        "Status: Refunded": "status__exact=aprovado",
    }


def test_chips_speak_portuguese(staff: Callable[..., Client]) -> None:
    bia = staff("Support", language="pt-BR")
    query = {"status__exact": "aprovado", "amount_from": "50", "amount_to": "1.234,56", "created_at_from": "24/11/2026"}

    assert list(chips(bia, query)) == [
        "Status: Aprovado",
        "Criado em: a partir de 24/11/2026",
        "Valor: de R$50,00 a R$1.234,56",
    ]
    assert list(chips(bia, {"amount_to": "10"})) == ["Valor: até R$10,00"]


def test_a_merchant_is_named(ana: Client) -> None:
    shop = InstallationFactory.create(external_key="loja-da-bia")

    assert list(chips(ana, {"installation__id__exact": shop.pk})) == [f"Merchant: {shop}"]
    assert list(chips(ana, {"installation__id__exact": 2**40})) == [f"Merchant: {2**40}"]


def test_the_calendar_has_one_chip(ana: Client) -> None:
    day = {"created_at__year": 2026, "created_at__month": 11, "created_at__day": 24}

    assert chips(ana, {**day, "pending": "hour"}) == {
        "Waiting: Pending for over an hour": "created_at__year=2026&created_at__month=11&created_at__day=24",
        "Created at: 2026-11-24": "pending=hour",
    }
    assert list(chips(ana, {"created_at__year": 2026, "created_at__month": 11})) == ["Created at: November 2026"]
    assert list(chips(ana, {"created_at__year": 2026})) == ["Created at: 2026"]


def test_a_filter_of_another_pages_link_has_a_chip(ana: Client) -> None:
    assert chips(ana, {"id__in": "1,2", "p": 1}) == {"ID: 1,2": ""}
    assert list(chips(ana, {"payment_method__isnull": "True"})) == ["Payment method: none"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"amount_from": "abc"}, "Amount: “abc” is no amount"),
        ({"amount_from": "1", "amount_to": "1.001"}, "Amount: “1.001” is no amount"),
        ({"created_at_from": "31/31/2026"}, "Created at: “31/31/2026” is no date"),
    ],
)
def test_a_text_that_is_not_understood_is_told_and_filters_nothing(ana: Client, query: Any, words: str) -> None:
    OrderFactory.create(total_cents=50)

    assert list(chips(ana, query)) == [words]
    page = ana.get(url(Order), query)
    assert 'class="chip wrong"' in page.content.decode()


def test_a_chip_is_text_and_never_markup(ana: Client) -> None:
    for query in ({"q": "<b>x</b>"}, {"amount_from": "<b>x</b>"}, {"status__exact": "<b>x</b>"}):
        page = ana.get(url(Order), query).content.decode()
        assert "<b>x</b>" not in page
        assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_empty_boxes_have_no_chips(ana: Client) -> None:
    boxes = ("amount_from", "amount_to", "created_at_from", "created_at_to", "pending", "status__exact", "q")

    assert chips(ana, dict.fromkeys(boxes, "")) == {}


def test_other_lists_have_chips_too(eva: Client) -> None:
    assert list(chips(eva, {"outcome": "waiting"}, WebhookEvent)) == ["Outcome: Waiting"]
    assert list(chips(eva, {"disabled": "yes"}, Installation)) == ["Disabled: Disabled"]
    assert list(chips(eva, {"revoked__exact": "0"}, ApiKey)) == ["Revoked: No"]


# --- the amount ---


def amounts(client: Client, query: Any) -> list[int]:
    return sorted(order.total_cents for order in client.get(url(Order), query).context["cl"].result_list)


@pytest.mark.parametrize(
    ("language", "least", "most"),
    [
        ("pt-BR", "50", "1.234,56"),
        ("pt-BR", "50,00", "1234.56"),
        ("en", "50.00", "1,234.56"),
        ("en", "R$ 50", "1234,56"),
    ],
)
def test_orders_by_amount_however_it_is_written(
    staff: Callable[..., Client], language: str, least: str, most: str
) -> None:
    bia = staff("Support", language=language)
    for cents in (4999, 5000, 123_456, 123_457):
        OrderFactory.create(total_cents=cents)

    assert amounts(bia, {"amount_from": least, "amount_to": most}) == [5000, 123_456]
    assert amounts(bia, {"amount_from": least}) == [5000, 123_456, 123_457]
    assert amounts(bia, {"amount_to": most}) == [4999, 5000, 123_456]


def test_an_amount_beyond_the_column_finds_what_it_says(ana: Client) -> None:
    OrderFactory.create(total_cents=5000)

    assert amounts(ana, {"amount_from": "9999999999.99"}) == []
    assert amounts(ana, {"amount_to": "9999999999.99"}) == [5000]


# --- recent days ---


def test_days_that_move_with_today(ana: Client) -> None:
    today = datetime.combine(timezone.localdate(), datetime.min.time(), ZoneInfo("America/Sao_Paulo"))
    orders = {}
    for back in (0, 1, 6, 7):
        orders[back] = OrderFactory.create()
        Order.objects.filter(pk=orders[back].pk).update(created_at=today - timedelta(days=back) + timedelta(hours=1))

    def days(first: str, last: str) -> list[int]:
        found = ana.get(url(Order), {"created_at_from": first, "created_at_to": last}).context["cl"].result_list
        return [back for back, order in orders.items() if order in found]

    assert days("today", "today") == [0]
    assert days("today-1", "today-1") == [1]
    assert days("today-6", "today") == [0, 1, 6]


def test_a_link_to_recent_days_keeps_the_other_filters(ana: Client) -> None:
    page = ana.get(url(Order), {"status__exact": "aprovado", "created_at__year": "2026"}).content.decode()

    assert 'href="?status__exact=aprovado&amp;created_at_from=today&amp;created_at_to=today"' in page
