"""Refunds. Each is asked of Appmax once, never exceeds what was paid, and is done when Appmax says so."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import Error as DatabaseFailure
from django.db import transaction
from django.utils import timezone

from appmax.client import AppmaxClient
from appmax.errors import AppmaxError, OutcomeUnknown
from installations import clients
from notifications.models import EventType
from orders import changes
from orders.idempotency import Claim
from orders.models import Order, Refund
from orders.status import OPEN_REFUNDS, OrderStatus, RefundState

log = structlog.stdlib.get_logger(__name__)

_CLOCKS_DIFFER = timedelta(minutes=5)  # the most by which Appmax's clock may differ from ours


class TooMuch(Exception):
    """The refund exceeds what is left of the order's money."""

    def __init__(self, left_cents: int) -> None:
        super().__init__(f"only {left_cents} cents of this order are left to be paid back" if left_cents else "")


@dataclass(frozen=True)
class Wish:
    """A refund that somebody wants. `cents` is None for all that is left. `asked_by` is the pk of a member of staff,
    and `api_key` the prefix of a storefront's key."""

    cents: int | None
    reason: str = ""
    asked_by: int | None = None
    api_key: str | None = None


def ask(order: Order, wish: Wish, claim: Claim) -> Refund:
    """Ask Appmax for a refund. It is done only when Appmax says so later (`confirm`).

    1. The refund is recorded with the order's row locked, so that the second of two at once sees what the first takes.
    2. Appmax is called.
    3. The refund's new state is written.

    Raises AppmaxError, TooMuch. That is OutcomeUnknown also for a request whose first try was cut off.
    """
    if earlier := _earlier(order, claim):
        return earlier
    client = clients.client_for(order.installation, calls=1 if order.total_cents else 2)
    if not order.total_cents:
        _learn_total(order, client)
    refund = _record(order, wish, claim)
    try:
        client.request_refund(order_id=order.appmax_order_id, value=wish.cents)
    except OutcomeUnknown:
        log.warning("refund.unknown", order=order.appmax_order_id, refund=refund.pk)
        raise
    except AppmaxError as error:
        _settle(refund, RefundState.REFUSED)
        log.warning("refund.refused", order=order.appmax_order_id, refund=refund.pk, error=type(error).__name__)
        raise
    _settle(refund, RefundState.ASKED)
    log.info("refund.asked", order=order.appmax_order_id, refund=refund.pk, cents=refund.amount_cents)
    return refund


def confirm(order: Order, *, cents: int | None = None, at: datetime | None = None) -> int:
    """Settle refunds as confirmed, because Appmax says that money of this order went back; returns their number.

    1. If the order is estornado, all its open refunds are confirmed. Otherwise it is one.
    2. That one is the refund of `cents`, if Appmax said how much, or else the oldest open one.
    3. `at` is when the money went back, if Appmax said so. A refund with the same time was confirmed before. A time
       before ours was asked is that of a refund made in Appmax's panel.
    4. Such a refund has no row here, because Appmax doesn't say how much it was. The order keeps its time, unless one
       of ours that was settled by hand may be meant.

    The order's row must be locked.
    """
    refunds = order.refunds.filter(state__in=OPEN_REFUNDS).order_by("pk")
    if order.status != OrderStatus.ESTORNADO:
        if at and order.refunds.filter(state=RefundState.CONFIRMED, settled_at=at).exists():
            return 0
        refunds = refunds.filter(amount_cents=cents) if cents else refunds
        refunds = refunds.filter(asked_at__lte=at + _CLOCKS_DIFFER) if at else refunds
        refunds = order.refunds.filter(pk__in=list(refunds.values_list("pk", flat=True)[:1]))
    done = list(refunds)
    for refund in done:
        refund.state, refund.settled_at = RefundState.CONFIRMED, at or timezone.now()
        refund.save(update_fields=["state", "settled_at"])
        changes.tell_refund(refund, order, EventType.REFUND_COMPLETED)
    if at and not done and order.status != OrderStatus.ESTORNADO:
        by_hand = order.refunds.filter(
            state=RefundState.CONFIRMED, asked_at__lte=at + _CLOCKS_DIFFER, settled_at__gte=at
        )
        if order.refunded_elsewhere_at != at and not by_hand.exists():
            order.keep(refunded_elsewhere_at=at)
            changes.tell_refunded_elsewhere(order)
    return len(done)


