"""What happens to an order, and the webhooks that tell of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from simulator import models, subscriptions
from simulator.cards import OUTCOMES
from simulator.context import Simulation
from simulator.orders import APPROVED, BOLETO, CARD, PENDING_METHODS, PIX, REFUNDED, Order, Payment
from simulator.reading import is_whole
from simulator.records import Delivery, PaymentLink, Plan, now
from simulator.subscriptions import Charge, Subscription, Terms

PAID = {PIX: ("order_paid_by_pix", "order_approved"), BOLETO: ("order_paid", "order_approved")}
NOT_PAID = {PIX: ("order_pix_expired",), BOLETO: ("order_billet_overdue",)}
SOLD = OUTCOMES["4000000000000010"].events  # an order that Appmax has charged a card for


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
    return simulation.courier.send(simulation.state.webhook_url, bodies, plan)


def tell(simulation: Simulation, order: Order, *names: str, subscription: Subscription | None = None) -> None:
    """Post these events of the order, and of the subscription that has made it, as the switches have it."""
    switches = simulation.state.switches
    customer = simulation.state.known_customer(order.customer_id) or models.NOBODY
    app_id = simulation.settings.app_id_numeric
    bodies = [models.body(switches.webhook_model, name, order, customer, app_id, subscription) for name in names]
    send(simulation, bodies, switches.plan)


def tell_of_subscription(simulation: Simulation, subscription: Subscription, *names: str) -> None:
    """Post these events of the subscription."""
    tell(simulation, subscription.first_order, *names, subscription=subscription)


def pay(simulation: Simulation, order_id: int, method: str = "") -> Order | None:
    """Pays the pending Pix or boleto, as the shopper. If no `method` is named, a Pix goes first. None if none is
    pending."""
    return _settle(simulation, order_id, method, paid=True)


def expire(simulation: Simulation, order_id: int, method: str = "") -> Order | None:
    """Ends the pending Pix or boleto unpaid. If no `method` is named, a Pix goes first. None if none is pending."""
    return _settle(simulation, order_id, method, paid=False)


def expire_pix_in_time(simulation: Simulation) -> None:
    """Ends each Pix whose time is up."""
    moment = now()
    for order_id in simulation.state.orders_whose_pix_is_over(moment):
        _change(simulation, order_id, partial(Order.expire_pix, moment=moment), NOT_PAID[PIX])


def _settle(simulation: Simulation, order_id: int, wanted: str, *, paid: bool) -> Order | None:
    for method in [wanted] if wanted else PENDING_METHODS:
        change = partial(Order.settle, method=method, paid=paid)
        order = _change(simulation, order_id, change, (PAID if paid else NOT_PAID)[method])
        if order is not None:
            if order.status == APPROVED and order.subscription_wish:
                begin_subscription(simulation, order, order.subscription_wish)
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
    """Gives back these cents, or all that is left if None. None is returned if that much isn't left, or nothing at
    all."""
    order = simulation.state.change_order(order_id, partial(Order.refund, cents=cents))
    if order is not None:
        tell(simulation, order, "order_refund" if order.status == REFUNDED else "order_partial_refund")
    return order


# --- subscriptions and payment links ---------------------------------------------------------------------------------


def begin_subscription(
    simulation: Simulation,
    order: Order,
    wish: dict[str, Any],
    terms: Terms | None = None,
) -> Subscription:
    """Renew the order, which is paid, from now on. `wish` is what the app asked for, and must be right. Without `terms`
    the products and amounts are the order's."""
    moment, terms = now(), terms or Terms.of(order)
    interval, number = wish["interval"], wish.get("interval_count") or 1
    subscription = Subscription(
        id=simulation.state.next_id(),
        external_key=order.external_key,
        customer_id=order.customer_id,
        interval=interval,
        interval_count=number,
        terms=terms,
        next_charge_at=subscriptions.midnight(wish.get("next_charge_at"))
        or subscriptions.later(moment, interval, number),
        first_order=order,
        max_cycles=wish.get("max_cycles"),
        fail_max_tries=wish.get("fail_max_tries") or subscriptions.FAIL_MAX_TRIES,
        fail_interval_hours=wish.get("fail_interval_hours") or subscriptions.FAIL_INTERVAL_HOURS,
        charges=[Charge(0, order.id, moment, order.total_paid, subscriptions.PAID)],
    )
    subscription = simulation.state.add_subscription(subscription)
    tell_of_subscription(simulation, subscription, "subscription_created")
    return subscription


def renew(simulation: Simulation, subscription_id: int, *, declined: bool) -> Subscription | None:
    """Move the clock on to the subscription's next charge, which is paid by a new order, or declined. None if it has no
    next charge."""
    if declined:
        failed = simulation.state.change_subscription(subscription_id, Subscription.fail)
        if failed is not None:
            tell_of_subscription(simulation, failed, "subscription_charge_failed")
        return failed
    before = simulation.state.subscription(subscription_id)
    if before is None or not before.may_renew:
        return None
    order = _next_order(simulation, before)
    renewed = simulation.state.change_subscription(subscription_id, partial(Subscription.renew, order=order))
    if renewed is None:
        return None
    first = before.first_order
    card = first.charges[-1] if first.charges else Payment(0, CARD, 0, APPROVED)
    sold = simulation.state.add_sold_order(order, _charged(simulation, order.total, card))
    tell(simulation, sold, *SOLD, "subscription_charge_success", subscription=renewed)
    return renewed


def _next_order(simulation: Simulation, subscription: Subscription) -> Order:
    return Order(
        simulation.state.next_id(),
        subscription.external_key,
        subscription.customer_id,
        subscription.terms.value,
        subscription.terms.discount,
        subscription.terms.freight,
        [{name: value for name, value in row.items() if name != "product_id"} for row in subscription.terms.products],
        installed_as=subscription.first_order.installed_as,
    )


def _charged(simulation: Simulation, cents: int, card: Payment) -> Payment:
    """A payment of so many cents by the card of an earlier payment."""
    return Payment(
        simulation.state.next_payment_id(),
        CARD,
        cents,
        APPROVED,
        card.card_last4,
        f"renewal-{card.id}",
        card_first6=card.card_first6,
        card_brand=card.card_brand,
    )


def sell_by_link(simulation: Simulation, link: PaymentLink) -> Order:
    """A shopper whom nobody knows pays what the link asks for, by card."""
    customer_id = simulation.state.upsert_customer(link.external_key, models.NOBODY)
    product = {"sku": f"link-{link.id}", "name": link.name, "quantity": 1, "unit_value": link.value}
    order = Order(simulation.state.next_id(), link.external_key, customer_id, link.value, 0, 0, [product])
    card = Payment(0, CARD, link.value, APPROVED, "0010", card_first6="400000", card_brand="visa")
    sold = simulation.state.add_sold_order(order, _charged(simulation, link.value, card))
    tell(simulation, sold, *SOLD)
    return sold
