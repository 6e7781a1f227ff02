"""What happens to an order, and the webhooks that tell of it, in the app-store model."""

from typing import Any

from appmax.simulator.context import Simulation
from appmax.simulator.records import Order

TYPES = ("customer", "payment", "subscription")  # of events that aren't an order's


def envelope(app_id: str, event: str, external_key: str, data: dict[str, Any]) -> dict[str, Any]:
    """An app-store webhook's body."""
    kind = event.partition("_")[0]
    return {
        "event": event,
        "event_type": kind if kind in TYPES else "order",
        "site_id": 1,
        "app_id": app_id,
        "client_key": external_key,
        "external_key": external_key,
        "partner_merchant": None,
        "data": data,
    }


def order_event(simulation: Simulation, event: str, order: Order) -> dict[str, Any]:
    """The body that tells of this order."""
    data = {
        "order_id": order.id,
        "customer_id": order.customer_id,
        "order_status": order.status,
        "order_total": order.total,
        "payment_type": "pix" if order.pix_emv else None,
    }
    return envelope(simulation.settings.app_id_numeric, event, order.external_key, data)


def pix_created(simulation: Simulation, order: Order) -> None:
    """A Pix waits for its shopper."""
    simulation.courier.send(order_event(simulation, "order_pix_created", order))


def pay_pix(simulation: Simulation, order_id: int) -> Order | None:
    """The shopper pays: order_paid_by_pix, then order_approved. None if no Pix is pending."""
    order = simulation.state.end_pix(order_id, paid=True)
    if order is not None:
        names = ("order_paid_by_pix", "order_approved")
        simulation.courier.send(*(order_event(simulation, name, order) for name in names))
    return order


def expire_pix(simulation: Simulation, order_id: int) -> Order | None:
    """Nobody paid in time: order_pix_expired. None if no Pix is pending."""
    order = simulation.state.end_pix(order_id, paid=False)
    if order is not None:
        simulation.courier.send(order_event(simulation, "order_pix_expired", order))
    return order
