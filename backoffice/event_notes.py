"""Explains an event's outcome in the reader's language, and names its colour in a timeline."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.status import OrderStatus
from webhooks import payload
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
    Outcome.IGNORED: _("The order was as far already, or further"),
    Outcome.ACKNOWLEDGED: _("It means no status"),
    Outcome.DUPLICATE: _("The same event of this order was handled before"),
    Outcome.REFUSED: _("It names another merchant than the order's"),
    Outcome.REFUTED: _("Appmax says otherwise"),
    Outcome.SUPERSEDED: _("It tells of an earlier payment attempt"),
    Outcome.WAITING: _("It waits for its order, or for Appmax's confirmation"),
    Outcome.CLOSED: _("It waited in vain for its order"),
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
    """Why the event has its outcome, in the reader's language, and what the order's status was; "" if all is said."""
    outcome, means = Outcome(event.outcome), payload.status_of(event.event)
    if outcome is Outcome.FAILED:
        return gettext("It could not be handled. %(why)s") % {"why": _failure(event.error_message or "")}
    if outcome is Outcome.CLOSED and event.appmax_order_id is None:
        return gettext("It names no order")
    if outcome is Outcome.ACKNOWLEDGED and not payload.is_known(event.event):
        return gettext("Nobody has told us what this event means")
    if event.order_status is not None and means is not None:
        if outcome is Outcome.WAITING:
            return gettext("It waits until Appmax confirms it")
        words = {"status": OrderStatus(event.order_status).label, "means": means.label}
        if outcome is Outcome.REFUTED:
            return gettext("Appmax says: %(status)s") % words
        if outcome is Outcome.IGNORED and event.order_status == means:
            return gettext("The order was %(status)s already") % words
        if outcome is Outcome.IGNORED:
            return gettext("The order was %(status)s, and this event means %(means)s") % words
        if outcome is Outcome.APPLIED and event.order_status != means:
            return f"{words['status']} → {words['means']}"
    return str(EXPLAINED.get(outcome, ""))


def _failure(kind: str) -> str:
    """Why an event could not be handled, by the name of the error. The log has more of it."""
    if kind in DATABASE_FAILURES:
        return gettext("The database did not answer.")
    return gettext("An error of ours; the log tells which.")


def model_in_words(model: str) -> str:
    return str(_MODELS.get(model, _("another")))


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
