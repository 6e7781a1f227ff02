"""The timeline of an order: its creation, payment attempts, webhook events, and staff's actions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import notes
from backoffice.attempt_words import name_of
from backoffice.event_notes import TONES, explanation
from backoffice.kit.words import lasted, reais, told
from orders.models import Order
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

MOST = 200  # of each kind, the newest


@dataclass(frozen=True)
class Entry:
    """One line. `tone` is good, bad, open or "", and decides the colour. `url` leads to the details."""

    at: datetime
    title: str
    detail: str = ""
    tone: str = ""
    url: str = ""


def of(order: Order) -> list[Entry]:
    """The order's timeline, newest entry first."""
    entries = [
        Entry(order.created_at, _("Order created: %(amount)s") % {"amount": reais(order.total_cents)}),
        *_attempts(order),
        *_events(order),
        *staff_actions(Order, [order.pk]),
        *(
            Entry(note.written_at, _("Note of %(author)s") % {"author": note.author}, note.text, "staff", note.url)
            for note in notes.of(order)
        ),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def staff_actions(model: type[Model], keys: Iterable[int], prefix: str = "") -> list[Entry]:
    """Staff's actions on these rows, from their history."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(model), object_id__in=[str(key) for key in keys]
    )
    return [
        Entry(entry.action_time, prefix + told(entry.change_message), entry.user.get_username(), "staff")
        for entry in entries.select_related("user")[:MOST]
    ]


_TONES = {"success": "good", "danger": "bad", "warning": "open"}
"""A badge's tone as a line's."""


def _attempts(order: Order) -> Iterable[Entry]:
    for attempt in order.attempts.with_overtaken().order_by("-pk")[:MOST]:
        named = name_of(attempt, order.status)
        words = {"method": attempt.get_method_display(), "state": named.words}
        answer = attempt.answer or {}
        detail = [str(answer.get(name) or "") for name in ("message", "by_hand")]
        if attempt.settled_at:
            detail.append(_("settled after %(time)s") % {"time": lasted(attempt.settled_at - attempt.started_at)})
        yield Entry(
            attempt.started_at,
            _("Payment attempt, %(method)s: %(state)s") % words,
            ", ".join(filter(None, detail)),
            _TONES.get(named.tone, ""),
            reverse("admin:orders_paymentattempt_change", args=[attempt.pk]),
        )


def _events(order: Order) -> list[Entry]:
    """The order's webhook events, and staff's actions on them."""
    events = list(WebhookEvent.objects.of_order(order.appmax_order_id).defer("payload").order_by("-pk")[:MOST])
    entries = [
        Entry(
            event.created_at,
            _("Webhook %(event)s: %(outcome)s") % {"event": event.event, "outcome": event.get_outcome_display()},
            explanation(event),
            TONES.get(Outcome(event.outcome), ""),
            reverse("admin:webhooks_webhookevent_change", args=[event.pk]),
        )
        for event in events
    ]
    return entries + staff_actions(WebhookEvent, [event.pk for event in events], _("Webhook event") + ", ")
