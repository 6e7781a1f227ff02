"""Asking Appmax what is true, and settling what we don't know: attempts without an outcome, orders pendente too long.

Frugal: Appmax allows each merchant 5 requests a second, 60 a minute on one route and 100,000 a month. Safe from several
workers on several machines: an order is claimed (StatusCheck) before Appmax is asked about it, and what it says is
written only over what was there when it was asked.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeVar

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, Now, RowNumber

from appmax.answers import RemoteOrder
from appmax.errors import AppmaxError, Unavailable
from installations import gateway
from installations.fields import DecryptionFailed
from installations.models import Installation
from orders import clock
from orders.models import AttemptMethod, AttemptState, Order, PaymentAttempt, StatusCheck
from orders.signals import order_created, status_corrected
from orders.status import RESTARTABLE, UNDECIDED, OrderStatus, PaymentMethod, advances, is_paid, known

log = structlog.stdlib.get_logger(__name__)

# After this nobody waits for the payment's answer any more, neither we nor Appmax: if it knows of no payment then,
# there was none.
SETTLED_AFTER = timedelta(seconds=300)
CRASHED_AFTER = timedelta(seconds=60)  # a `started` attempt this old is asked about; most calls take a second or two

UNKNOWN_AGAIN = timedelta(seconds=15)  # doubled with each question, up to
UNKNOWN_AGAIN_AT_MOST = timedelta(minutes=5)  # somebody waits to pay; on the first day
FLAGGED_AGAIN_AT_MOST = timedelta(hours=6)
# An order that stays pendente or autorizado is asked about at these ages, counted from its creation or its last
# attempt, and then left to Appmax's webhooks.
UNDECIDED_AT_AGE = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 72, 168))
UNDECIDED_GIVEN_UP_AT = timedelta(hours=192)

MOST_OF_A_MERCHANT = 5  # in a round; with a round every 15 s that is 20 of the 60 a minute
MOST_IN_A_ROUND = 200
SECONDS_BETWEEN = 0.5  # two questions about one merchant's orders
GIVE_UP_AFTER = 3  # questions in a row that Appmax didn't answer

NOT_ANSWERED = "asked; no answer yet"  # what a StatusCheck says until there is one, should the process die meanwhile
ASK_AGAIN_AFTER_CORRECTION = timedelta(seconds=60)

T = TypeVar("T")


class Outcome(StrEnum):
    """What a question came to."""

    SETTLED = "settled"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class UnknownStatus(Unavailable):
    """Appmax answered with a status that isn't one of the contract's."""


@dataclass(frozen=True)
class Seen:
    """How an order stood when Appmax was asked about it: its status, and its attempts' (pk, state)."""

    status: str
    attempts: list[tuple[int, str]]


