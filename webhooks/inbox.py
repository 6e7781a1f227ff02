"""The only way in which an event changes an order.

A new event takes two statements (rows.py):
1. `rows.look` reads what is known of its order.
2. `decide` says what becomes of it.
3. `rows.insert` writes the event, the order's status and the question for Appmax, unless the order has changed since
   the first step. In that case all three are done again, and after TRIES_WITHOUT_LOCK times with the order locked.

A kept event is handled again with its order locked. Locks are always taken in this order: the order (its row, or the
advisory lock of its number if it has no row), then rows of events, then the order's question.
"""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client import Counter, Histogram

from observability.logs import tell
from orders import changes, clock
from orders.changes import Cause
from orders.models import Order
from orders.models.question import Question
from orders.questions import due
from orders.status import OrderStatus, advances, may_have_moved_on
from orders.subscriptions import ask as subscriptions
from webhooks import payload, retention, rows
from webhooks.decide import Decision, Outcome, decide
from webhooks.models import HANDLED, ClaimSource, WebhookEvent
from webhooks.payload import Event
from webhooks.rows import Found

log = structlog.stdlib.get_logger(__name__)

_events = Counter("checkout_webhook_events", "Webhook events, by name and what became of them", ["name", "outcome"])
_refuted = Counter("checkout_claims_refuted", "What webhooks claimed and Appmax contradicted, when it was asked")
_waited = Histogram(
    "checkout_webhook_waited_seconds",
    "How old a kept event was when it was handled",
    buckets=(5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600),
)

TRIES_WITHOUT_LOCK = 3
MOST_AT_ONCE = 500  # kept events of one name and order that are handled in one transaction


