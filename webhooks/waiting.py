"""Events that wait: tried again in growing intervals, their orders fetched from Appmax, closed after a time.

Safe beside the web, other workers and staff: an event is claimed (Retry) before anything is asked about it, and handled
by `inbox.reprocess`, which skips what somebody else has locked.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q
from django.utils import timezone

from appmax.errors import AppmaxError
from installations.fields import DecryptionFailed
from installations.models import Installation
from orders import reconcile
from orders.models import Order
from orders.reconcile import Round
from webhooks import inbox, payload
from webhooks.inbox import Outcome
from webhooks.models import Retry, WebhookEvent

FIRST_AFTER = timedelta(seconds=5)  # doubled with each try, up to
AT_MOST_AFTER = timedelta(hours=6)
MOST_IN_A_ROUND = 500
MOST_OF_A_MERCHANT = 3  # questions to Appmax in a round; with a round every 5 s that is 36 of the 60 a minute
MOST_BY_HAND = 20


def process_due(round_: Round) -> Counter[Outcome]:
    """Handle again every event whose time has come, oldest first."""
    due = Q(retry=None) | Q(retry__next_at__lte=timezone.now())
    rows = WebhookEvent.objects.waiting().filter(due).select_related("retry").with_merchants()
    return _process(rows[:MOST_IN_A_ROUND], round_)


def process_all(pks: Iterable[int] | None = None, *, sleep: Callable[[float], None] = time.sleep) -> Counter[Outcome]:
    """By hand: handle again now what waits, or those of it that are named."""
    rows = WebhookEvent.objects.waiting().select_related("retry").with_merchants()
    if pks is not None:
        rows = rows.filter(pk__in=list(pks))
    return _process(rows, Round(most_of_a_merchant=MOST_BY_HAND, sleep=sleep))


def _process(rows: Iterable[WebhookEvent], round_: Round) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()
    confirmed: dict[int, bool] = {}
    for row in list(rows):
        if not _claim(row):
            continue
        outcome = _process_one(row, round_, confirmed)
        if outcome is not None:
            outcomes[outcome] += 1
        if outcome not in (Outcome.WAITING, Outcome.FAILED):
            Retry.objects.filter(event=row.pk).delete()
    return outcomes


def _claim(row: WebhookEvent) -> bool:
    """Whether this process is the one that handles the event now; says at once when it is next."""
    retry: Retry | None = getattr(row, "retry", None)
    times = retry.times if retry else 0
    next_at = timezone.now() + min(FIRST_AFTER * (1 << min(times, 20)), AT_MOST_AFTER)
    columns = {"times": times + 1, "next_at": next_at}
    if retry is None:
        try:
            return Retry.objects.get_or_create(event_id=row.pk, defaults=columns)[1]
        except IntegrityError:  # somebody has claimed it, handled it and deleted the claim meanwhile
            return False
    return Retry.objects.filter(pk=retry.pk, times=times).update(**columns) == 1


def _process_one(row: WebhookEvent, round_: Round, confirmed: dict[int, bool]) -> Outcome | None:
    """`confirmed`: the orders that Appmax has been asked about in this round, and whether it has answered."""
    number = row.appmax_order_id
    if number is None or payload.status_of(row.event) is None:
        return inbox.reprocess(row.pk)
    if number not in confirmed:
        confirmed[number] = _ask_about(row, number, round_)
    return inbox.reprocess(row.pk, is_confirmed=confirmed[number])


def _ask_about(row: WebhookEvent, number: int, round_: Round) -> bool:
    """Have Appmax create or confirm the event's order, where that is needed; whether it has just said its status."""
    order = Order.objects.with_merchant().filter(appmax_order_id=number).first()
    if order is not None:
        if settings.WEBHOOK_TRUST != "confirm" or not round_.may_ask(order.installation_id):
            return False
        return _answered(round_, order.installation_id, partial(reconcile.reconcile, order))
    merchants = payload.merchants_of(row.client_key, row.external_key)  # type: ignore[attr-defined]
    named = Installation.objects.defer("merchant_client_secret").filter(external_key__in=merchants)
    installation = named.first() if merchants else None
    if installation is None or not round_.may_ask(installation.pk):
        return False
    return _answered(round_, installation.pk, partial(reconcile.adopt, installation, number))


def _answered(round_: Round, installation_id: int, question: Callable[[], object]) -> bool:
    try:
        return round_.ask(installation_id, question) is not None
    except (AppmaxError, DecryptionFailed):
        return False  # the event goes on waiting; reconcile has logged why
