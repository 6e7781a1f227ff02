"""Payment attempts, of which an order has at most one that is open.

1. `begin`, in a short transaction: the order is locked, a second payment is refused, and the attempt is recorded. The
   attempt of a new order is recorded together with it.
2. The caller sends the payment to Appmax. No transaction is open meanwhile.
3. `succeed` or `fail`, in another short transaction: the attempt is settled, which means that it gets its final state,
   and the order is changed.

If the process dies between them, the attempt stays `started`, and the worker asks Appmax what became of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import Error as DatabaseFailure
from django.db import transaction

from appmax.errors import AppmaxError, Declined, OutcomeUnknown
from notifications.models import EventType
from observability.logs import tell
from orders import changes
from orders.changes import Cause
from orders.idempotency import Claim
from orders.models import AttemptMethod, AttemptState, Order, PaymentAttempt, Question
from orders.questions.why import Why
from orders.status import BY_CARD, PAID_LATER, RESTARTABLE, OrderStatus, is_paid, known

log = structlog.stdlib.get_logger(__name__)


class AlreadyPaid(Exception):
    """The order is paid, so another payment would charge the shopper twice."""


class PaymentExamined(Exception):
    """Appmax has accepted a card payment and is still examining it."""


class NotRecorded(Exception):
    """A new order's attempt couldn't be recorded together with it."""


class PaymentUnderWay(Exception):
    """It isn't known yet what became of an earlier attempt, so another one might charge the shopper twice."""


@dataclass(frozen=True)
class Taken:
    """A payment that Appmax took.

    `status` is the order's in Appmax's words, or "" if it gave none. `columns` are values for the order's row. `answer`
    is kept with the attempt. `also` is called in the same transaction, to write more.
    """

    status: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    also: Callable[[], None] = lambda: None


def begin(
    order: Order, method: AttemptMethod, claim: Claim, *, nothing_paid_after: int | None = None
) -> PaymentAttempt:
    """Record that Appmax is about to be asked for this payment.

    `nothing_paid_after` is given if Appmax has just said that nothing is paid: the pk of the order's newest attempt
    when Appmax was asked.
    Raises AlreadyPaid, PaymentUnderWay.
    """
    with transaction.atomic():
        locked = Order.objects.locked(order.pk)
        _refuse_second_payment(locked, method, claim, nothing_paid_after=nothing_paid_after)
        restarted_from = None if method is AttemptMethod.UPSELL else changes.restart(locked)
        if restarted_from:
            locked.forget_codes(method)
        return _started(locked, method, claim, restarted_from)


def begin_with_order(order: Order, method: AttemptMethod, claim: Claim) -> None:
    """Record the attempt in the transaction that inserts its order, which nobody else can see or pay yet, so nothing
    has to be locked or looked up. `begin` decides about an order that a webhook which came before it has moved.

    Raises NotRecorded, after which the transaction must be done again without the attempt.
    """
    if order.status != OrderStatus.PENDENTE:
        return
    try:
        claim.attempt = _started(order, method, claim)
    except Exception as error:
        raise NotRecorded from error


def _started(order: Order, method: AttemptMethod, claim: Claim, restarted_from: str | None = None) -> PaymentAttempt:
    return PaymentAttempt.objects.start(
        order, method, key=claim.key, fingerprint=claim.fingerprint, restarted_from=restarted_from
    )


def card_was_taken(order: Order) -> bool:
    """Whether a card was charged for an order that is cancelado or recusado_por_risco.

    The webhook that cancelled it may be about another attempt, or forged. Only Appmax itself can say that the money is
    not there.
    """
    if order.status not in RESTARTABLE:
        return False
    return order.attempts.filter(method__in=BY_CARD, state=AttemptState.SUCCEEDED).exists()


def is_paid_by_webhook_only(order: Order) -> bool:
    """Whether the order counts as paid because a webhook said so, and nothing else supports it: no payment of ours was
    taken, and Appmax hasn't said it. The webhook may be forged."""
    if not is_paid(order.status) or order.attempts.filter(state=AttemptState.SUCCEEDED).exists():
        return False
    question = Question.objects.of_order(order.appmax_order_id).filter(installation=order.installation_id).first()
    return question is None or question.due_at is not None or question.said != order.status


def may_have_taken_money(order: Order) -> bool:
    """Whether a card was charged at any time, or it isn't known what became of an attempt."""
    return any(
        attempt.state != AttemptState.SUCCEEDED or attempt.method not in PAID_LATER
        for attempt in PaymentAttempt.objects.standing(order.pk)
    )


def newest(order: Order) -> int | None:
    """The pk of the order's latest attempt."""
    return order.attempts.order_by("-pk").values_list("pk", flat=True).first()


def succeed(attempt: PaymentAttempt, taken: Taken, *, trace: Mapping[str, str]) -> PaymentAttempt:
    """Settle the attempt as succeeded and keep what Appmax gave, with its own ids of the call (`trace`). The returned
    attempt's `order` is up to date.

    Raises OutcomeUnknown if it can't be written. We don't call an order paid that our table doesn't; the worker asks
    Appmax later.
    """
    try:
        with transaction.atomic():
            is_upsell = attempt.method == AttemptMethod.UPSELL
            if is_upsell:
                order = Order.objects.locked(attempt.order_id)
            else:
                order = Order.objects.record_payment(attempt.order_id, attempt.method, taken.columns)
            attempt.order = order
            attempt.settle_as_answered({"status": taken.status, **taken.answer, "trace": trace})
            if not is_upsell:
                _take_status(order, taken.status)
            taken.also()
    except DatabaseFailure as error:
        log.error("payment.not_recorded", attempt=attempt.pk, error=type(error).__name__)
        raise OutcomeUnknown("the payment's outcome could not be recorded") from None
    if taken.status and known(taken.status) is None:
        log.warning("payment.unknown_status", attempt=attempt.pk)
    tell(log, "payment.succeeded", order=order.appmax_order_id, method=attempt.method, status=order.status)
    return attempt


