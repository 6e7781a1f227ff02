"""What happens to an order, and the webhooks that tell of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from simulator import models
from simulator.context import Simulation
from simulator.orders import BOLETO, PENDING_METHODS, PIX, REFUNDED, Order
from simulator.reading import is_whole
from simulator.records import Delivery, Plan, now

PAID = {PIX: ("order_paid_by_pix", "order_approved"), BOLETO: ("order_paid", "order_approved")}
NOT_PAID = {PIX: ("order_pix_expired",), BOLETO: ("order_billet_overdue",)}


def event_body(simulation: Simulation, name: str, order_id: Any, model: str = "") -> dict[str, Any]:
    """The webhook of this event, in the model that is switched on unless one is named.

    `order_id`: of an order that is known or not; None for an event that is about none, which a customer's may be.
    """
    state = simulation.state
    order = (state.order(order_id) if is_whole(order_id) else None) or models.made_up_order(order_id)
    customer = state.known_customer(None if order_id is None else order.customer_id) or models.NOBODY
    model = model or state.switches.webhook_model
    return models.body(model, name, order, customer, simulation.settings.app_id_numeric)


def send(simulation: Simulation, bodies: list[dict[str, Any]], plan: Plan) -> list[Delivery]:
    """Post these webhooks to the URL that is in force now."""
    return simulation.courier.send(simulation.state.webhook_url, bodies, plan)


def tell(simulation: Simulation, order: Order, *names: str) -> None:
    """Post these events of the order, as the switches have it."""
    switches = simulation.state.switches
    customer = simulation.state.known_customer(order.customer_id) or models.NOBODY
    app_id = simulation.settings.app_id_numeric
    bodies = [models.body(switches.webhook_model, name, order, customer, app_id) for name in names]
    send(simulation, bodies, switches.plan)


def pay(simulation: Simulation, order_id: int, method: str = "") -> Order | None:
    """The shopper pays the pending Pix or boleto (`method`; a Pix before a boleto). None if none is pending."""
    return _settle(simulation, order_id, method, paid=True)


def expire(simulation: Simulation, order_id: int, method: str = "") -> Order | None:
    """Nobody paid the pending Pix or boleto in time (`method`; a Pix before a boleto). None if none is pending."""
    return _settle(simulation, order_id, method, paid=False)


def expire_pix_in_time(simulation: Simulation) -> None:
    """Each Pix whose time is up ends."""
    moment = now()
    for order_id in simulation.state.orders_whose_pix_is_over(moment):
        _change(simulation, order_id, partial(Order.expire_pix, moment=moment), NOT_PAID[PIX])


def _settle(simulation: Simulation, order_id: int, wanted: str, *, paid: bool) -> Order | None:
    for method in [wanted] if wanted else PENDING_METHODS:
        change = partial(Order.settle, method=method, paid=paid)
        order = _change(simulation, order_id, change, (PAID if paid else NOT_PAID)[method])
        if order is not None:
            return order
    return None


def _change(simulation: Simulation, order_id: int, change: Callable[..., bool], names: tuple[str, ...]) -> Order | None:
    """The order after a change that may need the id of a new payment, once these events are on their way."""
    payment_id = simulation.state.next_payment_id()
    order = simulation.state.change_order(order_id, partial(change, payment_id=payment_id))
    if order is not None:
        tell(simulation, order, *names)
    return order


def refund(simulation: Simulation, order_id: int, cents: int | None = None) -> Order | None:
    """Give back these cents, or all that is left. None if that much isn't left, or nothing at all."""
    order = simulation.state.change_order(order_id, partial(Order.refund, cents=cents))
    if order is not None:
        tell(simulation, order, "order_refund" if order.status == REFUNDED else "order_partial_refund")
    return order