def settle_by_hand(refund: Refund, state: RefundState, reason: str) -> bool:
    """Settle a refund as staff found out. False if it was settled already."""
    with transaction.atomic():
        order = Order.objects.locked(refund.order_id)
        if not _write(refund, state, before=OPEN_REFUNDS, settled_at=timezone.now()):
            return False
        if state is RefundState.CONFIRMED:
            changes.tell_refund(refund, order, EventType.REFUND_COMPLETED)
    log.warning("refund.settled_by_hand", refund=refund.pk, state=state, reason=reason)
    return True


def _earlier(order: Order, claim: Claim) -> Refund | None:
    """The refund of an earlier try of this request; None if there was none, or if it was certainly refused.

    Raises OutcomeUnknown if it isn't known whether Appmax took it.
    """
    if not claim.is_retry:
        return None
    refund = order.refunds.filter(idempotency_key=claim.key).order_by("pk").last()
    if refund is None or refund.state == RefundState.REFUSED:
        return None
    if refund.state == RefundState.UNKNOWN:
        raise OutcomeUnknown("an earlier try of this refund was cut off")
    claim.is_replay = True
    return refund


def _record(order: Order, wish: Wish, claim: Claim) -> Refund:
    """Raises TooMuch."""
    with transaction.atomic():
        left = Order.objects.locked(order.pk).refundable_cents
        cents = left if wish.cents is None else wish.cents
        if not 0 < cents <= left:
            raise TooMuch(left)
        return Refund.objects.create(
            order=order,
            amount_cents=cents,
            reason=wish.reason,
            asked_by_id=wish.asked_by,
            api_key_id=wish.api_key,
            idempotency_key=claim.key,
        )


def _settle(refund: Refund, state: RefundState) -> None:
    """Write Appmax's answer, unless a webhook was quicker.

    If Appmax took the refund, that counts even if staff have settled it as refused meanwhile, because the same money
    could otherwise be refunded twice. If it can't be written, the refund stays `unknown`, which also counts as paid
    back, and the caller still learns Appmax's answer.
    """
    is_refused = state is RefundState.REFUSED
    before = (RefundState.UNKNOWN,) if is_refused else (RefundState.UNKNOWN, RefundState.REFUSED)
    settled_at = timezone.now() if is_refused else None
    try:
        with transaction.atomic():
            order = Order.objects.locked(refund.order_id)
            if _write(refund, state, before=before, settled_at=settled_at) and state is RefundState.ASKED:
                changes.tell_refund(refund, order, EventType.REFUND_REQUESTED)
    except DatabaseFailure as error:
        log.error("refund.not_recorded", refund=refund.pk, error=type(error).__name__)


def _write(refund: Refund, state: RefundState, *, before: tuple[RefundState, ...], settled_at: datetime | None) -> bool:
    """Write the state if the refund has one of those `before`; returns whether it had."""
    if not Refund.objects.filter(pk=refund.pk, state__in=before).update(state=state, settled_at=settled_at):
        return False
    refund.state, refund.settled_at = state, settled_at
    return True


def _learn_total(order: Order, client: AppmaxClient) -> None:
    """Ask Appmax for the total of an adopted order, if it wasn't known before. Raises AppmaxError."""
    order.total_cents = client.get_order(order.appmax_order_id).total_cents or 0
    Order.objects.filter(pk=order.pk, total_cents=0).update(total_cents=order.total_cents)
