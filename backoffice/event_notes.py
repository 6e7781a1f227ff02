"""Explains an event's outcome in the reader's language, and names its colour in a timeline."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.status import OrderStatus
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent
from webhooks.replay import Foreseen

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


def foretold(foreseen: Foreseen) -> str:
    """What a replay would change, in words."""
    words = {"now": label_of(foreseen.status), "then": label_of(foreseen.decision.status or foreseen.means)}
    if foreseen.decision.status is not None:
        return gettext("The order is %(now)s, and would become %(then)s.") % words
    if not foreseen.changes_something:
        if foreseen.means is None:
            return gettext("Nothing would change: this event means no status.")
        if foreseen.status is None:
            return gettext("Nothing would change: we don't have its order, and don't know whom to ask for it.")
        return gettext("Nothing would change: the order is %(now)s, and this event means %(then)s.") % words
    if foreseen.status is None:
        return gettext("Appmax would be asked for the order, which we don't have. If it is there, it is created here.")
    return (
        gettext("The order is %(now)s. Appmax would be asked, and if it says so, the order becomes %(then)s.") % words
    )


def label_of(status: OrderStatus | None) -> str:
    return str(status.label) if status else "-"