def fail(attempt: PaymentAttempt, error: AppmaxError) -> None:
    """Settle the attempt after an error of the gateway, and change its order, by this table:

    | error                 | attempt  | order                                                            |
    |-----------------------|----------|------------------------------------------------------------------|
    | Declined              | declined | cancelado or recusado_por_risco, if a card was declined          |
    | OutcomeUnknown        | unknown  | stays pendente, and Appmax is asked about it                     |
    | Rejected, Unavailable | failed   | as before the attempt, because certainly nothing was charged     |
    """
    answer = {
        "error": type(error).__name__,
        "message": error.message,
        "http_status": error.status,
        "timed_out": getattr(error, "timed_out", False),
        "trace": error.trace,
    }
    try:
        with transaction.atomic():
            order = Order.objects.locked(attempt.order_id)
            match error:
                case OutcomeUnknown():
                    if attempt.settle(AttemptState.UNKNOWN, answer):
                        order.forget_codes(attempt.method)
                        changes.tell_payment(attempt, order, EventType.PAYMENT_UNKNOWN, error.message)
                        if attempt.method != AttemptMethod.UPSELL:  # Appmax can't be asked about an upsell.
                            Question.objects.put(order.appmax_order_id, order.installation_id, Why.PAYMENT_UNKNOWN)
                case Declined():
                    # If it is settled already, Appmax was asked meanwhile, and its answer has settled the order too.
                    if attempt.settle(AttemptState.DECLINED, answer):
                        changes.tell_payment(attempt, order, EventType.PAYMENT_DECLINED, error.message)
                        if attempt.method in BY_CARD:
                            changes.advance(order, error.order_status, Cause.PAYMENT)
                        else:
                            _give_back(attempt, order)
                case _:
                    if attempt.settle(AttemptState.FAILED, answer):
                        _give_back(attempt, order)
    except DatabaseFailure as problem:
        # The caller still learns what Appmax said. The attempt stays open until the worker has asked Appmax.
        log.error("payment.not_recorded", attempt=attempt.pk, error=type(problem).__name__)
    log.warning("payment.failed", attempt=attempt.pk, method=attempt.method, error=type(error).__name__)


def outcome(attempt: PaymentAttempt) -> PaymentAttempt | None:
    """What became of an attempt whose request is sent again: the attempt if it succeeded, None if certainly nothing was
    charged.

    Raises Declined if it was declined, and OutcomeUnknown while it is open.
    """
    answer = attempt.answer or {}
    match attempt.state:
        case AttemptState.SUCCEEDED:
            return attempt
        case AttemptState.FAILED:
            return None
        case AttemptState.DECLINED:
            raise Declined(answer.get("message", ""))
    raise OutcomeUnknown("an earlier try's outcome isn't known", timed_out=answer.get("timed_out", False))


def settle_by_hand(attempt: PaymentAttempt, state: AttemptState, reason: str) -> bool:
    """Settle an attempt as staff found out, which is needed where Appmax can't be asked (an upsell). Appmax is then
    asked about the order. False if the attempt was settled already."""
    with transaction.atomic():
        order = Order.objects.locked(attempt.order_id)
        if not attempt.settle(state, {"by_hand": reason}):
            return False
        if state is AttemptState.FAILED:
            _give_back(attempt, order)
        elif attempt.method != AttemptMethod.UPSELL:
            order.keep(payment_method=attempt.method)
        Question.objects.put(order.appmax_order_id, order.installation_id, Why.SETTLED_BY_HAND)
    log.warning("payment.settled_by_hand", attempt=attempt.pk, state=state)
    return True


def _give_back(attempt: PaymentAttempt, order: Order) -> None:
    """Give the order back the status that it had before the attempt, of which nothing came. The order's row must be
    locked."""
    if attempt.restarted_from and order.status == OrderStatus.PENDENTE:
        changes.set_status(order, attempt.restarted_from, Cause.PAYMENT)


def _take_status(order: Order, text: str) -> None:
    """Move the order to the status of Appmax's answer to this very payment.

    It even counts over a cancellation that a webhook brought meanwhile, which is about an earlier attempt or forged.
    Appmax is then asked, to be sure.
    """
    new = known(text)
    if new is None or changes.advance(order, new, Cause.PAYMENT):
        return
    if order.status in RESTARTABLE and is_paid(new):
        changes.set_status(order, new, Cause.PAYMENT)
        Question.objects.put(order.appmax_order_id, order.installation_id, Why.CONTRADICTED)


def _refuse_second_payment(
    order: Order, method: AttemptMethod, claim: Claim, *, nothing_paid_after: int | None
) -> None:
    earlier = PaymentAttempt.objects.standing(order.pk)
    if any(attempt.state != AttemptState.SUCCEEDED for attempt in earlier):
        raise PaymentUnderWay
    if method is AttemptMethod.UPSELL:  # An upsell belongs to a paid order.
        if any(attempt.fingerprint == claim.fingerprint for attempt in earlier):
            raise AlreadyPaid("this upsell is already paid")
        return
    if is_paid(order.status):
        raise AlreadyPaid(f"the order is already paid: {order.status}")
    payments = [attempt for attempt in earlier if attempt.method != AttemptMethod.UPSELL]
    if order.status == OrderStatus.PENDENTE and payments and payments[-1].method in BY_CARD:
        raise PaymentExamined
    if card_was_taken(order) and nothing_paid_after != newest(order):
        raise PaymentUnderWay
