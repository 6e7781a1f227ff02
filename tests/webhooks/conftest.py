"""Webhooks as Appmax posts them, and an order that a simulated Appmax knows too."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client

from installations.models import Installation
from orders.models import Order, Question, Quota
from orders.questions import ask
from orders.questions.ask import Answer
from simulator.server import SimulatorServer
from tests.support.factories import OrderFactory
from tests.support.failing import statements_fail
from webhooks.models import WebhookEvent

URL = "/webhooks/appmax"


def handling_fails(error: type[Exception] | Exception = ZeroDivisionError) -> AbstractContextManager[None]:
    """Meanwhile no event can be handled: what is known of its order can't be read."""
    return statements_fail("FROM webhook_claim_sources", error)


def body(event: str, order_id: Any, **envelope: Any) -> dict[str, Any]:
    """A webhook's body."""
    return {"event": event, "event_type": "order", **envelope, "data": {"order_id": order_id}}


def send(event: str, order_id: Any, **envelope: Any) -> Any:
    """POST a webhook; the answer."""
    text = json.dumps(body(event, order_id, **envelope))
    return Client().post(URL, text, content_type="application/json")


@pytest.fixture
def known(shop: Installation, simulator: SimulatorServer) -> Callable[..., Order]:
    """Makes an order at Appmax, with this status there, and unless told otherwise a row of ours, pendente."""

    def make(status: str = "pendente", *, is_ours: bool = True) -> Any:
        customer_id = simulator.state.upsert_customer("shop", {"email": "ana@example.com"})
        amounts = {"products_value": 12990, "discount_value": 0, "shipping_value": 0}
        order_id = simulator.state.add_order("shop", customer_id, amounts, []).id
        simulator.state.orders[order_id].status = status
        return OrderFactory.create(installation=shop, appmax_order_id=order_id) if is_ours else order_id

    return make


def time_passes(seconds: float = 6) -> None:
    """All that has happened was so much earlier."""
    ago = timedelta(seconds=seconds)
    WebhookEvent.objects.update(created_at=F("created_at") - ago, processed_at=F("processed_at") - ago)
    Question.objects.update(since=F("since") - ago, asked_at=F("asked_at") - ago, due_at=F("due_at") - ago)
    Quota.objects.update(counted_at=F("counted_at") - ago, paused_until=F("paused_until") - ago)


def ask_appmax() -> Counter[Answer]:
    """A round of the worker's, when the time of every open question has come."""
    Question.objects.open().update(due_at=Now())
    return ask.ask_due()


def outcomes() -> list[str]:
    """Of all events, in the order of their arrival."""
    return list(WebhookEvent.objects.order_by("pk").values_list("outcome", flat=True))
