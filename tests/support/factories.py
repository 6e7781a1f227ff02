"""Believable rows."""

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from installations.models import ApiKey, Installation
from orders.models import Order, Question, Subscription
from orders.questions.why import Why
from webhooks.models import WebhookEvent


class InstallationFactory(DjangoModelFactory[Installation]):
    class Meta:
        model = Installation

    external_key = Sequence(lambda n: f"shop-{n}")
    app_id = "4242"
    merchant_client_id = Sequence(lambda n: f"merchant-{n}")
    merchant_client_secret = Sequence(lambda n: f"merchant-secret-{n}")


class OrderFactory(DjangoModelFactory[Order]):
    class Meta:
        model = Order

    installation = SubFactory(InstallationFactory)
    appmax_customer_id = Sequence(lambda n: 5000 + n)
    appmax_order_id = Sequence(lambda n: 9000 + n)
    total_cents = 12990


class QuestionFactory(DjangoModelFactory[Question]):
    """A question that Appmax was asked in vain."""

    class Meta:
        model = Question

    appmax_order_id = Sequence(lambda n: 9000 + n)
    installation = SubFactory(InstallationFactory)
    why = Why.MONEY
    since = LazyFunction(timezone.now)
    asked_at = LazyFunction(timezone.now)
    due_at = LazyFunction(timezone.now)
    times = 1


class WebhookEventFactory(DjangoModelFactory[WebhookEvent]):
    class Meta:
        model = WebhookEvent

    event = "order_paid"
    event_type = "order"
    appmax_order_id = Sequence(lambda n: 9000 + n)
    processed = False
    outcome = LazyAttribute(lambda row: "applied" if row.processed else "waiting")
    payload = LazyAttribute(lambda row: {"event": row.event, "data": {"order_id": row.appmax_order_id}})


def api_key(installation: Installation | None = None) -> str:
    """The text of a new API key."""
    key: str
    _, key = ApiKey.objects.create_key(name="test", installation=installation)
    return key


def subscribed(order: Order) -> Subscription:
    """A subscription that began with the order."""
    charge = {"cycle": 0, "order_id": order.appmax_order_id, "charged_at": "2026-07-15", "value": 100, "status": "paid"}
    return Subscription.objects.create(
        installation=order.installation,
        appmax_subscription_id=order.appmax_order_id,
        first_order=order,
        status="ACTIVE",
        interval="month",
        charges=[charge],
    )