class Round:
    """Questions to Appmax: few about each merchant's orders, with pauses between; no more of them about a merchant's
    orders once it asks to slow down, and none at all when it doesn't answer."""

    def __init__(self, *, most_of_a_merchant: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._most = most_of_a_merchant
        self._sleep = sleep
        self._asked: Counter[int] = Counter()
        self._asked_at: dict[int, float] = {}
        self._unanswered = 0

    def may_ask(self, installation_id: int) -> bool:
        """Whether there is a question left for this merchant."""
        return self._unanswered < GIVE_UP_AFTER and self._asked[installation_id] < self._most

    def ask(self, installation_id: int, question: Callable[[], T]) -> T:
        """The answer. Raises what the question raises: AppmaxError, DecryptionFailed."""
        if (wait := self._asked_at.get(installation_id, 0.0) + SECONDS_BETWEEN - time.monotonic()) > 0:
            self._sleep(wait)
        self._asked[installation_id] += 1
        try:
            answer = question()
        except Unavailable as error:
            self._unanswered += error.status is None
            if error.retry_after is not None:
                self._asked[installation_id] = self._most
            raise
        finally:
            self._asked_at[installation_id] = time.monotonic()
        self._unanswered = 0
        return answer


def reconcile_due(*, at_once: bool = False, sleep: Callable[[float], None] = time.sleep) -> Counter[Outcome]:
    """One round: ask about every order that is due. `at_once`: unknown outcomes are due whenever they were asked about
    last, and so are attempts that have only just started."""
    outcomes: Counter[Outcome] = Counter()
    round_ = Round(most_of_a_merchant=MOST_OF_A_MERCHANT, sleep=sleep)
    for order in _due(at_once=at_once):
        if not (round_.may_ask(order.installation_id) and claim(order, since=order.open_since)):  # type: ignore[attr-defined]
            continue
        try:
            outcomes[round_.ask(order.installation_id, partial(reconcile, order))] += 1
        except (AppmaxError, DecryptionFailed):
            outcomes[Outcome.FAILED] += 1
    return outcomes


def reconcile(order: Order) -> Outcome:
    """Ask Appmax about this order now, and settle it. Raises as `ask`."""
    return ask(order)[1]


def ask(order: Order) -> tuple[OrderStatus, Outcome]:
    """Ask Appmax about this order now, and settle it: the status that it said, and what came of that.

    Raises AppmaxError or DecryptionFailed if it can't be asked; the reason is kept for staff.
    """
    order.refresh_from_db(fields=["status"])
    seen = Seen(order.status, _attempts_of(order))
    try:
        remote = gateway.client_for(order.installation).get_order(order.appmax_order_id)
        said = known(remote.status)
        if said is None:
            raise UnknownStatus("Appmax says a status that we don't know", status=200)
    except (AppmaxError, DecryptionFailed) as error:
        log.warning("reconcile.failed", order=order.appmax_order_id, error=type(error).__name__)
        _flag(order, f"{type(error).__name__}: {error}")
        raise
    outcome = _settle(order.pk, seen, remote, said)
    log.info("reconcile.asked", order=order.appmax_order_id, status=remote.status, outcome=outcome)
    return said, outcome


def adopt(installation: Installation, appmax_order_id: int) -> Order | None:
    """Fetch an order of this merchant that we have no row of, and create it as Appmax has it.

    None if Appmax doesn't say whose it is, or has a status that we don't know. Raises AppmaxError, DecryptionFailed.
    """
    remote = gateway.client_for(installation).get_order(appmax_order_id)
    status = known(remote.status)
    if remote.id != appmax_order_id or remote.customer_id is None or status is None:
        log.warning("reconcile.not_adopted", order=appmax_order_id)
        return None
    with transaction.atomic():
        Order.objects.lock_appmax_order(appmax_order_id)
        order = Order.objects.filter(appmax_order_id=appmax_order_id).first()
        if order is None:
            order = Order.objects.create(
                installation=installation,
                appmax_customer_id=remote.customer_id,
                appmax_order_id=appmax_order_id,
                status=status,
                payment_method=remote.payment_method or None,
                total_cents=remote.total_cents or 0,
                **_codes(remote),
            )
            order_created.send(sender=Order, order=order)
            log.info("reconcile.adopted", installation=installation.pk, order=appmax_order_id)
    return order


def request_check(order: Order, reason: str, *, after: timedelta = timedelta()) -> None:
    """Have Appmax asked about this order soon; until it confirms the order's status, staff see the reason."""
    request_checks([order.pk], reason, after=after)


def request_checks(order_pks: Iterable[int], reason: str, *, after: timedelta = timedelta()) -> None:
    """The same for many orders, in one statement."""
    now = clock.now()
    StatusCheck.objects.bulk_create(
        [
            StatusCheck(order_id=pk, asked_at=now, next_at=now + after, times=0, error_message=reason)
            for pk in order_pks
        ],
        update_conflicts=True,
        unique_fields=["order"],
        update_fields=["next_at", "error_message"],
    )


def _flag(order: Order, reason: str) -> None:
    """Nothing is confirmed: staff see the reason, and Appmax is asked again, ever more rarely."""
    now = clock.now()
    with transaction.atomic():
        Order.objects.locked(order.pk)
        check = StatusCheck.objects.filter(order=order).first()
        if check is None:
            check = StatusCheck(order=order, asked_at=now, next_at=now + UNKNOWN_AGAIN, times=1)
        planned = now + min(UNKNOWN_AGAIN * (1 << min(check.times, 20)), FLAGGED_AGAIN_AT_MOST)
        check.next_at, check.error_message = min(check.next_at, planned), reason
        check.save()


# --- which orders ----------------------------------------------------------------------------------------------------


def _due(*, at_once: bool) -> list[Order]:
    """Unknown outcomes first, then questions that got no answer, then orders that have waited for long; the oldest few
    of each merchant."""
    now = clock.now()
    # GET tells nothing of an upsell: staff settle that.
    open_payment = PaymentAttempt.objects.open().filter(order=OuterRef("pk"), method__in=PaymentMethod.values)
    orders = Order.objects.with_merchant().annotate(
        open_since=Subquery(open_payment.values("started_at")[:1]),
        open_state=Subquery(open_payment.values("state")[:1]),
    )
    never_asked, asked_long_ago = Q(status_check=None), Q(status_check__next_at__lte=now)
    unknown = orders.filter(pk__in=PaymentAttempt.objects.open().values("order"), open_since__isnull=False)
    if not at_once:
        unknown = unknown.filter(
            Q(open_state=AttemptState.UNKNOWN) | Q(open_since__lt=now - CRASHED_AFTER),
            never_asked | asked_long_ago | Q(status_check__asked_at__lt=F("open_since")),
        )
    others = orders.filter(open_since=None)
    flagged = others.filter(asked_long_ago, status_check__error_message__isnull=False)
    undecided = others.filter(never_asked | asked_long_ago & Q(status_check__error_message=None), status__in=UNDECIDED)
    window = (now - UNDECIDED_GIVEN_UP_AT, now - UNDECIDED_AT_AGE[0])
    made_lately = undecided.filter(created_at__range=window)
    tried_lately = undecided.filter(
        pk__in=PaymentAttempt.objects.filter(started_at__range=window).values("order"), created_at__lt=window[0]
    )
    return [order for kind in (unknown, flagged, made_lately, tried_lately) for order in _oldest_of_each_merchant(kind)]


def _oldest_of_each_merchant(orders: QuerySet[Order]) -> QuerySet[Order]:
    last_try = PaymentAttempt.objects.filter(order=OuterRef("pk")).order_by("-pk").values("started_at")[:1]
    return (
        orders.annotate(
            place=Window(RowNumber(), partition_by="installation_id", order_by="pk"),
            last_tried=Coalesce(Subquery(last_try), "created_at"),
        )
        .filter(place__lte=MOST_OF_A_MERCHANT)
        .select_related("status_check")
        .order_by("place", "pk")[:MOST_IN_A_ROUND]
    )


def _attempts_of(order: Order) -> list[tuple[int, str]]:
    return list(order.attempts.order_by("pk").values_list("pk", "state"))


def claim(order: Order, *, since: datetime | None) -> bool:
    """Whether this process is the one that asks about the order now; says at once when it is next.

    `since`: when that happened which makes the question urgent; None if it is merely pendente for long. The order must
    come with its status_check.
    """
    now = clock.now()
    check: StatusCheck | None = getattr(order, "status_check", None)
    is_urgent = since is not None or (check is not None and check.error_message is not None)
    times = check.times if check and not (since and check.asked_at < since) else 0
    columns = {
        "asked_at": Now(),  # the database's clock, as an event's created_at
        "next_at": _next_time(order, now, since=since, times=times, is_urgent=is_urgent),
        "times": times + 1,
        "error_message": NOT_ANSWERED,
    }
    if check is None:
        with transaction.atomic():
            Order.objects.locked(order.pk)  # before the row that belongs to it
            return StatusCheck.objects.get_or_create(order=order, defaults=columns)[1]
    mine = StatusCheck.objects.filter(pk=check.pk, asked_at=check.asked_at, times=check.times)
    return mine.update(**columns) == 1


def _next_time(order: Order, now: datetime, *, since: datetime | None, times: int, is_urgent: bool) -> datetime:
    if is_urgent:
        is_fresh = since is not None and now - since < timedelta(days=1)
        at_most = UNKNOWN_AGAIN_AT_MOST if is_fresh else FLAGGED_AGAIN_AT_MOST
        return now + min(UNKNOWN_AGAIN * (1 << min(times, 20)), at_most)
    age = now - getattr(order, "last_tried", order.created_at)
    return now + next((at - age for at in UNDECIDED_AT_AGE if at > age), UNDECIDED_GIVEN_UP_AT)


# --- what Appmax's answer means --------------------------------------------------------------------------------------


def _settle(pk: int, seen: Seen, remote: RemoteOrder, new: OrderStatus) -> Outcome:
    """Write what Appmax said of the order, which stood as `seen` when it was asked."""
    with transaction.atomic():
        order = Order.objects.locked(pk)
        if not is_paid(new) and _attempts_of(order) != seen.attempts:
            # Bad news from before a payment says nothing about it.
            _flag(order, f"a payment began while Appmax said {new}")
            return Outcome.UNCHANGED
        attempt = order.attempts.open().filter(method__in=PaymentMethod.values).first()
        verdict = _verdict(attempt, remote, new) if attempt else None
        settled = bool(attempt and verdict and attempt.settle(verdict, {"asked_later": remote.status}))
        if attempt and verdict is AttemptState.SUCCEEDED:
            order.forget_codes(attempt.method)
            order.record_payment(attempt.method, **_codes(remote))
        elif is_paid(new) and not order.payment_method and remote.payment_method:
            order.record_payment(remote.payment_method)
        # Bad news may be of before an open attempt; once nothing of that can arrive any more, it isn't.
        is_open = attempt is not None and verdict is None and not _is_over(attempt)
        moved = _take_status(order, seen.status, new, is_open=is_open)
        if order.status != new:  # an open payment, or a webhook in the meantime: nothing is confirmed yet
            _flag(order, f"Appmax said {new}, while the order was {order.status}")
        elif not _is_correction(seen.status, new):
            agreed = {"error_message": None} if attempt else {"error_message": None, "times": 0}
            StatusCheck.objects.filter(order=order).update(**agreed)
    return Outcome.SETTLED if settled or moved else Outcome.UNCHANGED


def _take_status(order: Order, seen: str, new: OrderStatus, *, is_open: bool) -> bool:
    """Appmax's word counts, even backwards; unless the order has moved since it was asked: then only forwards."""
    if order.status == new or (is_open and not is_paid(new)):  # may be of before the open attempt
        return False
    if order.status != seen:
        return order.advance(new)
    order.set_status(new)
    if _is_correction(seen, new):
        log.warning("reconcile.corrected", order=order.appmax_order_id, before=seen, after=new)
        status_corrected.send(sender=Order, order=order)
        # Appmax's own reads may lag behind its events: ask once more before this counts as settled.
        request_check(order, f"Appmax disagrees: {new}, not {seen}", after=ASK_AGAIN_AFTER_CORRECTION)
    return True


def _is_correction(seen: str, new: str) -> bool:
    """Whether what had moved the order forward wasn't true."""
    return advances(new, seen)


def _verdict(attempt: PaymentAttempt, remote: RemoteOrder, new: OrderStatus) -> AttemptState | None:
    """What became of an open attempt; None if that can't be told yet. Good news counts at once, bad news when nothing
    can come any more, or when it can be of no other attempt."""
    is_over = _is_over(attempt)
    if is_paid(new):
        if remote.payment_method in ("", attempt.method):
            return AttemptState.SUCCEEDED
        return AttemptState.FAILED if is_over else None  # the order was paid otherwise
    if new in RESTARTABLE:
        is_only_one = not attempt.restarted_from and not attempt.order.attempts.exclude(pk=attempt.pk).exists()
        return AttemptState.DECLINED if is_over or is_only_one else None
    if remote.payment_method == attempt.method:
        return None if attempt.method == AttemptMethod.CREDIT_CARD else AttemptState.SUCCEEDED  # a card's is examined
    return AttemptState.FAILED if is_over else None


def _is_over(attempt: PaymentAttempt) -> bool:
    """Whether nothing of it can arrive any more."""
    return bool(attempt.started_at < clock.now() - SETTLED_AFTER)


def _codes(remote: RemoteOrder) -> dict[str, str]:
    """The columns of the order's row that Appmax's answer fills."""
    columns: dict[str, str] = {}
    if remote.pix is not None:
        columns |= {"pix_qr_code": remote.pix.qr_code, "pix_emv": remote.pix.emv}
    if remote.boleto is not None:
        columns |= {"boleto_pdf_url": remote.boleto.pdf_url, "boleto_digitavel": remote.boleto.digitable_line}
    return {name: value for name, value in columns.items() if value}
