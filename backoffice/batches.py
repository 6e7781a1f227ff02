"""Tries the unprocessed events that staff have chosen, as a job of the worker's."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from backoffice.kit.words import history
from backoffice.models import EventBatch
from orders import clock
from webhooks import kept
from webhooks.models import WebhookEvent

log = structlog.stdlib.get_logger(__name__)

MOST = 50_000  # events that staff can choose at a time
AT_ONCE = 10  # events that are tried between two looks at the batch
LEASE = timedelta(minutes=3)
"""If a worker dies, another goes on with its batch after this time. Trying AT_ONCE events takes less."""

TRIED = gettext_noop("Handled again")


def start(events: Iterable[int], user: User) -> EventBatch:
    """The batch that tries these events (primary keys): a new one, or the one that is under way, to which those are
    added that it hasn't before it. However many people ask for an event at once, it is tried once; one that was tried
    in vain may be asked for again."""
    wanted = list(events)
    while True:
        try:
            with transaction.atomic():
                batch = EventBatch.objects.select_for_update().filter(finished_at=None).first()
                if batch is None:
                    batch = EventBatch.objects.create(asked_by=user, event_ids=wanted)
                    log.info("batch.started", batch=batch.pk, user=user.pk, events=len(wanted))
                else:
                    to_come = set(batch.event_ids[batch.done :])
                    batch.event_ids += [pk for pk in wanted if pk not in to_come]
                    batch.save(update_fields=["event_ids"])
                return batch
        except IntegrityError:  # Somebody else has just begun a batch.
            continue


def go_on() -> bool:
    """Try the next events of the batch that is under way, if no other worker does; returns whether more are to come."""
    batch = _take()
    if batch is None:
        return False
    pks = batch.event_ids[batch.done : batch.done + AT_ONCE]
    outcomes = Counter({str(outcome.value): count for outcome, count in kept.handle_now(pks).items()})
    _log(batch.asked_by_id, pks)
    with transaction.atomic():
        mine = Q(pk=batch.pk, leased_until=batch.leased_until)
        row = EventBatch.objects.select_for_update().filter(mine).first()
        if row is None:  # This took longer than the lease, and another worker has begun the same events.
            return False
        row.count(outcomes, len(pks))
        row.leased_until = None
        row.finished_at = clock.now() if row.done >= row.total else None
        row.save(update_fields=["done", "outcomes", "leased_until", "finished_at"])
    return row.finished_at is None


def _take() -> EventBatch | None:
    """The batch that is under way, leased to this process; None if there is none, or another process has it."""
    with transaction.atomic():
        now = clock.now()
        is_free = Q(leased_until=None) | Q(leased_until__lt=now)
        batch = EventBatch.objects.select_for_update(skip_locked=True).filter(is_free, finished_at=None).first()
        if batch is not None:
            batch.leased_until = now + LEASE
            batch.save(update_fields=["leased_until"])
    return batch


def _log(user_id: int, pks: list[int]) -> None:
    """Write a line into the history of each event."""
    for event in WebhookEvent.objects.filter(pk__in=pks).defer("payload"):
        LogEntry.objects.log_actions(user_id, [event], CHANGE, history(TRIED, event.outcome), single_object=True)
