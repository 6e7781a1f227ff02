"""Explains an event's outcome in the reader's language, and names its colour in a timeline."""

from django.utils.translation import gettext_lazy as _

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
    Outcome.IGNORED: _("The order was as far already, or further"),
    Outcome.ACKNOWLEDGED: _("It means no status"),
    Outcome.DUPLICATE: _("The same event of this order was handled before"),
    Outcome.REFUSED: _("It names another merchant than the order's"),
    Outcome.REFUTED: _("Appmax says otherwise"),
    Outcome.SUPERSEDED: _("It tells of an earlier payment attempt"),
    Outcome.WAITING: _("It waits for its order, or for Appmax's confirmation"),
    Outcome.CLOSED: _("It waited in vain for its order"),
    Outcome.FAILED: _("It could not be handled, and is tried again"),
}


def explanation(event: WebhookEvent) -> str:
    """Why the event has its outcome, in the reader's language. The details are in `error_message`."""
    return str(EXPLAINED[Outcome(event.outcome)])
