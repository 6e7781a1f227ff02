"""Webhooks as Appmax posts them, and an order that a simulated Appmax knows too."""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from installations.models import Installation
from orders.models import Order
from simulator.server import SimulatorServer
from tests.factories import OrderFactory

URL = "/webhooks/appmax"
BROKEN_RULE = ("orders.status._RANK", defaultdict[str, int](lambda: 1 // 0))  # for monkeypatch: no event can be handled


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
