"""A paid order is renewed in Appmax's time, which a button moves on; staff see the renewal beside its subscription."""

from collections.abc import Callable

import pytest
from django.db.models.functions import Now
from django.test import Client
from playwright.sync_api import Page, expect

from installations.models import Installation
from orders.models import Order, Question, Subscription, SubscriptionQuestion
from orders.questions import ask
from orders.subscriptions import ask as subscriptions
from simulator.server import SimulatorServer
from tests.orders.conftest import by_card, post
from tests.support.factories import api_key
from tests.support.processes import wait_until
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


def work() -> None:
    """This is what the worker does, when the time of all questions has come."""
    SubscriptionQuestion.objects.update(due_at=Now())
    subscriptions.ask_due()
    Question.objects.open().update(due_at=Now())
    ask.ask_due()


def test_a_renewal_stands_beside_its_subscription_until_staff_cancel_it(
    staff: Callable[..., Page], shop: Installation, appmax: SimulatorServer
) -> None:
    store = Client(headers={"Authorization": f"Api-Key {api_key(shop)}"})
    paid = post(store, "pay/credit-card", by_card(None)).json()["order_id"]
    number = post(store, "subscriptions", {"order_id": paid, "interval": "month"}).json()["subscription_id"]

    page = staff("/admin/orders/order/")
    page.goto(f"{appmax.url}/subscriptions")
    page.get_by_role("button", name="To the next charge").click()
    expect(page.locator(f"[id='{number}'] li")).to_have_count(2)
    wait_until(WebhookEvent.objects.filter(event="subscription_charge_success").exists)
    work()

    page.goto("/admin/orders/subscription/")
    page.get_by_role("link", name=str(number), exact=True).click()
    expect(page.get_by_text("Renovação 1: Paga")).to_be_visible()
    renewal = Order.objects.exclude(appmax_order_id=paid).get()
    page.get_by_role("link", name=f"Pedido {renewal}", exact=True).click()
    page.get_by_role("link", name=f"renovação da {number}", exact=True).click()
    page.get_by_role("link", name="Cancelar a assinatura").click()
    page.fill("#id_reason", "O comprador não quer mais.")
    page.get_by_role("button", name="Cancelar a assinatura").click()

    expect(page.get_by_text("A Appmax fez: a assinatura está Cancelada.")).to_be_visible()
    assert Subscription.objects.get().status == "CANCELLED"
    page.goto(f"{appmax.url}/subscriptions")
    expect(page.get_by_text("CANCELLED")).to_be_visible()
    expect(page.get_by_role("button", name="To the next charge")).to_have_count(0)
