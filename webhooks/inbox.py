"""The one path by which an event changes an order.

Locks are always taken in this order: the Appmax order (its row, or the advisory lock where there is no row yet), then
event rows. Everything that handles an order's events holds the first, so what it reads of them can't change under it.
"""

import logging
import time
from collections import Counter
from enum import StrEnum
from typing import Any

from django.db import transaction

from orders.models import Order
from webhooks import payload
from webhooks.models import WebhookEvent
from webhooks.payload import Event

log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    IGNORED = "ignored"  # it would have moved the order backwards
    ACKNOWLEDGED = "acknowledged"  # it means no status
    DUPLICATE = "duplicate"
    WAITING = "waiting"  # the order isn't there yet, or the event names none
    FAILED = "failed"


def receive(event: Event) -> Outcome:
    """Keep the event and handle it, in one transaction. If handling fails, it is kept to be handled later.

    Raises django.db.Error only if it can't be kept: Appmax must then send it again.
    """
    started = time.perf_counter()
    row = WebhookEvent(
        event=event.name,
        event_type=event.type,
        appmax_order_id=event.order_id,
        payload=event.payload,
        error_message=event.note or None,
    )
    try:
        with transaction.atomic():
            outcome = _settle(row, _lock_order(event.order_id))
            row.save(force_insert=True)
    except Exception as error:
        outcome = _keep_failed(row, error)
    log.info(
        "webhook.received event=%s order=%s outcome=%s ms=%.1f",
        event.name.encode("unicode_escape").decode(),
        event.order_id,
        outcome,
        (time.perf_counter() - started) * 1000,
    )
    return outcome


def process_waiting() -> Counter[Outcome]:
    """Handle again, oldest first, everything that waits; safe beside other processes that do the same."""
    outcomes: Counter[Outcome] = Counter()
    for pk in WebhookEvent.objects.waiting().values_list("pk", flat=True):
        if outcome := reprocess(pk):
            outcomes[outcome] += 1
    return outcomes


def reprocess(pk: int) -> Outcome | None:
    """Handle one kept event again; None if somebody else is at it, or it has been handled."""
    row = WebhookEvent.objects.defer("payload").get(pk=pk)
    try:
        with transaction.atomic():
            order = _lock_order(row.appmax_order_id)
            mine = WebhookEvent.objects.defer("payload").select_for_update(skip_locked=True)
            waiting = mine.filter(pk=pk, processed=False).first()
            if waiting is None:
                return None
            outcome = _settle(waiting, order)
            waiting.save_outcome()
    except Exception as error:
        log.error("webhook.reprocess_failed id=%s error=%s", pk, type(error).__name__)
        WebhookEvent.objects.filter(pk=pk, processed=False).update(error_message=_failure(error))
        return Outcome.FAILED
    log.info("webhook.reprocessed id=%s event=%s order=%s outcome=%s", pk, row.event, row.appmax_order_id, outcome)
    return outcome


def apply_waiting(order: Order, **signal: Any) -> None:
    """Receiver of `order_created`: apply what came before the order, in the transaction that creates it.

    A failure here leaves the events waiting; it must never cost the order.
    """
    try:
        with transaction.atomic():
            rows = WebhookEvent.objects.waiting().filter(appmax_order_id=order.appmax_order_id)
            for row in rows.defer("payload").select_for_update():
                outcome = _settle(row, order)
                row.save_outcome()
                log.info("webhook.applied_early id=%s order=%s outcome=%s", row.pk, order.appmax_order_id, outcome)
    except Exception as error:
        log.error("webhook.apply_waiting_failed order=%s error=%s", order.appmax_order_id, type(error).__name__)
        order.refresh_from_db()


def _lock_order(appmax_order_id: int | None) -> Order | None:
    """Lock all that happens to this order; its row, or None if there is none (yet)."""
    if appmax_order_id is None:
        return None
    rows = Order.objects.select_for_update(of=("self",)).filter(appmax_order_id=appmax_order_id)
    order = rows.first()
    if order is None:  # a row that isn't there can't be locked; whoever creates it holds this lock meanwhile
        Order.objects.lock_appmax_order(appmax_order_id)
        order = rows.first()
    return order


def _settle(row: WebhookEvent, order: Order | None) -> Outcome:
    """Decide what becomes of an event whose order is locked, and move the order. The caller saves the row."""
    status = payload.status_of(row.event)
    if row.appmax_order_id is None:
        return _settle_without_order(row, needs_order=status is not None)
    if WebhookEvent.objects.handled(row.event, row.appmax_order_id).exists():
        row.close("duplicate")
        return Outcome.DUPLICATE
    if status is None:
        row.close(_unknown(row))
        return Outcome.ACKNOWLEDGED
    if order is None:
        row.keep_waiting("the order is not there yet")
        return Outcome.WAITING
    if order.advance(status):
        row.close()
        return Outcome.APPLIED
    if order.status == status:
        row.close(f"ignored: the order is {order.status} already")
    else:
        row.close(f"ignored: the order is {order.status}, this event means {status.value}")
    return Outcome.IGNORED


def _settle_without_order(row: WebhookEvent, *, needs_order: bool) -> Outcome:
    if needs_order:
        row.keep_waiting(row.error_message or "the event names no order")
        return Outcome.WAITING
    row.close(row.error_message or _unknown(row))
    return Outcome.ACKNOWLEDGED


def _unknown(row: WebhookEvent) -> str | None:
    return None if payload.is_known(row.event) else "unknown event"


def _keep_failed(row: WebhookEvent, error: Exception) -> Outcome:
    """The raw delivery first: store it unprocessed, outside the transaction that failed."""
    log.error("webhook.processing_failed order=%s error=%s", row.appmax_order_id, type(error).__name__)
    row.pk = None
    row.keep_waiting(_failure(error))
    row.save(force_insert=True)
    return Outcome.FAILED


def _failure(error: Exception) -> str:
    """The error's type alone: its text may quote the row, and that holds personal data."""
    return f"processing failed: {type(error).__name__}"
