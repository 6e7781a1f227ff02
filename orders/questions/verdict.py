"""What Appmax's answer about an order means. Pure: rows as they stand come in, and what is to be written goes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders.models import OPEN, AttemptMethod, AttemptState, PaymentAttempt
from orders.status import RESTARTABLE, OrderStatus, PaymentMethod, advances, is_paid

OVER_AFTER = timedelta(seconds=300)
"""After this nobody waits for a payment's answer any more, neither we nor Appmax: if it knows of no payment then, there
was none."""


@dataclass(frozen=True)
class Standing:
    """How an order stands: its status, and its payment attempts, oldest first."""

    status: OrderStatus
    attempts: Sequence[PaymentAttempt]

    @property
    def open_payment(self) -> PaymentAttempt | None:
        """The payment whose outcome isn't known. Appmax's answer tells nothing of an upsell: staff settle that."""
        found = (each for each in self.attempts if each.state in OPEN and each.method in PaymentMethod.values)
        return next(found, None)

    def has_the_attempts_of(self, other: "Standing") -> bool:
        """Whether no attempt has begun or ended between the two."""
        return [(each.pk, each.state) for each in self.attempts] == [(each.pk, each.state) for each in other.attempts]


@dataclass(frozen=True)
class Verdict:
    """What is to be written. `status`: what the order becomes, `payment`: what the open payment came to; None: nothing
    new. `is_correction`: the order goes backwards, as what had moved it forward wasn't true. `is_final`: nothing is
    left to ask."""

    status: OrderStatus | None = None
    payment: AttemptState | None = None
    is_correction: bool = False
    is_final: bool = False


def verdict(*, said: OrderStatus, method: str, asked: Standing, now: Standing, at: datetime) -> Verdict:
    """What Appmax's answer means: the order is `said`, and was paid by `method` ("" if it named none).

    `asked`: how the order stood when Appmax was asked; `now`: how it stands, at the database's time `at`. Between the
    two a webhook may have moved the order, or a payment may have begun.
    """
    if not is_paid(said) and not now.has_the_attempts_of(asked):
        return Verdict()  # bad news from before a payment says nothing about it
    payment = now.open_payment
    state = _state_of(payment, now, said, method, at) if payment else None
    may_arrive = payment is not None and state is None and not _is_over(payment, at)
    status = _status(said, asked.status, now.status, may_arrive=may_arrive)
    is_correction = status is not None and asked.status == now.status and advances(said, asked.status)
    agrees = (status or now.status) == said
    is_final = agrees and not is_correction and (payment is None or state is not None)
    return Verdict(status, state, is_correction, is_final)


def _status(said: OrderStatus, when_asked: OrderStatus, now: OrderStatus, *, may_arrive: bool) -> OrderStatus | None:
    """Appmax's word counts, even backwards; if the order has moved since Appmax was asked, only forwards. Bad news may
    be of before a payment that may still arrive."""
    if now == said or (may_arrive and not is_paid(said)):
        return None
    if now == when_asked or advances(now, said):
        return said
    return None


def _state_of(
    payment: PaymentAttempt, now: Standing, said: OrderStatus, method: str, at: datetime
) -> AttemptState | None:
    """What became of the open payment; None if that can't be told yet. Good news counts at once, bad news when nothing
    can come any more, or when it can be of no other attempt."""
    is_over = _is_over(payment, at)
    if is_paid(said):
        if method in ("", payment.method):
            return AttemptState.SUCCEEDED
        return AttemptState.FAILED if is_over else None  # the order was paid otherwise
    if said in RESTARTABLE:
        is_only_one = not payment.restarted_from and len(now.attempts) == 1
        return AttemptState.DECLINED if is_over or is_only_one else None
    if method == payment.method:
        is_card = payment.method == AttemptMethod.CREDIT_CARD  # a card's payment is examined first
        return None if is_card else AttemptState.SUCCEEDED
    return AttemptState.FAILED if is_over else None


def _is_over(payment: PaymentAttempt, at: datetime) -> bool:
    """Whether nothing of it can arrive any more."""
    return payment.started_at < at - OVER_AFTER
