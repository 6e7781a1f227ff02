"""Money that goes back to a shopper: asked of Appmax once, never more than was paid, done when Appmax says so."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import Error as DatabaseFailure
from django.db import transaction
from django.utils import timezone

from appmax.client import AppmaxClient
from appmax.errors import AppmaxError, OutcomeUnknown
from installations import clients
from orders.idempotency import Claim
from orders.models import Order, Refund
from orders.status import OrderStatus, RefundState

log = structlog.stdlib.get_logger(__name__)

_OPEN = (RefundState.UNKNOWN, RefundState.ASKED)
_CLOCKS_DIFFER = timedelta(minutes=5)  # Appmax's and ours, at most


class TooMuch(Exception):
    """More than what is left of the order's money."""

    def __init__(self, left_cents: int) -> None:
        super().__init__(f"only {left_cents} cents of this order are left to be paid back" if left_cents else "")


@dataclass(frozen=True)
class Wish:
    """What is to go back, and who wants it. `cents`: None for all that is left; `asked_by`: the pk of one of staff;
    `api_key`: the prefix of a storefront's key."""

    cents: int | None
    reason: str = ""
    asked_by: int | None = None
    api_key: str | None = None


def ask(order: Order, wish: Wish, claim: Claim) -> Refund:
    """Have Appmax pay back. Accepted is not done: `confirm` is told when it is.

    The refund is recorded before the call, in a transaction that holds the order's row: of two that come at once the
    second sees what the first takes. Raises AppmaxError, TooMuch; OutcomeUnknown too for a request whose first try was
    cut off.
    """
    if earlier := _earlier(order, claim):
        return earlier
    client = clients.client_for(order.installation)
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
    """Appmax says that money of this order went back; says how many of our refunds that settles.

    Of an order that is estornado these are all. Else it is one: that of `cents`, if Appmax said how much, or the
    oldest that isn't settled. `at`: when, if Appmax said so; the same time said again is the same refund, and a time
    before ours was asked is that of another, which was made in Appmax's own panel and has no row here. The order's row
    must be locked.
    """
    refunds = order.refunds.filter(state__in=_OPEN).order_by("pk")
    if order.status != OrderStatus.ESTORNADO:
        if at and order.refunds.filter(state=RefundState.CONFIRMED, settled_at=at).exists():
            return 0
        refunds = refunds.filter(amount_cents=cents) if cents else refunds
        refunds = refunds.filter(asked_at__lte=at + _CLOCKS_DIFFER) if at else refunds
        refunds = order.refunds.filter(pk__in=list(refunds.values_list("pk", flat=True)[:1]))
    return refunds.update(state=RefundState.CONFIRMED, settled_at=at or timezone.now())


def settle_by_hand(refund: Refund, state: RefundState, reason: str) -> bool:
    """What staff found out about a refund that Appmax tells nothing of; whether it was open still."""
    settled = Refund.objects.filter(pk=refund.pk, state__in=_OPEN).update(state=state, settled_at=timezone.now())
    if settled:
        log.warning("refund.settled_by_hand", refund=refund.pk, state=state, reason=reason)
    return bool(settled)


def _earlier(order: Order, claim: Claim) -> Refund | None:
    """What an earlier try of this request has come to; None if there was none, or if it was certainly refused.

    Raises OutcomeUnknown.
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
    """Write what Appmax answered, unless a webhook was quicker. That Appmax took the refund counts even if staff have
    settled it as refused meanwhile: else the same money could be asked back again. If it can't be written the refund
    stays unknown, which takes as much of what is left; the caller is told what Appmax said."""
    is_refused = state is RefundState.REFUSED
    before = [RefundState.UNKNOWN] if is_refused else [RefundState.UNKNOWN, RefundState.REFUSED]
    settled_at = timezone.now() if is_refused else None
    try:
        Refund.objects.filter(pk=refund.pk, state__in=before).update(state=state, settled_at=settled_at)
    except DatabaseFailure as error:
        log.error("refund.not_recorded", refund=refund.pk, error=type(error).__name__)


def _learn_total(order: Order, client: AppmaxClient) -> None:
    """Of an order that was adopted from an answer without its amount. Raises AppmaxError."""
    order.total_cents = client.get_order(order.appmax_order_id).total_cents or 0
    Order.objects.filter(pk=order.pk, total_cents=0).update(total_cents=order.total_cents)
