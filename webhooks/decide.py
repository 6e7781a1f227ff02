"""The only place that decides what becomes of a webhook event.

`decide` doesn't touch the database: it gets what is known of the event and its order, and returns a `Decision`. It is
called for a new event, for a kept one that is handled again, when a new order or an answer of Appmax wakes an event,
and for the demo data.
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
"""Events with these outcomes are processed but don't count as handled: a later event of the same name and order is no
duplicate of them."""

_OF_ONE_ATTEMPT = (OrderStatus.PENDENTE, *RESTARTABLE)
"""Events of these statuses are about one payment attempt. When the checkout starts the order again, a later event of
the same name is no duplicate of them."""


@dataclass(frozen=True)
class Seen:
    """What is known when an event is decided."""

    status: OrderStatus | None = None
    """The order's status; None if we have no such order."""
    names_another: bool = False
    """The envelope names another merchant of ours than the order's."""
    was_handled: bool = False
    """An event of this name and order was handled before."""
    since_restarted: bool = False
    """After that, the checkout started the order's payment again."""
    paid_before: tuple[Mapping[str, str], ...] = ()
    """The facts that earlier events told of the order's payments (`payload.payment_facts`)."""
    is_suspect: bool = False
    """Appmax has lately contradicted claims about this order or from this address."""
    is_confirmed: bool = False
    """Appmax has just been asked, and `status` is its answer."""
    is_too_old: bool = False
    """The event has waited for too long."""


@dataclass(frozen=True)
class Decision:
    """What becomes of an event, its order, and the question to Appmax."""

    outcome: Outcome
    status: OrderStatus | None = None
    """The order's new status; None if it stays as it is."""
    reason: str = ""
    """Prose for people, or "" if the outcome says everything."""
    why: Why | None = None
    """The reason for asking Appmax about the order; None if it needn't be asked."""
    supersedes: bool = False
    """The handled event of the same name was about an earlier payment attempt, and is set aside."""


def decide(event: Event, seen: Seen, *, trust: str) -> Decision:
    """Decide about the event. `trust` is the setting WEBHOOK_TRUST.

    The rules, of which the first that fits counts:
    1. An event without an order id waits if it means a status, and is acknowledged if not.
    2. An event that was handled before is a duplicate, unless the checkout has started the order again since.
    3. An event whose envelope names another merchant than the order's is refused.
    4. An event that means no status is acknowledged.
    5. An event whose order we don't have waits.
    6. If Appmax has just been asked, its answer confirms the event or not.
    7. In the mode "confirm", and if claims were contradicted lately, the event waits for Appmax's answer.
    8. Otherwise the event is applied if its status is a step forwards, and ignored if not.
    """
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
    why = None
    if seen.status is None and payload.means_renewal(event.name):
        why = Why.ORDER_MISSING  # It is the order that Appmax has just made.
    elif seen.status is not None and payload.leaves_status_open(event.name) and not seen.is_confirmed:
        why = Why.NO_STATUS
    return Decision(Outcome.ACKNOWLEDGED, reason=_unknown(event), why=why)


def _duplicate(event: Event, seen: Seen) -> Decision:
    """The event changes nothing. Appmax is asked if it may tell of something new even so."""
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
    """The order has the status that Appmax has just said. An event that claims more waits until Appmax says so too."""
    if advances(current, status):
        return _wait(seen, f"not confirmed: Appmax says {current.value}", _doubt(status) or Why.NO_STATUS)
    if current is status:
        return Decision(Outcome.APPLIED, supersedes=supersedes)
    return _ignored(event, seen, current, status, supersedes=supersedes)


def _ignored(event: Event, seen: Seen, current: OrderStatus, status: OrderStatus, *, supersedes: bool) -> Decision:
    """The order is as far as the event says, or further. Appmax is asked if the event may tell of money."""
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
    """Whether an event that is behind the order's status may still tell of money. It may if it is a payment or refund
    of an order that is refunded or in a chargeback, or a cancellation of an order that counts as paid."""
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
    """The reason for asking Appmax whether an event of this status is true; None if it needn't be asked."""
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
