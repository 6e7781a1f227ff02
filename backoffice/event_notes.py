"""Explains an event's outcome in the reader's language, and names its colour in a timeline."""

import re

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

# What `webhooks.decide` writes beside the outcome. Statuses stand in it by their values.
REASONS = {
    r"its envelope names another merchant than the order's": _("It names another merchant than the order's."),
    r"the order is not there yet": _("The order is not there yet."),
    r"waits for Appmax's confirmation": _("It waits until Appmax confirms it."),
    r"the event names no order": _("It names no order."),
    r"(?:not confirmed: )?Appmax says (?P<status>\w+)": _("Appmax says: %(status)s."),
    r"the order is (?P<status>\w+) already": _("The order was %(status)s already."),
    r"the order is (?P<status>\w+), this event means (?P<means>\w+)": _(
        "The order was %(status)s, and this event means %(means)s."
    ),
    r"not an order id: (?P<claimed>.*)": _("This is no order's number: %(claimed)s."),
    r"unknown event": _("Nobody has told us what this event means."),
}
# The models of payload, as `payload.model_of` names them.
_MODELS = {
    "app_store": _("app store"),
    "old_legacy": _("old panel"),
    "standard": _("standard"),
    "standard_with_meta": _("standard, with metadata"),
    "two_level_flat": _("two levels"),
    "custom_content": _("custom content"),
}
DATABASE_FAILURES = {"OperationalError", "InterfaceError", "PoolTimeout", "QueryCanceled", "LockNotAvailable"}


def explanation(event: WebhookEvent) -> str:
    """Why the event has its outcome, in the reader's language. `detail` says more."""
    return str(EXPLAINED[Outcome(event.outcome)])


def detail(event: WebhookEvent) -> str:
    """What is written beside the outcome (`error_message`), in the reader's language; "" if nothing is."""
    text = event.error_message or ""
    if event.outcome == Outcome.FAILED:
        return failure(text)
    for pattern, words in REASONS.items():
        if match := re.fullmatch(pattern, text):
            return str(words) % {name: _status(value) for name, value in match.groupdict().items()}
    return text


def failure(kind: str) -> str:
    """Why an event could not be handled, by the name of the error. The log has more of it."""
    if kind in DATABASE_FAILURES:
        return gettext("The database did not answer.")
    return gettext("An error of ours; the log tells which.")


def model_in_words(model: str) -> str:
    return str(_MODELS.get(model, _("another")))


def _status(value: str) -> str:
    """The status's label; any other text is returned as it is."""
    return str(OrderStatus(value).label) if value in OrderStatus.values else value


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
