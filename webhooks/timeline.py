"""What an order's timeline shows of the webhooks about it."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from orders.models import Order
from orders.timeline import MOST, Entry, staff_actions
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

TONES = {
    Outcome.APPLIED: "good",
    Outcome.REFUSED: "bad",
    Outcome.REFUTED: "bad",
    Outcome.CLOSED: "bad",
    Outcome.FAILED: "bad",
    Outcome.WAITING: "open",
}


EXPLAINED = {
    Outcome.APPLIED: "",
    Outcome.IGNORED: _lazy("The order was as far already, or further"),
    Outcome.ACKNOWLEDGED: _lazy("It means no status"),
    Outcome.DUPLICATE: _lazy("The same event of this order was handled before"),
    Outcome.REFUSED: _lazy("It names another merchant than the order's"),
    Outcome.REFUTED: _lazy("Appmax says otherwise"),
    Outcome.SUPERSEDED: _lazy("It tells of an earlier payment attempt"),
    Outcome.WAITING: _lazy("It waits for its order, or for Appmax's confirmation"),
    Outcome.CLOSED: _lazy("It waited in vain for its order"),
    Outcome.FAILED: _lazy("It could not be handled, and is tried again"),
}


def explanation(event: WebhookEvent) -> str:
    """Why that became of the event, in the language at hand. Its error_message has the particulars."""
    return str(EXPLAINED[Outcome(event.outcome)])


def events_of(order: Order, **signal: Any) -> list[Entry]:
    """Receiver of `timeline_wanted`: the order's events, and what staff did to them."""
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
