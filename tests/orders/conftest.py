"""A storefront's server in front of the product, and a simulated Appmax behind it."""

import copy
from typing import Any

import pytest
import requests
from django.test import Client

from dev.smoke import ORDER
from installations import clients
from installations.models import Installation
from simulator.orders import Order as RemoteOrder
from simulator.server import SimulatorServer
from tests.support.documented import APPLE_PAY, GOOGLE_PAY
from tests.support.factories import api_key

CPF = "529.982.247-25"
CARD = {
    "number": "4000 0000 0000 0010",
    "cvv": "123",
    "expiration_month": "12",
    "expiration_year": "2039",
    "holder_name": "ANA SOUZA",
    "holder_document_number": CPF,
}


@pytest.fixture
def store(shop: Installation) -> Client:
    """Sends the shop's API key."""
    return Client(headers={"Authorization": f"Api-Key {api_key(shop)}"})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """We wait 0.3 s for Appmax's answers."""
    monkeypatch.setattr(clients._transport(), "_read_timeout", 0.3)


def post(store: Client, path: str, body: Any, key: str | None = None) -> Any:
    """POST to the shop's checkout, with this Idempotency-Key."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return store.post(f"/checkout/shop/{path}", body, content_type="application/json", headers=headers)


def ordered(store: Client) -> int:
    """Appmax's id of a new order."""
    return int(post(store, "order", ORDER).json()["order_id"])


def by_card(order_id: int | None, **changes: Any) -> dict[str, Any]:
    """Body of pay/credit-card, of an order or with a new one."""
    target = ORDER if order_id is None else {"order_id": order_id}
    return {**target, "payment": {**CARD, **changes}}


def by_google_pay(order_id: int | None, token: str = "", **changes: Any) -> dict[str, Any]:
    """Body of pay/google-pay, of an order or with a new one, with the documented token or this one. A None takes a
    field away."""
    made = copy.deepcopy(GOOGLE_PAY)
    if token:
        made["payment_data"]["tokenizationData"]["token"] = token
    return _by_wallet(order_id, {**made, **changes})


def by_apple_pay(order_id: int | None, **changes: Any) -> dict[str, Any]:
    """Body of pay/apple-pay, likewise."""
    return _by_wallet(order_id, {**APPLE_PAY, **changes})


def _by_wallet(order_id: int | None, fields: dict[str, Any]) -> dict[str, Any]:
    target = ORDER if order_id is None else {"order_id": order_id}
    payment = {"holder_document_number": CPF, **fields}
    return {**target, "payment": {name: value for name, value in payment.items() if value is not None}}


def by_pix(order_id: int | None) -> dict[str, Any]:
    """Body of pay/pix and pay/boleto."""
    target = ORDER if order_id is None else {"order_id": order_id}
    return {**target, "document_number": CPF}


def remote(simulator: SimulatorServer, order_id: int) -> RemoteOrder:
    """The order as Appmax has it."""
    order: RemoteOrder | None = simulator.state.order(order_id)
    assert order is not None
    return order


def asked(simulator: SimulatorServer, route: str) -> Any:
    """The body of the newest call of this route, as the simulated Appmax's log shows it."""
    calls = requests.get(f"{simulator.url}/simulator/api/log", {"route": route}, timeout=5).json()
    return calls[0]["request"]
