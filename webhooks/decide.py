"""What becomes of a webhook event: the one place that decides it.

Pure: what is known of the event and of its order comes in, and a `Decision` goes out. Receiving an event, handling a
kept one again, an order that has just been made, an answer of Appmax and the demo data all decide here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.questions.why import Why
from orders.status import IN_CHARGEBACK, RESTARTABLE, OrderStatus, advances, is_paid
from webhooks import payload
from webhooks.payload import Event


class Outcome(models.TextChoices):
    """What became of an event."""

    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Ignored")  # the order is further than the event says
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")  # it means no status
    DUPLICATE = "duplicate", _("Duplicate")
    REFUSED = "refused", _("Refused")  # it names another merchant than the order's
    REFUTED = "refuted", _("Not believed")  # Appmax says otherwise
    SUPERSEDED = "superseded", _("Of an earlier payment attempt")
    WAITING = "waiting", _("Waiting")  # for its order, for Appmax's confirmation, or it names no order
    CLOSED = "closed", _("Order not found")  # it waited in vain
    FAILED = "failed", _("Failed")  # an error of ours; it is handled again


UNPROCESSED = (Outcome.WAITING, Outcome.FAILED)
SET_ASIDE = (Outcome.DUPLICATE, Outcome.REFUSED, Outcome.REFUTED, Outcome.SUPERSEDED, Outcome.CLOSED)
"""Processed, but not handled: such an event doesn't make a later one of the same name a duplicate."""

_OF_ONE_ATTEMPT = (OrderStatus.PENDENTE, *RESTARTABLE)
"""What events of these statuses say is over when the checkout starts the order again."""


@dataclass(frozen=True)
class Seen:
    """What is known when an event is decided.

    `status`: the order's, None if there is no such order. `names_another`: the envelope names another merchant of ours
    than the order's. `was_handled`: an event of this name and order was handled before, and `since_restarted`: before
    the checkout started the order's payment again. `paid_before`: what earlier events said of the order's payments.
    `is_suspect`: Appmax has lately contradicted what was claimed of this order, or from this address. `is_confirmed`:
    Appmax has just been asked, and `status` is what it said. `is_too_old`: the event has waited for too long.
    """

    status: OrderStatus | None = None
    names_another: bool = False
    was_handled: bool = False
    since_restarted: bool = False
    paid_before: tuple[Mapping[str, str], ...] = ()
    is_suspect: bool = False
    is_confirmed: bool = False
    is_too_old: bool = False


@dataclass(frozen=True)
class Decision:
    """`status`: what the order becomes, None if it stays as it is. `reason`: prose for people, "" where the outcome
    says it all. `why`: why Appmax must be asked about the order, None if it needn't. `supersedes`: the handled event of
    the same name was of an earlier payment attempt, and is set aside."""

    outcome: Outcome
    status: OrderStatus | None = None
    reason: str = ""
    why: Why | None = None
    supersedes: bool = False


def decide(event: Event, seen: Seen, *, trust: str) -> Decision:
    """What becomes of the event. `trust`: the setting WEBHOOK_TRUST."""
    status = payload.status_of(event.name)
    if event.order_id is None:
        return _without_order_id(event, seen)
    is_new_attempt = seen.was_handled and seen.since_restarted and status in _OF_ONE_ATTEMPT
    if seen.was_handled and not is_new_attempt:
        return _duplicate(event, seen)
    if seen.names_another:
        is_about_money = status is not None or payload.leaves_status_open(event.name)
        reason = "its envelope names another merchant than the order's"
        return Decision(Outcome.REFUSED, reason=reason, why=Why.OTHER_MERCHANT if is_about_money else None)
    if status is None:
        return _without_status(event, seen)
    if seen.status is None:
        return _wait(seen, "the order is not there yet", Why.ORDER_MISSING)
    is_believed = trust == "payload" and not seen.is_suspect
    if seen.is_confirmed:
        return _confirmed(event, seen, seen.status, status, supersedes=is_new_attempt)
    if not is_believed:
        return _wait(seen, "waits for Appmax's confirmation", _doubt(status) or Why.NO_STATUS)
    if advances(seen.status, status):
        return Decision(Outcome.APPLIED, status, why=_doubt(status), supersedes=is_new_attempt)
    return _ignored(event, seen, seen.status, status, supersedes=is_new_attempt)


