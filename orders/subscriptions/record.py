"""Writes what Appmax has said of a subscription, and tells storefronts what is new."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from appmax.subscriptions import Charge, RemoteSubscription
from installations.models import Installation
from notifications import outbox
from notifications.models import EventType
from orders import clock
from orders.models import Interval, Order, Question, Subscription, SubscriptionQuestion, SubscriptionStatus
from orders.questions import due
from orders.questions.why import Why
from orders.subscriptions.answers import SubscriptionAnswer

log = structlog.stdlib.get_logger(__name__)

PAID = "paid"
FAILED = ("failed", "refused", "declined", "not_authorized", "unpaid")
"""What Appmax may call a charge that failed. Its documentation has no word but `paid`."""

_TOLD_AS = {
    SubscriptionStatus.ACTIVE: EventType.SUBSCRIPTION_REACTIVATED,
    SubscriptionStatus.PAUSED: EventType.SUBSCRIPTION_PAUSED,
    SubscriptionStatus.CANCELLED: EventType.SUBSCRIPTION_CANCELLED,
}


def whole(
    installation: Installation,
    remote: RemoteSubscription,
    *,
    first_order: Order | None = None,
    unless_changed_since: datetime | None = None,
) -> Subscription | None:
    """Write an answer that tells everything, in one transaction; returns the row, which is made if it is new.

    None if the subscription is another merchant's. If the row was changed since Appmax was asked (it then had this
    `updated_at`), nothing is written, and Appmax is asked once more.
    """
    with transaction.atomic():
        row, is_new = Subscription.objects.get_or_create(
            appmax_subscription_id=remote.id, defaults={"installation": installation, "status": remote.status}
        )
        row = Subscription.objects.locked(row.pk)
        if row.installation_id != installation.pk:
            log.error("subscription.number_taken", subscription=remote.id, owner=row.installation_id)
            return None
        row.installation = installation
        if unless_changed_since is not None and row.updated_at != unless_changed_since:
            SubscriptionQuestion.objects.put(installation.pk, remote.id, after=due.AFTER_A_CLAIM)
            return row
        before, charges = row.status, row.charges
        row.take(**columns(remote, known=charges), asked_at=clock.now())
        row.first_order = row.first_order or first_order or _first_order(row)
        row.save()
        if is_new:
            log.info("subscription.recorded", installation=installation.pk, subscription=remote.id)
            _tell(row, EventType.SUBSCRIPTION_CREATED, {})
        else:
            _tell_charges(row, charges)
            _tell_status(row, before)
    return row


def change(subscription: Subscription, remote: RemoteSubscription) -> Subscription:
    """Write the answer to a change, which tells little more than the status. Appmax is asked for the rest soon."""
    with transaction.atomic():
        row = Subscription.objects.locked(subscription.pk)
        before = row.status
        row.take(**_state(remote))
        row.save()
        _tell_status(row, before)
        SubscriptionQuestion.objects.put(row.installation_id, row.appmax_subscription_id, after=due.AFTER_A_CLAIM)
    log.info("subscription.changed", subscription=row.appmax_subscription_id, before=before, after=row.status)
    return row


def merged(before: list[dict[str, Any]], said: Iterable[Charge]) -> list[dict[str, Any]]:
    """The charges that we know and those that Appmax lists, which may leave out old ones, oldest first."""
    rows = [
        {
            "cycle": charge.cycle,
            "order_id": charge.order_id,
            "charged_at": charge.charged_at and charge.charged_at.isoformat(),
            "value": charge.value_cents,
            "status": charge.status,
        }
        for charge in said
    ]
    found = {_key(row): row for row in [*before, *rows]}
    return sorted(found.values(), key=lambda row: (row["cycle"] or 0, row["charged_at"] or ""))


def columns(remote: RemoteSubscription, known: list[dict[str, Any]]) -> dict[str, Any]:
    """All that Appmax has said, as columns. What it left out isn't among them. `known` are the charges of before."""
    return {**_state(remote), **_terms(remote), "charges": merged(known, remote.charges)}


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells one charge from another. One that failed may have no order."""
    order_id = row["order_id"]
    return (row["cycle"], order_id) if order_id is not None else (row["cycle"], None, row["charged_at"])


def _state(remote: RemoteSubscription) -> dict[str, Any]:
    """The columns that each answer is about, so that what it leaves out isn't so any more."""
    return {"status": remote.status, "paused_until": remote.paused_until, "cancelled_at": remote.cancelled_at}


def _terms(remote: RemoteSubscription) -> dict[str, Any]:
    said = {
        "uuid": remote.uuid,
        "panel_url": remote.panel_url,
        "interval": remote.interval if remote.interval in Interval.values else "",
        "interval_count": remote.interval_count,
        "max_cycles": remote.max_cycles,
        "completed_cycles": remote.completed_cycles,
        "current_cycle": remote.current_cycle,
        "value_cents": remote.value_cents,
        "freight_cents": remote.freight_cents,
        "card_brand": remote.card_brand,
        "card_last_digits": remote.card_last_digits,
        "products": [
            {
                "product_id": product.product_id,
                "sku": product.sku,
                "name": product.name,
                "quantity": product.quantity,
                "price": product.price_cents,
            }
            for product in remote.products
        ],
    }
    told = {name: value for name, value in said.items() if value not in (None, "", [])}
    return {**told, "next_charge_at": remote.next_charge_at}


def _first_order(row: Subscription) -> Order | None:
    numbers = [charge["order_id"] for charge in row.charges if charge["cycle"] == 0]
    return Order.objects.filter(installation=row.installation_id, appmax_order_id__in=numbers).first()


# --- what is new -----------------------------------------------------------------------------------------------------


def _tell_charges(row: Subscription, before: list[dict[str, Any]]) -> None:
    """Tell of each charge that was paid or has failed since. The order of a new one is looked for at Appmax, should no
    webhook have told of it."""
    known = {_key(charge): charge["status"] for charge in before}
    for charge in row.charges:
        was, now = known.get(_key(charge)), charge["status"]
        if now == PAID and was != PAID and charge["cycle"] != 0:
            _tell(row, EventType.SUBSCRIPTION_RENEWED, {"charge": charge})
        elif now in FAILED and was not in FAILED:
            _tell(row, EventType.SUBSCRIPTION_CHARGE_FAILED, {"charge": charge})
        number = charge["order_id"]
        if was is None and number and not Order.objects.filter(appmax_order_id=number).exists():
            Question.objects.put(number, row.installation_id, Why.ORDER_MISSING, is_patient=True)


def _tell_status(row: Subscription, before: str) -> None:
    if row.status != before:
        _tell(row, _TOLD_AS[SubscriptionStatus(row.status)], {})


def _tell(row: Subscription, event_type: EventType, added: Mapping[str, Any]) -> None:
    """The messages of a subscription are told in order: each waits for the earlier ones of the order that it began
    with."""
    number = row.first_order.appmax_order_id if row.first_order else None
    outbox.put(row.installation_id, number, {event_type: added}, lambda: SubscriptionAnswer(row).data)
