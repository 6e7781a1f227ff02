"""What support is asked about webhook events, each begun on the overview."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from backoffice import batches
from orders.models import Order, Question
from orders.questions.why import Why
from tests.browser.hand import Tasks
from tests.support.factories import OrderFactory, WebhookEventFactory

pytestmark = pytest.mark.django_db(transaction=True)


def unprocessed(page: Page) -> Locator:
    return page.locator("#nav-sidebar-apps").get_by_role("link", name="Eventos não processados")


def test_whether_an_event_was_applied_and_replaying_it(overview: Callable[..., Page], tasks: Tasks) -> None:
    order: Order = OrderFactory.create(payment_method="pix", pix_emv="0002")
    event = {"appmax_order_id": order.appmax_order_id, "processed": True, "processed_at": timezone.now()}
    WebhookEventFactory.create(**event, event="order_pix_created")
    WebhookEventFactory.create(**event, event="order_paid_by_pix", outcome="ignored")
    page = overview("Support")
    line = page.locator(".timeline").get_by_role("link", name=re.compile("order_paid_by_pix"))

    with tasks("was an event applied", page, fields=1) as hand:
        hand.find(str(order))
        hand.sees("Webhook order_pix_created: Aplicado", "Webhook order_paid_by_pix: Ignorado", within=".timeline")

    page.goto("/admin/")
    with tasks("replay it", page, clicks=3, fields=1) as hand:
        hand.find(str(order))
        hand.click(line)
        hand.sees("passaria a Aprovado")
        hand.click(page.get_by_role("link", name="Reprocessar"))
        hand.click(page.get_by_role("button", name="Reprocessar"))
        hand.sees("agora está como Aprovado")

    order.refresh_from_db()
    assert order.status == "aprovado"


def test_what_is_unprocessed_why_and_when_it_is_tried(overview: Callable[..., Page], tasks: Tasks) -> None:
    order = OrderFactory.create()
    Question.objects.put(order.appmax_order_id, order.installation_id, Why.MONEY)
    Question.objects.update(times=2, due_at=timezone.now() + timedelta(minutes=20, seconds=10), error="Unavailable")
    WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
    WebhookEventFactory.create(event="order_refund", outcome="failed", error_message="OperationalError", tries=3)
    page = overview("Support")

    with tasks("unprocessed and why", page, clicks=1) as hand:
        hand.click(unprocessed(page))
        hand.sees("O banco de dados não respondeu", "A Appmax não respondeu")

    page.goto("/admin/")
    with tasks("which retries when", page, clicks=1) as hand:
        hand.click(unprocessed(page))
        hand.sees("próxima tentativa: em até 15 segundos", "próxima tentativa: em 20 minutos")


def test_all_that_wait_are_tried(overview: Callable[..., Page], tasks: Tasks) -> None:
    for number in range(3):
        event = WebhookEventFactory.create(event="order_paid", outcome="failed", error_message="x", tries=number)
        OrderFactory.create(appmax_order_id=event.appmax_order_id)
    page = overview("Support")

    with tasks("retry all", page, clicks=3) as hand:
        hand.click(unprocessed(page))
        hand.click(page.get_by_role("link", name="Tentar todos agora"))
        hand.click(page.get_by_role("button", name="Tentar agora"))
        expect(page.get_by_text("0 de 3 eventos já foram tentados.")).to_be_visible()
        assert not batches.go_on(), "this is what the worker does"
        expect(page.get_by_text("3 eventos foram tentados em")).to_be_visible()

    assert set(Order.objects.values_list("status", flat=True)) == {"aprovado"}
