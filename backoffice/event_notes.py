"""What an event's error_message says, in the language at hand, and the colour of its outcome in a timeline."""

from django.utils.translation import gettext_noop

from backoffice.kit.words import in_words
from orders.status import OrderStatus
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