def receive(event: Event, address: str | None = None) -> Outcome:
    """Keep the event and handle it. If handling fails, it is kept to be handled later. `address` is the sender's.

    Raises django.db.Error only if the event can't be kept. Appmax must then send it again.
    """
    started = time.perf_counter()
    try:
        outcome = _receive(event, address)
    except Exception as error:
        outcome = _keep_failed(event, address, error)
    tell(
        log,
        "webhook.received",
        name=event.name,
        model=event.model,
        order=event.order_id,
        outcome=outcome,
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
    _count(event.name, outcome)
    return outcome


def handle_again(pk: int, *, may_close: bool = False) -> Outcome | None:
    """Handle one kept event again; None if it was handled already, or another process is doing so.

    With `may_close` an event that has waited for too long is closed, because Appmax was asked or can't be asked.
    """
    number = WebhookEvent.objects.values_list("appmax_order_id", flat=True).get(pk=pk)
    try:
        with transaction.atomic():
            lock(number)
            row = WebhookEvent.objects.select_for_update(skip_locked=True).filter(pk=pk, processed=False).first()
            if row is None:
                return None
            decision = _handle_kept(row, may_close=may_close)
    except Exception as error:
        log.error("webhook.handling_failed", id=pk, error=type(error).__name__)
        WebhookEvent.objects.filter(pk=pk, processed=False).update(
            outcome=Outcome.FAILED, error_message=type(error).__name__, tries=F("tries") + 1
        )
        return Outcome.FAILED
    if row.processed:
        retention.strip_if_old(row)
    log.info("webhook.handled_again", id=pk, name=row.event, order=number, outcome=decision.outcome)
    return decision.outcome


def apply_waiting(order: Order, said: OrderStatus | None = None, **signal: Any) -> None:
    """Receiver of `order_created`: handle the events that came before the order, in the transaction that creates it.

    If that fails, the events go on waiting, and the order is created even so.
    """
    if not WebhookEvent.objects.waits_for(order.appmax_order_id):
        return
    try:
        with transaction.atomic():
            _handle_waiting(order, is_confirmed=said is not None)
    except Exception as error:
        log.error("webhook.apply_waiting_failed", order=order.appmax_order_id, error=type(error).__name__)
    order.refresh_from_db()


def hear_answer(order: Order, *, is_correction: bool, **signal: Any) -> bool:
    """Receiver of `order_answered`: the order has the status that Appmax has just said.

    Events that Appmax contradicts are taken back, and those that waited for the answer are handled. Returns whether an
    event waits for another answer.
    """
    if is_correction:
        _take_back(order)
    return _handle_waiting(order, is_confirmed=True)


def wait_limit() -> timedelta:
    """How long an event may wait for its order, or for Appmax's confirmation."""
    return timedelta(hours=settings.WEBHOOK_WAIT_HOURS)


# --- new events ------------------------------------------------------------------------------------------------------


def _receive(event: Event, address: str | None) -> Outcome:
    for _ in range(TRIES_WITHOUT_LOCK):
        found = rows.look(event, address)
        decision = _decide(event, found)
        is_told = decision.status is not None and found.is_listened_to
        writes_more = is_told or decision.supersedes or payload.is_about_subscription(event)
        if writes_more or (found.order_pk is None and decision.outcome is Outcome.WAITING):
            break  # More than the two rows must be written, or the order may be created just now: this needs the lock.
        try:
            if rows.insert(event, address, found, decision) is not None:
                return decision.outcome
        except IntegrityError:  # The same event has been handled meanwhile.
            continue
    with transaction.atomic():
        lock(event.order_id)
        found = rows.look(event, address)
        decision = _decide(event, found)
        _supersede(found, decision)
        rows.insert(event, address, found, decision)
        _ask_about_subscription(event, found, decision)
        if decision.status is not None and found.is_listened_to and found.order_pk and found.seen.status:
            changes.tell_moved(Order.objects.get(pk=found.order_pk), found.seen.status, Cause.WEBHOOK)
    return decision.outcome


def _decide(event: Event, found: Found) -> Decision:
    """Decide about the event. Earlier events of the order are read only if this one moves nothing, as only then it
    matters whether it tells of another payment."""
    decision = decide(event, found.seen, trust=settings.WEBHOOK_TRUST)
    is_repeated = decision.outcome in (Outcome.DUPLICATE, Outcome.IGNORED) and payload.means_payment(event.name)
    if decision.why is None and is_repeated and payload.payment_facts(event.payload):
        earlier = rows.handled_before(event)
        facts = tuple(payload.payment_facts(body) for name, body in earlier if payload.means_payment(name))
        seen = replace(found.seen, paid_before=facts)
        decision = decide(event, seen, trust=settings.WEBHOOK_TRUST)
    return decision


def lock(appmax_order_id: int | None) -> None:
    """Lock all that happens to this order until the transaction ends."""
    if appmax_order_id is None:
        return
    if Order.objects.locked_by_number(appmax_order_id) is None:
        # There is no row to lock yet. A process that creates it holds this lock.
        Order.objects.lock_appmax_order(appmax_order_id)
        Order.objects.locked_by_number(appmax_order_id)


def _ask_about_subscription(event: Event, found: Found, decision: Decision) -> None:
    """Have Appmax asked about the subscription that the event tells of, as its body is only a claim. Without a merchant
    there are no credentials to ask with."""
    if found.installation_id is None or decision.outcome is Outcome.REFUSED or not payload.is_about_subscription(event):
        return
    subscriptions.hear(found.installation_id, event.subscription_id, event.order_id)


def _supersede(found: Found, decision: Decision) -> None:
    if decision.supersedes and found.handled_pk is not None:
        WebhookEvent.objects.filter(pk=found.handled_pk).update(outcome=Outcome.SUPERSEDED)


def _keep_failed(event: Event, address: str | None, error: Exception) -> Outcome:
    """Store the event unprocessed, outside the transaction that failed. Only the error's type is kept, because its text
    may quote the row, which holds personal data."""
    log.error("webhook.handling_failed", order=event.order_id, error=type(error).__name__)
    if not connection.in_atomic_block:
        connection.close()  # The connection may be what has failed, and the pool gives another.
    WebhookEvent.objects.create(
        event=event.name,
        event_type=event.type,
        appmax_order_id=event.order_id,
        payload=event.payload,
        source=address,
        outcome=Outcome.FAILED,
        error_message=type(error).__name__,
        tries=1,
    )
    return Outcome.FAILED


# --- kept events -----------------------------------------------------------------------------------------------------


def _handle_waiting(order: Order, *, is_confirmed: bool) -> bool:
    """Handle the events that wait for this order, which is locked; returns whether one of them goes on waiting.

    Events of one name are handled from the oldest on, until one goes on waiting. So a flood of equal events costs one
    decision.
    """
    waiting = WebhookEvent.objects.waiting().filter(appmax_order_id=order.appmax_order_id)
    still_waits = False
    for name in waiting.order_by("event").values_list("event", flat=True).distinct():
        for row in waiting.filter(event=name).select_for_update()[:MOST_AT_ONCE]:
            decision = _handle_kept(row, is_confirmed=is_confirmed, may_close=is_confirmed)
            log.info("webhook.applied_late", id=row.pk, order=order.appmax_order_id, outcome=decision.outcome)
            if decision.outcome is Outcome.WAITING:
                still_waits = True
                break
    return still_waits


def _handle_kept(row: WebhookEvent, *, is_confirmed: bool = False, may_close: bool = False) -> Decision:
    """Decide about a kept event and write the decision. Its row and its order must be locked."""
    event = payload.kept(row.event, row.event_type, row.appmax_order_id, row.payload)
    found = rows.look(event, row.source)
    is_too_old = may_close and row.created_at < clock.now() - wait_limit()
    found = replace(found, seen=replace(found.seen, is_confirmed=is_confirmed, is_too_old=is_too_old))
    decision = _decide(event, found)
    is_refuted = is_confirmed and decision.outcome is Outcome.WAITING
    write_decision(row, found, decision, asks=not is_refuted)
    _ask_about_subscription(event, found, decision)
    if is_refuted and event.order_id is not None and found.installation_id is not None:
        _count_refuted(event.order_id, row.source)
    _count(row.event, decision.outcome, row)
    return decision


def write_decision(row: WebhookEvent, found: Found, decision: Decision, *, asks: bool = True) -> None:
    """Write what was decided about a kept event. Its row and its order must be locked. Without `asks` no question is
    put to Appmax."""
    _supersede(found, decision)
    row.take(decision, found.seen.status, found.installation_id)
    row.save_outcome()
    if decision.status is not None:
        changes.set_status(Order.objects.locked(found.order_pk or 0), decision.status, Cause.WEBHOOK)
    # Without a merchant there are no credentials to ask Appmax with.
    if asks and decision.why is not None and row.appmax_order_id is not None and found.installation_id is not None:
        Question.objects.put(
            row.appmax_order_id,
            found.installation_id,
            decision.why,
            after=due.AFTER_A_CLAIM,
            is_patient=found.is_patient,
        )


def _take_back(order: Order) -> None:
    """Take back the handled events that claim more than Appmax says.

    They and their duplicates become refuted, so that a true event of the same name isn't taken for a duplicate. Events
    from before the checkout started the order again may have been true then, so they are superseded instead.
    """
    said = OrderStatus(order.status)
    events = WebhookEvent.objects.filter(appmax_order_id=order.appmax_order_id)
    restarted_at = order.attempts.exclude(restarted_from=None).aggregate(at=Max("started_at"))["at"]
    for row in events.filter(HANDLED).defer("payload"):
        status = payload.status_of(row.event)
        if status is None or not advances(said, status) or may_have_moved_on(status, said):
            continue
        if restarted_at is not None and row.created_at < restarted_at:
            events.filter(pk=row.pk).update(outcome=Outcome.SUPERSEDED)
            continue
        log.warning("webhook.refuted", id=row.pk, order=order.appmax_order_id)
        _count_refuted(order.appmax_order_id, row.source)
        same = Q(pk=row.pk) | Q(event=row.event, processed=True, outcome=Outcome.DUPLICATE)
        events.filter(same).update(
            outcome=Outcome.REFUTED, order_status=said, error_message=f"Appmax says {said.value}"
        )


def _count_refuted(appmax_order_id: int, address: str | None) -> None:
    """Note that Appmax has contradicted a claim. For a while, claims about this order or from this address are not
    believed at once."""
    Question.objects.of_order(appmax_order_id).update(refuted=F("refuted") + 1, refuted_at=Now())
    if address is not None:
        ClaimSource.count_refuted(address)
    transaction.on_commit(_refuted.inc, robust=True)


def _count(name: str, outcome: Outcome, kept: WebhookEvent | None = None) -> None:
    """Count the event in the metrics when it is committed. Unknown names count as one, as a stranger could send any
    number of them."""
    known = payload.spellings(name)[0] if payload.is_known(name) else "unknown"
    transaction.on_commit(_events.labels(known, outcome).inc, robust=True)
    if kept is not None and kept.processed:
        seconds = (timezone.now() - kept.created_at).total_seconds()
        transaction.on_commit(lambda: _waited.observe(seconds), robust=True)
