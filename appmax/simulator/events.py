"""What happens to an order, and the webhooks that tell of it, in the app-store model."""

from typing import Any

from appmax.simulator.delivery import Courier
from appmax.simulator.settings import SimulatorSettings
from appmax.simulator.state import Order


def envelope(settings: SimulatorSettings, event: str, external_key: str, data: dict[str, Any]) -> dict[str, Any]:
    """An app-store webhook's body."""
    return {
        "event": event,
        "event_type": "order",
        "site_id": 1,
        "app_id": settings.app_id_numeric,
        "client_key": external_key,
        "external_key": external_key,
        "partner_merchant": None,
        "data": data,
    }


def order_event(settings: SimulatorSettings, event: str, order: Order) -> dict[str, Any]:
    """The body that tells of this order."""
    data = {
        "order_id": order.id,
        "customer_id": order.customer_id,
        "order_status": order.status,
        "order_total": order.total,
    }
    return envelope(settings, event, order.external_key, data)


def pix_paid(settings: SimulatorSettings, courier: Courier, order: Order) -> None:
    """The shopper pays: order_paid_by_pix, then order_approved."""
    order.status, order.total_paid = "aprovado", order.total
    courier.send(order_event(settings, "order_paid_by_pix", order), order_event(settings, "order_approved", order))


def pix_expired(settings: SimulatorSettings, courier: Courier, order: Order) -> None:
    """Nobody paid in time."""
    order.status = "cancelado"
    courier.send(order_event(settings, "order_pix_expired", order))
