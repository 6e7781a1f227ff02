"""Strips the payloads of processed events after WEBHOOK_PAYLOAD_DAYS, because they hold personal data. What is kept of
shoppers is deleted after the same time.

An event that is still unprocessed by then keeps its payload, without which it couldn't be repaired any more.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, Func, QuerySet, TextField, Value, When
from django.db.models.functions import JSONObject
from django.db.models.lookups import Exact

from orders import clock
from orders.models import OrderCode, Shopper
from webhooks.models import Progress, WebhookEvent

JOB = "strip"
BATCH = 500

_KEPT_DATA = JSONObject(
    **{name: f"payload__data__{name}" for name in ("order_id", "id", "customer_id", "status", "order_status")}
)
_IS_OBJECT = Exact(Func("payload__data", function="jsonb_typeof", output_field=TextField()), "object")
# The event's name, ids and statuses are left.
_STRIPPED = Func(
    JSONObject(
        event="event",
        event_type="event_type",
        stripped=Value(True),
        data=Case(When(_IS_OBJECT, then=_KEPT_DATA)),
    ),
    function="jsonb_strip_nulls",
)


def strip_if_old(event: WebhookEvent) -> None:
    """Strip this event if it is old. That is needed for one that was processed after the nightly job had passed it."""
    if event.created_at < oldest_kept():
        _strip([event.pk])


def strip_old_payloads() -> int:
    """Strip the events that have become old since the last run, in batches; returns the number of rows looked at."""
    before, total = oldest_kept(), 0
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


def forget_shoppers() -> int:
    """Delete what is kept of shoppers who haven't bought since then, and codes from before, in batches; returns the
    number of rows."""
    before, total = oldest_kept(), 0
    old: tuple[QuerySet[Any], ...] = (
        Shopper.objects.filter(seen_at__lt=before),
        OrderCode.objects.filter(created_at__lt=before),
    )
    for rows in old:
        while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
            total += rows.filter(pk__in=ids).delete()[0]
    return total


def oldest_kept() -> datetime:
    """What came before this time is stripped, or deleted."""
    return clock.now() - timedelta(days=settings.WEBHOOK_PAYLOAD_DAYS)


def _strip(ids: list[int]) -> None:
    WebhookEvent.objects.filter(pk__in=ids, processed=True).update(source=None, payload=_STRIPPED)
