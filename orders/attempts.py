"""Payment attempts: one open attempt an order, recorded before the call and settled after it.

Two short transactions with the call to Appmax between them. A process that dies in between leaves the attempt
`started`, and reconciliation asks Appmax what became of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import Error as DatabaseFailure
from django.db import transaction

from appmax.errors import AppmaxError, Declined, OutcomeUnknown
from orders.idempotency import Claim
from orders.models import AttemptMethod, AttemptState, Order, PaymentAttempt, Question
from orders.questions.why import Why
from orders.status import RESTARTABLE, OrderStatus, PaymentMethod, is_paid, known

log = structlog.stdlib.get_logger(__name__)


class AlreadyPaid(Exception):
    """Money is there for this order: another payment would be a second one."""


class PaymentExamined(Exception):
    """A card payment was accepted, and Appmax has not said yet whether the money is there."""


class PaymentUnderWay(Exception):
    """An attempt's outcome isn't known yet, so another one might charge twice."""


@dataclass(frozen=True)
class Taken:
    """Appmax took the payment. `status`: in its words, "" if it said none; `columns`: what it gave for the order's row;
    `answer`: what else is worth keeping of it; `also`: what is to be written in the same transaction."""

    status: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    also: Callable[[], None] = lambda: None


def begin(
    order: Order, method: AttemptMethod, claim: Claim, *, nothing_paid_after: int | None = None
) -> PaymentAttempt:
    """Record that Appmax is about to be asked for this payment.

    `nothing_paid_after`: the attempt (pk) that was the newest when Appmax was asked and said that nothing is paid.
    Raises AlreadyPaid, PaymentUnderWay.
    """
    with transaction.atomic():
        locked = Order.objects.locked(order.pk)
        _refuse_second_payment(locked, method, claim, nothing_paid_after=nothing_paid_after)
        restarted_from = None if method is AttemptMethod.UPSELL else locked.restart()
        if restarted_from:
            locked.forget_codes(method)
        return PaymentAttempt.objects.create(
            order=locked,
            method=method,
            state=AttemptState.STARTED,
            idempotency_key=claim.key,
            fingerprint=claim.fingerprint,
            restarted_from=restarted_from,
        )


def card_was_taken(order: Order) -> bool:
    """Whether a card was charged for an order that is cancelado or recusado_por_risco: a webhook that said so may be of
    another attempt, or forged, and only Appmax itself can say that the money is not there."""
    if order.status not in RESTARTABLE:
        return False
    return order.attempts.filter(method=AttemptMethod.CREDIT_CARD, state=AttemptState.SUCCEEDED).exists()


def is_paid_by_webhook_only(order: Order) -> bool:
    """Whether the order counts as paid because a webhook said so, and nothing else supports it: no payment of ours was
    taken, and Appmax hasn't said it. The webhook may be forged."""
    if not is_paid(order.status) or order.attempts.filter(state=AttemptState.SUCCEEDED).exists():
        return False
    question = Question.objects.of_order(order.appmax_order_id).filter(installation=order.installation_id).first()
    return question is None or question.due_at is not None or question.said != order.status


def may_have_taken_money(order: Order) -> bool:
    """Whether an attempt's outcome isn't known, or a card was charged, whatever has become of that since."""
    paid_later = (AttemptMethod.PIX, AttemptMethod.BOLETO)
    return any(
        attempt.state != AttemptState.SUCCEEDED or attempt.method not in paid_later
        for attempt in PaymentAttempt.objects.standing(order.pk)
    )


def newest(order: Order) -> int | None:
    """The pk of the order's latest attempt."""
    return order.attempts.order_by("-pk").values_list("pk", flat=True).first()


def succeed(attempt: PaymentAttempt, taken: Taken) -> PaymentAttempt:
    """Settle the attempt and keep what Appmax gave; its `order` is as it stands then.

    Raises OutcomeUnknown if it can't be written: what our table doesn't say, we don't say either, and reconciliation
    will.
    """
    try:
        with transaction.atomic():
            attempt.order = order = Order.objects.locked(attempt.order_id)
            attempt.settle_as_answered({"status": taken.status, **taken.answer})
            if attempt.method in PaymentMethod.values:
                order.record_payment(attempt.method, **taken.columns)
                _take_status(order, taken.status)
            taken.also()
    except DatabaseFailure as error:
        log.error("payment.not_recorded", attempt=attempt.pk, error=type(error).__name__)
        raise OutcomeUnknown("the payment's outcome could not be recorded") from None
    if taken.status and known(taken.status) is None:
        log.warning("payment.unknown_status", attempt=attempt.pk)
    log.info("payment.succeeded", order=order.appmax_order_id, method=attempt.method, status=order.status)
    return attempt


