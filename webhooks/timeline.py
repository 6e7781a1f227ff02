"""What an order's timeline shows of the webhooks about it."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

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


def events_of(order: Order, **signal: Any) -> list[Entry]:
    """Receiver of `timeline_wanted`: the order's events, and what staff did to them."""
    events = list(WebhookEvent.objects.of_order(order.appmax_order_id).defer("payload").order_by("-pk")[:MOST])
    entries = [
        Entry(
            event.created_at,
            _("Webhook %(event)s: %(outcome)s") % {"event": event.event, "outcome": event.get_outcome_display()},
            event.error_message or "",
            TONES.get(Outcome(event.outcome), ""),
            reverse("admin:webhooks_webhookevent_change", args=[event.pk]),
        )
        for event in events
    ]
    return entries + staff_actions(WebhookEvent, [event.pk for event in events], _("Webhook event") + ", ")
