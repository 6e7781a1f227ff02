"""The models of a webhook's body that Appmax has in use. Pure: names, orders and customers in, JSON objects out.

The app-store models tell amounts in integer cents; the panel's, which merchants choose there, in decimal reais, as
numbers or as text, and dates without a zone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.catalogue import CUSTOMER, ORDER, SUBSCRIPTION, Event, find
from simulator.orders import CANCELLED, Order
from simulator.records import as_appmax_writes
from simulator.subscriptions import Subscription

APP_STORE, GUIDE, LEGACY = "app_store", "app_store_guide", "old_legacy"
STANDARD, WITH_META, FLAT, CUSTOM = "standard", "standard_with_meta", "two_level_flat", "custom_content"
MODELS = (APP_STORE, GUIDE, LEGACY, STANDARD, WITH_META, FLAT, CUSTOM)

_TOLD_OF_CUSTOMERS = ("subscription_cancelation", "subscription_delayed")  # by the panel's models

REASON = "Saldo insuficiente"  # of every decline
NOBODY: Mapping[str, Any] = {  # whom events tell of whose customer isn't known
    "id": 1,
    "first_name": "Fulano",
    "last_name": "de Teste",
    "email": "fulano@example.com",
    "phone": "11999999999",
}


def made_up_order(order_id: Any) -> Order:
    """What is told of an order that the simulator doesn't know; the id stays as it is, whatever it is."""
    return Order(order_id, "", NOBODY["id"], 10000, 0, 0, [])


def trial_body(model: str, app_id: str) -> dict[str, Any]:
    """What the panel's "test" button sends: order 1, a made-up name, and a status that contradicts the event."""
    order = made_up_order(1)
    order.status = CANCELLED
    return body(model, "order_approved", order, NOBODY, app_id)


def body(
    model: str,
    name: str,
    order: Order,
    customer: Mapping[str, Any],
    app_id: str,
    subscription: Subscription | None = None,
) -> dict[str, Any]:
    """The event of this name in this model. `customer`: id, first_name, last_name, email, phone. An event about a
    subscription that isn't known tells of the order, as all did before the documentation had the subscription's."""
    event = find(name)
    if event.about != SUBSCRIPTION:
        subscription = None
    if model in (APP_STORE, GUIDE):
        tell = _guide if model == GUIDE else _app_store
        data = tell(order, customer) if event.about != CUSTOMER else dict(_person(customer))
        data = _app_store_subscription(subscription) if subscription else data
        return {
            "event": event.spelled(pascal=False),
            "event_type": event.about,
            "site_id": 1,
            "app_id": app_id,
            "client_key": order.installed_as or order.external_key,
            "external_key": order.installed_as or order.external_key,
            "partner_merchant": None,
            "data": data,
        }
    if model == LEGACY:
        data = {"id": customer["id"]} if event.about == CUSTOMER else {"order_id": order.id}
        return {"event": event.spelled(pascal=False), "event_type": ORDER, "data": data}
    told = _panel(model, event, order, customer)
    if subscription and event.name in _TOLD_OF_CUSTOMERS:
        told["data"] = {**_OF_CUSTOMERS[model](order, customer), "subscription": {"id": subscription.id}}
    return told


def order_id_of(body: Mapping[str, Any]) -> int | None:
    """The order that a body of any model names; None if it names none."""
    data = body.get("data")
    if not isinstance(data, dict):
        return None
    order = data.get("order")
    claimed = data.get("order_id") or (order.get("id") if isinstance(order, dict) else None)
    if claimed is None and "customer_id" in data:
        claimed = data.get("id")
    text = str(claimed)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


# --- what the models tell --------------------------------------------------------------------------------------------


def _app_store(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "order_id": order.id,
        "customer_id": order.customer_id,
        "order_status": order.status,
        "order_total": order.total,
        "payment_type": order.method,
    }


def _app_store_subscription(subscription: Subscription) -> dict[str, Any]:
    """It names no order, and no cycle."""
    return {
        "subscription_id": subscription.id,
        "subscription_name": subscription.name,
        "total": subscription.terms.total,
        "customer_id": subscription.customer_id,
        "created_at": as_appmax_writes(subscription.created_at),
        "updated_at": as_appmax_writes(subscription.updated_at),
    }


def _guide(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "order": {"id": order.id, "status": order.status, "total": order.total, "payment_type": order.method},
        "customer": _person(customer),
    }


def _panel(model: str, event: Event, order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    reason = f" | Reason: {REASON}" if event.declined else ""
    told = {"event": event.spelled(pascal=True) + reason}
    if model in (STANDARD, WITH_META):
        told["event_type"] = ""
    tell = _OF_CUSTOMERS[model] if event.about == CUSTOMER else _OF_ORDERS[model]
    return {**told, "data": tell(order, customer)}


def _standard(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": order.id,
        "customer_id": order.customer_id,
        "status": order.status,
        "total": f"{order.total / 100:.2f}",
        "total_products": f"{order.products_value / 100:.2f}",
        "discount": f"{order.discount_value / 100:.2f}",
        "freight_value": f"{order.shipping_value / 100:.2f}",
        "payment_type": order.method,
        "created_at": as_appmax_writes(order.created_at),
        "customer": _panel_customer(order, customer),
    }


def _with_meta(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    return {**_standard(order, customer), "meta": [{"key": "origem", "value": "simulador"}]}


def _flat(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    """The model whose ids are text."""
    return {
        "order_id": str(order.id),
        "order_status": order.status,
        "order_total": order.total / 100,
        "order_total_products": order.products_value / 100,
        "order_freight_value": order.shipping_value / 100,
        "order_payment_type": order.method,
        "order_created_at": as_appmax_writes(order.created_at),
        **_flat_customer(order, customer),
    }


def _custom(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    """Names of a merchant's own choice."""
    return {
        "order_id": order.id,
        "orderStatus": order.status,
        "totalAmount": order.total / 100,
        "paymentMethod": order.method,
        "createdAt": as_appmax_writes(order.created_at),
        **_custom_customer(order, customer),
    }


def _person(customer: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "first_name", "last_name", "email", "phone")
    return {name: customer[name] for name in names if name in customer}


def _panel_customer(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    person = _person(customer)
    return {
        "id": person["id"],
        "firstname": person.get("first_name", ""),
        "lastname": person.get("last_name", ""),
        "email": person.get("email", ""),
        "telephone": person.get("phone", ""),
    }


def _flat_customer(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": str(customer["id"]),
        "customer_name": _whole_name(customer),
        "customer_email": customer.get("email", ""),
        "customer_telephone": customer.get("phone", ""),
    }


def _custom_customer(order: Order, customer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "customerId": customer["id"],
        "customerName": _whole_name(customer),
        "customerEmail": customer.get("email", ""),
    }


def _whole_name(customer: Mapping[str, Any]) -> str:
    return f"{customer.get('first_name', '')} {customer.get('last_name', '')}".strip()


_Teller = Callable[[Order, Mapping[str, Any]], dict[str, Any]]
_OF_ORDERS: Mapping[str, _Teller] = {STANDARD: _standard, WITH_META: _with_meta, FLAT: _flat, CUSTOM: _custom}
_OF_CUSTOMERS: Mapping[str, _Teller] = {
    STANDARD: _panel_customer,
    WITH_META: _panel_customer,
    FLAT: _flat_customer,
    CUSTOM: _custom_customer,
}