def fail(attempt: PaymentAttempt, error: AppmaxError) -> None:
    """What an exception of the gateway makes of the attempt and its order:

    | exception             | attempt  | order                                                 |
    |-----------------------|----------|-------------------------------------------------------|
    | Declined              | declined | a card's: cancelado or recusado_por_risco             |
    | OutcomeUnknown        | unknown  | stays pendente; reconciliation settles it             |
    | Rejected, Unavailable | failed   | as before the attempt: certainly nothing was charged  |
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
                        if attempt.method in PaymentMethod.values:  # Appmax tells nothing of an upsell
                            Question.objects.put(order.appmax_order_id, order.installation_id, Why.PAYMENT_UNKNOWN)
                case Declined():
                    if not attempt.settle(AttemptState.DECLINED, answer):
                        pass  # reconciliation has settled it, and the order too
                    elif attempt.method == AttemptMethod.CREDIT_CARD:
                        order.advance(error.order_status)
                    else:
                        _give_back(attempt, order)
                case _:
                    if attempt.settle(AttemptState.FAILED, answer):
                        _give_back(attempt, order)
    except DatabaseFailure as problem:
        # The caller is told what Appmax said all the same; the attempt stays open until reconciliation settles it.
        log.error("payment.not_recorded", attempt=attempt.pk, error=type(problem).__name__)
    log.warning("payment.failed", attempt=attempt.pk, method=attempt.method, error=type(error).__name__)


def outcome(attempt: PaymentAttempt) -> PaymentAttempt | None:
    """What an attempt whose request is sent again has come to: itself if it succeeded, None if certainly nothing was
    charged. Raises Declined; OutcomeUnknown while nobody knows."""
    answer = attempt.answer or {}
    match attempt.state:
        case AttemptState.SUCCEEDED:
            return attempt
        case AttemptState.FAILED:
            return None
        case AttemptState.DECLINED:
            raise Declined(answer.get("message", ""), status=answer.get("http_status"))
    raise OutcomeUnknown(answer.get("message", ""), timed_out=answer.get("timed_out", False))


def settle_by_hand(attempt: PaymentAttempt, state: AttemptState, reason: str) -> bool:
    """What staff found out about an attempt that nobody else can settle (an upsell's, say); whether it was open still.
    Appmax is asked about the order afterwards."""
    with transaction.atomic():
        order = Order.objects.locked(attempt.order_id)
        if not attempt.settle(state, {"by_hand": reason}):
            return False
        if state is AttemptState.FAILED:
            _give_back(attempt, order)
        elif attempt.method in PaymentMethod.values:
            order.record_payment(attempt.method)
        Question.objects.put(order.appmax_order_id, order.installation_id, Why.SETTLED_BY_HAND)
    log.warning("payment.settled_by_hand", attempt=attempt.pk, state=state)
    return True


def _give_back(attempt: PaymentAttempt, order: Order) -> None:
    """Nothing came of the attempt: the order has the status again that it had before. The row must be locked."""
    if attempt.restarted_from and order.status == OrderStatus.PENDENTE:
        order.set_status(attempt.restarted_from)


def _take_status(order: Order, text: str) -> None:
    """Appmax's answer to this very payment counts over a cancellation that a webhook brought meanwhile: that is of an
    earlier attempt, or isn't true. Appmax is asked again, to be sure."""
    new = known(text)
    if new is None or order.advance(new):
        return
    if order.status in RESTARTABLE and is_paid(new):
        order.set_status(new)
        Question.objects.put(order.appmax_order_id, order.installation_id, Why.CONTRADICTED)


def _refuse_second_payment(
    order: Order, method: AttemptMethod, claim: Claim, *, nothing_paid_after: int | None
) -> None:
    earlier = PaymentAttempt.objects.standing(order.pk)
    if any(attempt.state != AttemptState.SUCCEEDED for attempt in earlier):
        raise PaymentUnderWay
    if method is AttemptMethod.UPSELL:  # goes with a paid order
        if any(attempt.fingerprint == claim.fingerprint for attempt in earlier):
            raise AlreadyPaid("this upsell is already paid")
        return
    if is_paid(order.status):
        raise AlreadyPaid(f"the order is already paid: {order.status}")
    payments = [attempt for attempt in earlier if attempt.method != AttemptMethod.UPSELL]
    if order.status == OrderStatus.PENDENTE and payments and payments[-1].method == AttemptMethod.CREDIT_CARD:
        raise PaymentExamined
    if card_was_taken(order) and nothing_paid_after != newest(order):
        raise PaymentUnderWay
