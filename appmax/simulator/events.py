"""What happens to an order, and the webhooks that tell of it, in the app-store model."""

from functools import partial
from typing import Any

from appmax.simulator.context import Simulation
from appmax.simulator.orders import BOLETO, PENDING_METHODS, PIX, REFUNDED, Order

TYPES = ("customer", "payment", "subscription")  # of events that aren't an order's

PAID = {PIX: ("order_paid_by_pix", "order_approved"), BOLETO: ("order_paid", "order_approved")}
NOT_PAID = {PIX: ("order_pix_expired",), BOLETO: ("order_billet_overdue",)}


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
        "payment_type": order.method,
    }
    return envelope(simulation.settings.app_id_numeric, event, order.external_key, data)


def tell(simulation: Simulation, order: Order, *names: str) -> None:
    """Post these events of the order, one after another."""
    simulation.courier.send(*(order_event(simulation, name, order) for name in names))


def pay(simulation: Simulation, order_id: int, method: str = "") -> Order | None:
    """The shopper pays the pending Pix or boleto (`method`; a Pix before a boleto). None if none is pending."""
    return _settle(simulation, order_id, method, paid=True)


def expire(simulation: Simulation, order_id: int, method: str = "") -> Order | None:
    """Nobody paid the pending Pix or boleto in time (`method`; a Pix before a boleto). None if none is pending."""
    return _settle(simulation, order_id, method, paid=False)


def _settle(simulation: Simulation, order_id: int, wanted: str, *, paid: bool) -> Order | None:
    payment_id = simulation.state.next_payment_id()
    for method in [wanted] if wanted else PENDING_METHODS:
        change = partial(Order.settle, payment_id=payment_id, method=method, paid=paid)
        order = simulation.state.change_order(order_id, change)
        if order is not None:
            tell(simulation, order, *(PAID if paid else NOT_PAID)[method])
            return order
    return None


def refund(simulation: Simulation, order_id: int, cents: int | None = None) -> Order | None:
    """Give back these cents, or all that is left. None if that much isn't left, or nothing at all."""
    order = simulation.state.change_order(order_id, partial(Order.refund, cents=cents))
    if order is not None:
        tell(simulation, order, "order_refund" if order.status == REFUNDED else "order_partial_refund")
    return order
