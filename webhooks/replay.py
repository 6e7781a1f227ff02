"""Handles an event again that was handled before, because staff want it.

`foresee` says what that would change now, and `replay` does it if it changes anything. The event is decided as if it
came in at this moment, by the same `decide`. One that has been refused or contradicted, whose payload is stripped, or
that is from before the checkout started the order again is believed only if Appmax says the same now.
"""

from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction

from installations.models import Installation
from orders.models import Order, PaymentAttempt
from orders.questions import ask
from orders.status import OrderStatus
from webhooks import inbox, payload, rows
from webhooks.decide import Decision, Outcome, decide
from webhooks.models import WebhookEvent
from webhooks.rows import Found

_NOT_BELIEVED = (Outcome.REFUSED, Outcome.REFUTED)


@dataclass(frozen=True)
class Foreseen:
    """What handling the event again would come to now.

    `means` is the status that the event means, and `status` the order's own; None if there is none.
    """

    decision: Decision
    found: Found
    means: OrderStatus | None

    @property
    def status(self) -> OrderStatus | None:
        return self.found.seen.status

    @property
    def asks_appmax(self) -> bool:
        """Whether it depends on Appmax's answer, and Appmax can be asked."""
        is_waiting = self.decision.outcome is Outcome.WAITING and self.decision.why is not None
        return is_waiting and self.found.installation_id is not None

    @property
    def changes_something(self) -> bool:
        """Whether the order would move, or may, depending on Appmax's answer."""
        return self.decision.status is not None or self.asks_appmax


def foresee(row: WebhookEvent, *, is_confirmed: bool = False) -> Foreseen:
    """What would become of this event if it came in now. `is_confirmed` tells that Appmax has just been asked."""
    event = payload.kept(row.event, row.event_type, row.appmax_order_id, row.payload)
    found = rows.look(event, row.source)
    seen = replace(
        found.seen,
        was_handled=found.seen.was_handled and found.handled_pk != row.pk,
        is_suspect=found.seen.is_suspect or _is_doubtful(row, found),
        is_confirmed=is_confirmed,
    )
    found = replace(found, seen=seen)
    return Foreseen(decide(event, seen, trust=settings.WEBHOOK_TRUST), found, payload.status_of(row.event))


def replay(row: WebhookEvent) -> tuple[OrderStatus | None, OrderStatus | None]:
    """Handle a handled event again; returns the order's status before and after.

    The event's row changes only if the event is applied. Raises AppmaxError if Appmax must be asked and gives no
    answer.
    """
    foreseen = foresee(row)
    if not foreseen.changes_something:
        return foreseen.status, foreseen.status
    if foreseen.asks_appmax:
        _ask(row, foreseen.found)
    with transaction.atomic():
        inbox.lock(row.appmax_order_id)
        row = WebhookEvent.objects.select_for_update().get(pk=row.pk)
        now = foresee(row, is_confirmed=foreseen.asks_appmax)
        if now.decision.outcome is Outcome.APPLIED:
            inbox.write_decision(row, now.found, now.decision)
    return foreseen.status, now.decision.status or now.status


def _is_doubtful(row: WebhookEvent, found: Found) -> bool:
    """Whether the event isn't believed without Appmax's answer, whatever WEBHOOK_TRUST says."""
    if row.outcome in _NOT_BELIEVED or "stripped" in row.payload:
        return True
    if found.order_pk is None:
        return False
    restarts = PaymentAttempt.objects.filter(order=found.order_pk, restarted_from__isnull=False)
    return restarts.filter(started_at__gt=row.created_at).exists()


def _ask(row: WebhookEvent, found: Found) -> None:
    """Ask Appmax about the event's order, and write its answer. An order that we don't have is created."""
    if found.order_pk is not None:
        ask.ask(Order.objects.with_merchant().get(pk=found.order_pk))
    elif row.appmax_order_id is not None and found.installation_id is not None:
        merchant = Installation.objects.without_secret().get(pk=found.installation_id)
        ask.adopt(merchant, row.appmax_order_id)
