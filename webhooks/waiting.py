"""Events that wait: tried again in growing intervals, their orders fetched from Appmax, closed after a time.

Safe beside the web, other workers and staff: an event is claimed (Retry) before anything is asked about it, and handled
by `inbox.reprocess`, which skips what somebody else has locked.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.db import IntegrityError
from django.db.models import F, Q, QuerySet

from appmax.errors import AppmaxError, Rejected
from installations.fields import DecryptionFailed
from installations.models import Installation
from orders import clock, reconcile
from orders.models import Order
from orders.reconcile import Round
from webhooks import inbox, payload
from webhooks.models import Outcome, Retry, WebhookEvent

FIRST_AFTER = timedelta(seconds=5)  # doubled with each try, up to
AT_MOST_AFTER = timedelta(hours=6)
UNKNOWN_AFTER = timedelta(minutes=10)  # at least, where Appmax says that it has no such order
MOST_IN_A_ROUND = 500
MOST_BY_HAND = 20  # questions about a merchant's orders


class Asked(StrEnum):
    """Whether Appmax was asked about an event's order, and what it said."""

    NOBODY = "nobody"  # there is nothing to ask, or nobody to ask for
    NOT_NOW = "not now"  # there were questions enough in this round
    IN_VAIN = "in vain"  # it didn't answer
    NOT_FOUND = "not found"  # it has no such order of this merchant
    UNUSABLE = "unusable"  # it answered, and nothing can be made of that
    ANSWERED = "answered"  # the order is there, with the status that it said


def process_due(round_: Round) -> Counter[Outcome]:
    """Handle again every event whose time has come; those first that nobody has looked at, then as they became due, so
    that one merchant's many don't keep the others waiting."""
    due = Q(retry=None) | Q(retry__next_at__lte=clock.now())
    rows = _waiting().filter(due).order_by(F("retry__next_at").asc(nulls_first=True), "pk")
    return _process(rows[:MOST_IN_A_ROUND], round_)


def process_all(pks: Iterable[int] | None = None, *, sleep: Callable[[float], None] = time.sleep) -> Counter[Outcome]:
    """By hand: handle again now what waits, or those of it that are named."""
    rows = _waiting() if pks is None else _waiting().filter(pk__in=list(pks))
    return _process(rows, Round(most_of_a_merchant=MOST_BY_HAND, sleep=sleep))


def forget_retries() -> int:
    """Of events that were processed otherwise; says how many."""
    return Retry.objects.filter(event__processed=True).delete()[0]


def _waiting() -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.waiting().select_related("retry").with_merchants()


def _process(rows: Iterable[WebhookEvent], round_: Round) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()
    asked: dict[int, Asked] = {}  # about these orders, in this round
    for row in list(rows):
        times = _claim(row)
        if times is None:
            continue
        said = _ask_once(row, round_, asked)
        if said is Asked.NOT_NOW:  # this wasn't a try
            Retry.objects.filter(event=row.pk, times=times + 1).update(times=times, next_at=clock.now() + FIRST_AFTER)
            outcomes[Outcome.WAITING] += 1
            continue
        outcome = inbox.reprocess(row.pk, is_confirmed=said is Asked.ANSWERED, may_close=said is not Asked.IN_VAIN)
        if outcome is not None:
            outcomes[outcome] += 1
        if outcome not in (Outcome.WAITING, Outcome.FAILED):
            Retry.objects.filter(event=row.pk).delete()
        elif said is Asked.NOT_FOUND:
            not_before = clock.now() + UNKNOWN_AFTER
            Retry.objects.filter(event=row.pk, next_at__lt=not_before).update(next_at=not_before)
    return outcomes


def _claim(row: WebhookEvent) -> int | None:
    """How many tries there were before, if this process is the one that handles the event now; None if not. Says at
    once when it is next."""
    retry: Retry | None = getattr(row, "retry", None)
    times = retry.times if retry else 0
    next_at = clock.now() + min(FIRST_AFTER * (1 << min(times, 20)), AT_MOST_AFTER)
    columns = {"times": times + 1, "next_at": next_at}
    if retry is not None:
        return times if Retry.objects.filter(pk=retry.pk, times=times).update(**columns) else None
    try:
        return times if Retry.objects.get_or_create(event_id=row.pk, defaults=columns)[1] else None
    except IntegrityError:  # somebody has claimed it, handled it and deleted the claim meanwhile
        return None


def _ask_once(row: WebhookEvent, round_: Round, asked: dict[int, Asked]) -> Asked:
    """Once for all events of an order."""
    number = row.appmax_order_id
    if number is None or payload.status_of(row.event) is None:
        return Asked.NOBODY
    if number not in asked:
        asked[number] = _ask(row, number, round_)
    return asked[number]


def _ask(row: WebhookEvent, number: int, round_: Round) -> Asked:
    """Have Appmax confirm the event's order, or create it as Appmax has it, where that is needed."""
    order = Order.objects.with_merchant().filter(appmax_order_id=number).first()
    question: Callable[[], object]
    if order is not None:
        if settings.WEBHOOK_TRUST != "confirm":
            return Asked.NOBODY
        installation, question = order.installation, partial(reconcile.reconcile, order)
    else:
        merchants = payload.merchants_of(row.client_key, row.external_key)  # type: ignore[attr-defined]
        named = Installation.objects.defer("merchant_client_secret").filter(external_key__in=merchants).first()
        if named is None:
            return Asked.NOBODY
        installation, question = named, partial(reconcile.adopt, named, number)
    if not round_.may_ask(installation.pk):
        return Asked.NOT_NOW
    try:
        return Asked.UNUSABLE if round_.ask(installation.pk, question) is None else Asked.ANSWERED
    except Rejected as error:  # any other refusal says nothing of whether there is such an order
        return Asked.NOT_FOUND if error.status == HTTPStatus.NOT_FOUND else Asked.IN_VAIN
    except reconcile.UnknownStatus:
        return Asked.UNUSABLE
    except (AppmaxError, DecryptionFailed):
        return Asked.IN_VAIN
