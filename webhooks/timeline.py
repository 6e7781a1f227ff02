"""What an order's timeline shows of the webhooks about it."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from checkout_project.backoffice import in_words
from orders.models import Order
from orders.status import OrderStatus
from orders.timeline import MOST, Entry, staff_actions
from webhooks.models import Outcome, WebhookEvent

TONES = {
    Outcome.APPLIED: "good",
    Outcome.REFUSED: "bad",
    Outcome.CLOSED: "bad",
    Outcome.FAILED: "bad",
    Outcome.WAITING: "open",
}


# What an event's error_message may say: inbox.py writes it.
NOTES = (
    gettext_noop("duplicate"),
    gettext_noop("ignored: the order is %(status)s already"),
    gettext_noop("ignored: the order is %(status)s, this event means %(meant)s"),
    gettext_noop("unknown event"),
    gettext_noop("not believed: Appmax says %(status)s"),
    gettext_noop("not believed: its client_key names another merchant than the order's"),
    gettext_noop("not believed: the event names no order"),
    gettext_noop("not believed: not an order id: %(claimed)s"),
    gettext_noop("order not found"),
    gettext_noop("the order is not there yet"),
    gettext_noop("waits for Appmax's confirmation"),
    gettext_noop("not confirmed: Appmax says %(status)s"),
    gettext_noop("processing failed: %(error)s"),
    gettext_noop("the event names no order"),
    gettext_noop("not an order id: %(claimed)s"),
)


def note_of(event: WebhookEvent) -> str:
    """The event's error_message in the language at hand."""
    return in_words(event.error_message, NOTES, dict(OrderStatus.choices))


def events_of(order: Order, **signal: Any) -> list[Entry]:
    """Receiver of `timeline_wanted`: the order's events, and what staff did to them."""
    events = list(WebhookEvent.objects.of_order(order.appmax_order_id).defer("payload").order_by("-pk")[:MOST])
    entries = [
        Entry(
            event.created_at,
            _("Webhook %(event)s: %(outcome)s") % {"event": event.event, "outcome": event.outcome.label},
            note_of(event),
            TONES.get(event.outcome, ""),
            reverse("admin:webhooks_webhookevent_change", args=[event.pk]),
        )
        for event in events
    ]
    return entries + staff_actions(WebhookEvent, [event.pk for event in events], _("Webhook event") + ", ")