def _without_order_id(event: Event, seen: Seen) -> Decision:
    if payload.status_of(event.name) is not None:
        return _wait(seen, event.note or "the event names no order", None)
    return Decision(Outcome.ACKNOWLEDGED, reason=event.note or _unknown(event))


def _without_status(event: Event, seen: Seen) -> Decision:
    is_open = seen.status is not None and payload.leaves_status_open(event.name) and not seen.is_confirmed
    return Decision(Outcome.ACKNOWLEDGED, reason=_unknown(event), why=Why.NO_STATUS if is_open else None)


def _duplicate(event: Event, seen: Seen) -> Decision:
    """It changes nothing; but Appmax is asked where it may be no repetition after all."""
    status = payload.status_of(event.name)
    why = None
    if seen.status is None or seen.is_confirmed:
        pass
    elif _is_another_payment(event, seen):
        why = Why.PAID_TWICE
    elif status is not None and advances(seen.status, status):
        why = Why.IGNORED_MONEY
    elif payload.is_known(event.name) and payload.leaves_status_open(event.name):
        why = Why.NO_STATUS
    return Decision(Outcome.DUPLICATE, why=why)


def _confirmed(event: Event, seen: Seen, current: OrderStatus, status: OrderStatus, *, supersedes: bool) -> Decision:
    """The order has the status that Appmax says. An event that claims more waits until Appmax says it too."""
    if advances(current, status):
        return _wait(seen, f"not confirmed: Appmax says {current.value}", _doubt(status) or Why.NO_STATUS)
    if current is status:
        return Decision(Outcome.APPLIED, supersedes=supersedes)
    return _ignored(event, seen, current, status, supersedes=supersedes)


def _ignored(event: Event, seen: Seen, current: OrderStatus, status: OrderStatus, *, supersedes: bool) -> Decision:
    """The order is further than the event says, or as far. Appmax is asked if money is in it."""
    if current is status:
        reason = f"the order is {current.value} already"
    else:
        reason = f"the order is {current.value}, this event means {status.value}"
    why = None
    if seen.is_confirmed:
        pass
    elif _is_another_payment(event, seen):
        why = Why.PAID_TWICE
    elif current is not status and _may_be_money(current, status):
        why = Why.IGNORED_MONEY
    return Decision(Outcome.IGNORED, reason=reason, why=why, supersedes=supersedes)


def _may_be_money(current: OrderStatus, status: OrderStatus) -> bool:
    """Whether an event behind the order's status may still tell of money: a refund or a payment where the order is
    refunded or in a chargeback, or a cancellation where the order counts as paid."""
    if status in RESTARTABLE:
        return is_paid(current)
    return is_paid(status) and (current is OrderStatus.ESTORNADO or current in IN_CHARGEBACK)


def _is_another_payment(event: Event, seen: Seen) -> bool:
    """Whether an earlier event told of a payment with another amount or another Pix end-to-end id."""
    if not payload.means_payment(event.name):
        return False
    facts = payload.payment_facts(event.payload)
    return any(facts[name] != before[name] for before in seen.paid_before for name in facts.keys() & before.keys())


def _doubt(status: OrderStatus) -> Why | None:
    """Why Appmax is asked whether an event of this status is true."""
    if is_paid(status):
        return Why.MONEY
    return Why.CANCELLATION if status in RESTARTABLE else None


def _wait(seen: Seen, reason: str, why: Why | None) -> Decision:
    if not seen.is_too_old:
        return Decision(Outcome.WAITING, reason=reason, why=why)
    if seen.status is None:
        return Decision(Outcome.CLOSED, reason=reason)
    return Decision(Outcome.REFUTED, reason=f"Appmax says {seen.status.value}")


def _unknown(event: Event) -> str:
    return "" if payload.is_known(event.name) else "unknown event"
