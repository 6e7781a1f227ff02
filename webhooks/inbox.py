"""The one path by which an event changes an order.

Locks are always taken in this order: the Appmax order (its row, or the advisory lock where there is no row yet), then
event rows. Everything that handles an order's events holds the first, so what it reads of them can't change under it.
"""

import time
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from prometheus_client import Counter, Histogram

from installations.models import Installation
from orders import clock, reconcile
from orders.models import Order
from orders.status import RESTARTABLE, OrderStatus, advances
from webhooks import payload, retention
from webhooks.models import DUPLICATE, FAILED, IGNORED, NOT_BELIEVED, NOT_FOUND, UNKNOWN, Outcome, WebhookEvent
from webhooks.payload import Event

log = structlog.stdlib.get_logger(__name__)

_events = Counter("checkout_webhook_events", "Webhook events, by name and what became of them", ["name", "outcome"])
_waited = Histogram(
    "checkout_webhook_waited_seconds",
    "How old a kept event was when it was handled",
    buckets=(5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600),
)

NO_ORDER_YET = "the order is not there yet"
UNCONFIRMED = "waits for Appmax's confirmation"


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
        if _applies_at_once(row, event.merchants):
            outcome = Outcome.APPLIED
        else:
            with transaction.atomic():
                outcome = _settle(row, _lock_order(event.order_id), event.merchants)
                row.insert()
    except Exception as error:
        outcome = _keep_failed(row, error)
    log.info(
        "webhook.received",
        name=event.name,
        model=event.model,
        order=event.order_id,
        outcome=outcome,
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
    _count(event.name, outcome)
    return outcome


def reprocess(pk: int, *, is_confirmed: bool = False, may_close: bool = False) -> Outcome | None:
    """Handle one kept event again; None if somebody else is at it, or it has been handled.

    `is_confirmed`: Appmax has just been asked, and the order has the status that it said. `may_close`: an event that
    has waited for too long may be closed, as there is nobody to ask or Appmax has just been asked.
    """
    row = WebhookEvent.objects.defer("payload").get(pk=pk)
    try:
        with transaction.atomic():
            order = _lock_order(row.appmax_order_id)
            mine = WebhookEvent.objects.with_merchants().select_for_update(skip_locked=True, of=("self",))
            waiting = mine.filter(pk=pk, processed=False).first()
            if waiting is None:
                return None
            outcome = _settle_kept(waiting, order, is_confirmed=is_confirmed)
            if may_close and outcome is Outcome.WAITING and waiting.created_at < clock.now() - wait_limit():
                outcome = Outcome.CLOSED
                waiting.close(_why_in_vain(waiting, order))
            waiting.save_outcome()
    except Exception as error:
        log.error("webhook.reprocess_failed", id=pk, error=type(error).__name__)
        WebhookEvent.objects.filter(pk=pk, processed=False).update(error_message=_failure(error))
        return Outcome.FAILED
    if waiting.processed:
        retention.strip_if_old(waiting)
    log.info("webhook.reprocessed", id=pk, name=row.event, order=row.appmax_order_id, outcome=outcome)
    _count(row.event, outcome, waiting)
    return outcome


def apply_waiting(order: Order, **signal: Any) -> None:
    """Receiver of `order_created`: apply what came before the order, in the transaction that creates it.

    A failure here leaves the events waiting; it must never cost the order.
    """
    if not WebhookEvent.objects.waits_for(order.appmax_order_id):  # if this fails, so does the order's own transaction
        return
    try:
        with transaction.atomic():
            rows = WebhookEvent.objects.waiting().filter(appmax_order_id=order.appmax_order_id)
            for row in rows.with_merchants().select_for_update(of=("self",)):
                outcome = _settle_kept(row, order)
                row.save_outcome()
                _count(row.event, outcome, row)
                log.info("webhook.applied_early", id=row.pk, order=order.appmax_order_id, outcome=outcome)
    except Exception as error:
        log.error("webhook.apply_waiting_failed", order=order.appmax_order_id, error=type(error).__name__)
        order.refresh_from_db()


def take_back(order: Order, **signal: Any) -> None:
    """Receiver of `status_corrected`: the events that Appmax doesn't confirm say so, and count as never handled; their
    duplicates and what was ignored for them too, or they would stand in the way of the true ones."""
    handled = WebhookEvent.objects.filter(appmax_order_id=order.appmax_order_id, processed=True).defer("payload")
    for row in handled.filter(Q(error_message=None) | ~Q(error_message__startswith=NOT_BELIEVED)):
        status = payload.status_of(row.event)
        if status is not None and advances(order.status, status):
            row.error_message = f"{NOT_BELIEVED}Appmax says {order.status}"
            row.save_outcome()
            log.warning("webhook.not_believed", id=row.pk, order=order.appmax_order_id)


def wait_limit() -> timedelta:
    """How long an event may wait for its order, or for Appmax's confirmation."""
    return timedelta(hours=settings.WEBHOOK_WAIT_HOURS)


def _count(name: str, outcome: Outcome, kept: WebhookEvent | None = None) -> None:
    """In the metrics, once it is in the tables; a stranger's names are many, and count as one."""
    known = payload.spellings(name)[0] if payload.is_known(name) else "unknown"
    transaction.on_commit(_events.labels(known, outcome).inc, robust=True)
    if kept is not None and kept.processed:
        seconds = (timezone.now() - kept.created_at).total_seconds()
        transaction.on_commit(lambda: _waited.observe(seconds), robust=True)


def _applies_at_once(row: WebhookEvent, merchants: tuple[str, ...]) -> bool:
    """What `_settle` does with most events, by the same rules: apply it to an order that is there. Says whether it was
    such a one; if not, nothing has been done."""
    status = payload.status_of(row.event)
    if row.appmax_order_id is None or status is None or settings.WEBHOOK_TRUST == "confirm":
        return False
    before = [old for old in OrderStatus if advances(old, status) and not _is_doubtful(old, status)]
    return bool(before) and row.insert_if_it_moves(before, status, merchants)


def _lock_order(appmax_order_id: int | None) -> Order | None:
    """Lock all that happens to this order; its row, or None if there is none (yet)."""
    if appmax_order_id is None:
        return None
    order = Order.objects.locked_by_number(appmax_order_id)
    if order is None:  # a row that isn't there can't be locked; whoever creates it holds this lock meanwhile
        Order.objects.lock_appmax_order(appmax_order_id)
        order = Order.objects.locked_by_number(appmax_order_id)
    return order


def _settle_kept(row: WebhookEvent, order: Order | None, *, is_confirmed: bool = False) -> Outcome:
    """As `_settle`, for an event that was kept. The sweep for money that came in looks at new events only, so Appmax is
    asked to confirm this one here."""
    merchants = payload.merchants_of(row.client_key, row.external_key)  # type: ignore[attr-defined]
    outcome = _settle(row, order, merchants, is_confirmed=is_confirmed)
    is_unconfirmed = settings.WEBHOOK_TRUST == "payload" and payload.means_money(row.event)
    if outcome is Outcome.APPLIED and order is not None and is_unconfirmed:
        reconcile.request_check(order, f"a webhook that waited is not confirmed yet: {_printable(row.event)}")
    return outcome


def _settle(
    row: WebhookEvent, order: Order | None, merchants: tuple[str, ...], *, is_confirmed: bool = False
) -> Outcome:
    """Decide what becomes of an event whose order is locked, and move the order. The caller saves the row."""
    status = payload.status_of(row.event)
    if row.appmax_order_id is None:
        return _settle_without_order(row, needs_order=status is not None)
    if WebhookEvent.objects.was_handled(row.event, row.appmax_order_id):
        row.close(DUPLICATE)
        return Outcome.DUPLICATE
    if order is not None and _is_of_another(order, merchants):
        row.close(f"{NOT_BELIEVED}its client_key names another merchant than the order's")
        return Outcome.REFUSED
    if status is None:
        row.close(_unknown(row))
        return Outcome.ACKNOWLEDGED
    if order is None:
        row.keep_waiting(NO_ORDER_YET)
        return Outcome.WAITING
    if settings.WEBHOOK_TRUST == "confirm":
        return _settle_confirmed(row, order, status) if is_confirmed else _wait_for_confirmation(row)
    before = order.status
    if order.advance(status):
        row.close()
        if _is_doubtful(before, status):
            reconcile.request_check(order, f"authorised, and then {_printable(row.event)}")
        return Outcome.APPLIED
    return _ignore(row, order, status)


def _is_doubtful(before: str, status: OrderStatus) -> bool:
    """Whether an event may be of another attempt than the authorised one, so that Appmax is asked."""
    return before == OrderStatus.AUTORIZADO and status in RESTARTABLE


def _settle_confirmed(row: WebhookEvent, order: Order, status: OrderStatus) -> Outcome:
    """The order has the status that Appmax says; an event that claims more waits until Appmax says it too."""
    if advances(order.status, status):
        row.keep_waiting(f"not confirmed: Appmax says {order.status}")
        return Outcome.WAITING
    if order.status == status:
        row.close()
        return Outcome.APPLIED
    return _ignore(row, order, status)


def _wait_for_confirmation(row: WebhookEvent) -> Outcome:
    row.keep_waiting(UNCONFIRMED)
    return Outcome.WAITING


def _ignore(row: WebhookEvent, order: Order, status: OrderStatus) -> Outcome:
    if order.status == status:
        row.close(f"{IGNORED}the order is {order.status} already")
    else:
        row.close(f"{IGNORED}the order is {order.status}, this event means {status.value}")
    return Outcome.IGNORED


def _is_of_another(order: Order, merchants: tuple[str, ...]) -> bool:
    """Whether the envelope names another of our merchants than the order's."""
    others = [key for key in merchants if key != order.installation.external_key]
    return bool(others) and Installation.objects.filter(external_key__in=others).exists()


def _settle_without_order(row: WebhookEvent, *, needs_order: bool) -> Outcome:
    note = row.error_message or ""
    if note.startswith(FAILED):  # of the last try
        note = ""
    if needs_order:
        row.keep_waiting(note or "the event names no order")
        return Outcome.WAITING
    row.close(note or _unknown(row))
    return Outcome.ACKNOWLEDGED


def _why_in_vain(row: WebhookEvent, order: Order | None) -> str:
    """What an event is closed with that has waited too long."""
    if order is not None:
        return f"{NOT_BELIEVED}Appmax says {order.status}"
    return f"{NOT_BELIEVED}{row.error_message}" if row.appmax_order_id is None else NOT_FOUND


def _unknown(row: WebhookEvent) -> str | None:
    return None if payload.is_known(row.event) else UNKNOWN


def _keep_failed(row: WebhookEvent, error: Exception) -> Outcome:
    """The raw delivery first: store it unprocessed, outside the transaction that failed."""
    log.error("webhook.processing_failed", order=row.appmax_order_id, error=type(error).__name__)
    if not connection.in_atomic_block:
        connection.close()  # it may be what has failed; the pool gives another
    row.pk = None
    row.keep_waiting(_failure(error))
    row.insert()
    return Outcome.FAILED


def _failure(error: Exception) -> str:
    """The error's type alone: its text may quote the row, and that holds personal data."""
    return f"{FAILED}{type(error).__name__}"


def _printable(event: str) -> str:
    """An event's name on one line of a reason that staff see: it is a stranger's text."""
    return event.encode("unicode_escape").decode()
