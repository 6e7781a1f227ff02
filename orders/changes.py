"""Changes an order's status, which is done nowhere else but in the statement of a webhook (webhooks/rows.py), and puts
into the outbox what storefronts are told of it, of payments and of refunds.

All of it is called in the transaction that makes the change, with the order's row locked.
"""

from collections.abc import Mapping
from copy import copy
from enum import StrEnum
from typing import Any

from django.db.models import prefetch_related_objects

from notifications import outbox
from notifications.models import EventType
from orders.answers import OrderAnswer, RefundAnswer
from orders.models import Order, PaymentAttempt, Refund
from orders.status import (
    IN_CHARGEBACK,
    PAID_AND_KEPT,
    RESTARTABLE,
    UNDECIDED,
    UNDECIDED_CHARGEBACKS,
    OrderStatus,
    RefundState,
    advances,
)


class Cause(StrEnum):
    """Why an order has another status, as storefronts are told."""

    PAYMENT = "payment"
    """The answer to a payment of our checkout, or that nothing came of one."""
    NEW_PAYMENT = "new_payment"
    """A new payment begins, so that a cancelled order is pending again."""
    WEBHOOK = "webhook"
    """Appmax told us."""
    ASKED = "asked"
    """Appmax said so when we asked."""
    CORRECTED = "corrected"
    """Appmax said, when we asked, that what we had told before wasn't true."""


def advance(order: Order, new: str, cause: Cause) -> bool:
    """Move to the status `new` if the rank rule allows it; returns whether it did."""
    if not advances(order.status, new):
        return False
    set_status(order, new, cause)
    return True


def restart(order: Order) -> str | None:
    """Make a cancelado or recusado_por_risco order pendente again, because a new payment attempt begins. Returns the
    status before, or None if the order wasn't one of these."""
    before = order.status
    if before not in RESTARTABLE:
        return None
    set_status(order, OrderStatus.PENDENTE, Cause.NEW_PAYMENT)
    return before


def set_status(order: Order, new: str, cause: Cause) -> None:
    """Set the status against the rank rule, for our own checkout and for what Appmax itself has confirmed."""
    before, order.status = order.status, new
    order.save(update_fields=["status", "updated_at"])
    tell_moved(order, before, cause)


def tell_moved(order: Order, before: str, cause: Cause) -> None:
    """Tell that the order, which was `before`, has its status now."""
    if before == order.status:
        return
    moved = {EventType.ORDER_STATUS_CHANGED: {"from": before, "to": order.status, "why": cause.value}}
    _tell(order, moved | meanings(before, order.status, elsewhere=_is_refunded_elsewhere(order)))


def tell_created(order: Order) -> None:
    """Tell that there is a new order, and what its status means if it has got further already."""
    _tell(order, {EventType.ORDER_CREATED: {}} | meanings(OrderStatus.PENDENTE, order.status, elsewhere=True))


def tell_payment(attempt: PaymentAttempt, order: Order, event_type: EventType, reason: str) -> None:
    """Tell what became of a payment attempt. `reason` is in Appmax's words, as the payment's route answers it."""
    payment = {"method": attempt.method, "state": attempt.state, "reason": reason}
    _tell(order, {event_type: {"payment": payment}})


def tell_refund(refund: Refund, order: Order, event_type: EventType) -> None:
    """Tell that Appmax has taken a refund, or that its money has gone back."""
    _tell(order, {event_type: {"refund": RefundAnswer(refund).data}})


def tell_refunded_elsewhere(order: Order) -> None:
    """Tell that money has gone back which was refunded in Appmax's panel."""
    _tell(order, {EventType.REFUND_COMPLETED: {"refund": None}})


def meanings(before: str, now: str, *, elsewhere: bool) -> dict[EventType, Mapping[str, Any]]:
    """What a change of the status means beyond itself, with what is added to the order's answer.

    A refund of ours is told when it is confirmed (refunds.py). `elsewhere` tells that the money which went back was
    refunded in Appmax's panel, so that only the status tells of it.
    """
    told: dict[EventType, Mapping[str, Any]] = {}
    if now in PAID_AND_KEPT and before in (*UNDECIDED, *RESTARTABLE):
        told[EventType.ORDER_PAID] = {}
    if now == OrderStatus.ESTORNADO and elsewhere:
        told[EventType.REFUND_COMPLETED] = {"refund": None}
    if now in IN_CHARGEBACK and before not in IN_CHARGEBACK:
        told[EventType.CHARGEBACK_OPENED] = {}
    if (now in _CLOSED and before not in _CLOSED) or (before in UNDECIDED_CHARGEBACKS and now not in IN_CHARGEBACK):
        told[EventType.CHARGEBACK_CLOSED] = {}
    return told


def _is_refunded_elsewhere(order: Order) -> bool:
    """Whether more has gone back of an order that is estornado than the refunds that were asked for through us."""
    if order.status != OrderStatus.ESTORNADO:
        return False
    ours = list(order.refunds.exclude(state=RefundState.REFUSED))
    are_done = all(refund.state == RefundState.CONFIRMED for refund in ours)
    return are_done and (not ours or sum(refund.amount_cents for refund in ours) < order.total_cents)


_CLOSED = (OrderStatus.CHARGEBACK_PERDIDO, OrderStatus.CHARGEBACK_VENCIDO)


def _tell(order: Order, events: Mapping[EventType, Mapping[str, Any]]) -> None:
    outbox.put(order.installation_id, order.appmax_order_id, events, lambda: _answer(order))


def _answer(order: Order) -> Mapping[str, Any]:
    """The order as its route answers it. The refunds are read once, for a copy, as they may change hereafter."""
    shown = copy(order)
    prefetch_related_objects([shown], "refunds")
    return OrderAnswer(shown).data
