"""Says in words why an event waits, how often it was tried, and when it is tried next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.event_notes import explanation
from backoffice.kit.words import ago, failure
from orders.models import Order, Question
from orders.status import OrderStatus
from webhooks import inbox
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent


@dataclass(frozen=True)
class Wait:
    """`next_try` says when it is tried next, or what would wake the event if nothing is planned. `given_up_at` is None
    for an event that failed, as that one is tried until it succeeds."""

    why: str
    tries: int
    next_try: str
    given_up_at: datetime | None

    @property
    def tried(self) -> str:
        if not self.tries:
            return _("not tried yet")
        return ngettext("tried once", "tried %(count)s times", self.tries) % {"count": self.tries}


def arrange(events: Iterable[WebhookEvent]) -> list[WebhookEvent]:
    """The events, each with its order and why it waits, for `order_of` and `wait_of`."""
    rows = list(events)
    orders = _orders_of(rows)
    waits = _waits_of(rows, orders)
    for row in rows:
        row.__dict__["found_order"] = orders.get(row.appmax_order_id or 0)
        row.__dict__["wait"] = waits.get(row.pk)
    return rows


def order_of(event: WebhookEvent) -> Order | None:
    order: Order | None = event.__dict__["found_order"]
    return order


def wait_of(event: WebhookEvent) -> Wait:
    wait: Wait = event.__dict__["wait"]
    return wait


def _orders_of(events: Iterable[WebhookEvent]) -> dict[int, Order]:
    """By Appmax's id, the orders of these events with their merchants, in one query."""
    numbers = {event.appmax_order_id for event in events if event.appmax_order_id is not None}
    if not numbers:
        return {}
    names = ("installation__external_key", "installation__name")
    rows = Order.objects.select_related("installation").only("appmax_order_id", "status", *names)
    return {order.appmax_order_id: order for order in rows.filter(appmax_order_id__in=numbers)}


def _waits_of(events: Iterable[WebhookEvent], orders: Mapping[int, Order]) -> dict[int, Wait]:
    """By primary key, why those of the events wait that do, in one query. `orders` are those of `_orders_of`."""
    waiting = [event for event in events if not event.processed]
    if not waiting:
        return {}
    questions = {
        (question.appmax_order_id, question.installation_id): question
        for question in Question.objects.filter(appmax_order_id__in={event.appmax_order_id for event in waiting})
    }
    now = timezone.now()
    waits = {}
    for event in waiting:
        order = orders.get(event.appmax_order_id or 0)
        merchant = order.installation_id if order else event.installation_id
        key = (event.appmax_order_id or 0, merchant or 0)
        waits[event.pk] = read(event, order, questions.get(key), now)
    return waits


def read(event: WebhookEvent, order: Order | None, question: Question | None, now: datetime) -> Wait:
    """Why this event waits. `question` is the one about its order that Appmax is asked for its merchant."""
    if event.outcome == Outcome.FAILED:
        return Wait(explanation(event), event.tries, _("within 15 seconds"), None)
    given_up_at = event.created_at + inbox.wait_limit()
    if event.appmax_order_id is None:
        why = _("It names no order, so it can't be applied to any.")
        return Wait(why, 0, _("none: it is closed in the end"), given_up_at)
    if order is not None:
        why = _("It waits until Appmax confirms it.")
    elif question is not None:
        why = _("We don't have its order yet; Appmax is asked.")
    else:
        why = _("We don't have its order, and it names no merchant of ours.")
    if question is None:
        return Wait(why, 0, _("when the order is created here"), given_up_at)
    return Wait(f"{why} {_answer(question)}".strip(), question.times, _next(question, now), given_up_at)


def _answer(question: Question) -> str:
    """What came of asking Appmax the last time."""
    if question.error:
        return failure(question.error)
    if question.said in OrderStatus.values:
        return _("Appmax says: %(status)s.") % {"status": OrderStatus(question.said).label}
    return ""


def _next(question: Question, now: datetime) -> str:
    if question.due_at is None:
        return _("when Appmax sends another event of this order")
    return _("at any moment") if question.due_at <= now else ago(question.due_at)
