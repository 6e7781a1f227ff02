"""Says what Appmax's answer about an order means, without touching the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders.models import OPEN, AttemptState, PaymentAttempt
from orders.status import BY_CARD, RESTARTABLE, OrderStatus, PaymentMethod, advances, is_paid

OVER_AFTER = timedelta(seconds=300)
"""After this time neither we nor Appmax wait for a payment's answer any more. If Appmax knows of no payment then, there
was none."""


@dataclass(frozen=True)
class Standing:
    """An order's status and its payment attempts, oldest first, at one time."""

    status: OrderStatus
    attempts: Sequence[PaymentAttempt]

    @property
    def open_payment(self) -> PaymentAttempt | None:
        """The open attempt, of which it isn't known what became of it. Upsells are left out: Appmax's answer tells
        nothing of them, so staff settle them."""
        found = (each for each in self.attempts if each.state in OPEN and each.method in PaymentMethod.values)
        return next(found, None)

    def has_the_attempts_of(self, other: "Standing") -> bool:
        """Whether no attempt was begun or settled between the two times."""
        return [(each.pk, each.state) for each in self.attempts] == [(each.pk, each.state) for each in other.attempts]


@dataclass(frozen=True)
class Verdict:
    """What is to be written.

    `status` is the order's new status, and `payment` the final state of the open attempt; None leaves them as they are.
    `is_correction` tells that the order goes backwards, because what had moved it forward wasn't true. `is_final` tells
    that nothing is left to ask.
    """

    status: OrderStatus | None = None
    payment: AttemptState | None = None
    is_correction: bool = False
    is_final: bool = False


def verdict(*, said: OrderStatus, method: str, asked: Standing, now: Standing, at: datetime) -> Verdict:
    """The meaning of an answer in which the order is `said` and was paid by `method` ("" if it named none).

    `asked` is how the order stood when Appmax was asked, and `now` how it stands at the database's time `at`. Meanwhile
    a webhook may have moved the order, or a payment may have begun.
    """
    if not is_paid(said) and not now.has_the_attempts_of(asked):
        return Verdict()  # A payment has begun or ended since, and bad news from before says nothing about it.
    payment = now.open_payment
    state = _state_of(payment, now, said, method, at) if payment else None
    may_arrive = payment is not None and state is None and not _is_over(payment, at)
    status = _status(said, asked.status, now.status, may_arrive=may_arrive)
    is_correction = status is not None and asked.status == now.status and advances(said, asked.status)
    agrees = (status or now.status) == said
    is_final = agrees and not is_correction and (payment is None or state is not None)
    return Verdict(status, state, is_correction, is_final)


def _status(said: OrderStatus, when_asked: OrderStatus, now: OrderStatus, *, may_arrive: bool) -> OrderStatus | None:
    """The order's new status; None if it stays.

    Appmax's status counts even if it is a step backwards. If the order has moved since Appmax was asked, it counts only
    as a step forwards. While a payment may still arrive at Appmax, bad news doesn't count.
    """
    if now == said or (may_arrive and not is_paid(said)):
        return None
    if now == when_asked or advances(now, said):
        return said
    return None


def _state_of(
    payment: PaymentAttempt, now: Standing, said: OrderStatus, method: str, at: datetime
) -> AttemptState | None:
    """The final state of the open attempt; None if it can't be told yet.

    Good news counts at once. Bad news counts when the payment can't arrive at Appmax any more, or when it can't be
    about another attempt.
    """
    is_over = _is_over(payment, at)
    if is_paid(said):
        if not method or _may_be_paid_by(payment, method):
            return AttemptState.SUCCEEDED
        return AttemptState.FAILED if is_over else None  # The order was paid in another way.
    if said in RESTARTABLE:
        is_only_one = not payment.restarted_from and len(now.attempts) == 1
        return AttemptState.DECLINED if is_over or is_only_one else None
    if _may_be_paid_by(payment, method):
        return None if payment.method in BY_CARD else AttemptState.SUCCEEDED  # Appmax examines a card payment first.
    return AttemptState.FAILED if is_over else None


def _may_be_paid_by(payment: PaymentAttempt, method: str) -> bool:
    """Whether Appmax may mean this payment by that method. No source says what it calls a wallet's, which may be the
    name of a card's."""
    return method == payment.method or (method in BY_CARD and payment.method in BY_CARD)


def _is_over(payment: PaymentAttempt, at: datetime) -> bool:
    """Whether the payment can't arrive at Appmax any more."""
    return payment.started_at < at - OVER_AFTER
