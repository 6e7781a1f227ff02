"""Strips the payloads of processed events after WEBHOOK_PAYLOAD_DAYS, because they hold personal data.

An event that is still unprocessed by then keeps its payload, without which it couldn't be repaired any more.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from orders import clock
from webhooks.models import Progress, WebhookEvent

JOB = "strip"
BATCH = 500

# The event's name, ids and statuses are left.
_STRIP = """
    UPDATE webhook_events SET source = NULL, payload = jsonb_strip_nulls(jsonb_build_object(
        'event', to_jsonb(event),
        'event_type', to_jsonb(event_type),
        'stripped', true,
        'data', CASE WHEN jsonb_typeof(payload->'data') = 'object' THEN jsonb_build_object(
            'order_id', payload->'data'->'order_id',
            'id', payload->'data'->'id',
            'customer_id', payload->'data'->'customer_id',
            'status', payload->'data'->'status',
            'order_status', payload->'data'->'order_status'
        ) END))
     WHERE id = ANY(%(ids)s) AND processed
"""


def strip_if_old(event: WebhookEvent) -> None:
    """Strip this event if it is old. That is needed for one that was processed after the nightly job had passed it."""
    if event.created_at < _oldest_kept():
        _strip([event.pk])


def strip_old_payloads() -> int:
    """Strip the events that have become old since the last run, in batches; returns the number of rows looked at."""
    before, total = _oldest_kept(), 0
    while True:
        position = Progress.of(JOB)
        rows = WebhookEvent.objects.filter(pk__gt=position).order_by("pk").values_list("pk", "created_at")
        batch = list(rows[:BATCH])
        ids = [pk for pk, created_at in batch if created_at < before]
        if not ids:
            return total
        _strip(ids)
        Progress.advance(JOB, ids[-1])
        total += len(ids)


def _oldest_kept() -> datetime:
    return clock.now() - timedelta(days=settings.WEBHOOK_PAYLOAD_DAYS)


def _strip(ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STRIP, {"ids": ids})
