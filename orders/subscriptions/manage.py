"""The use cases of a storefront, and of staff: make a subscription of a paid order, look it up, pause, reactivate and
cancel it.

No database connection or lock is held while a call to Appmax is open.
"""

from collections.abc import Callable
from datetime import date
from http import HTTPStatus

import structlog
from django.db import Error as DatabaseFailure
from django.db import transaction

from appmax.client import AppmaxClient
from appmax.errors import AppmaxError, OutcomeUnknown, Rejected
from appmax.messages import NewSubscription
from appmax.subscriptions import RemoteSubscription
from installations import clients
from installations.models import Installation
from orders.checkout import find_order
from orders.fields import MAX_ID
from orders.idempotency import Claim
from orders.models import Order, Subscription, SubscriptionQuestion, SubscriptionStatus
from orders.questions import due
from orders.status import OrderStatus, PaymentMethod
from orders.subscriptions import record

log = structlog.stdlib.get_logger(__name__)

_RENEWABLE = (OrderStatus.APROVADO, OrderStatus.INTEGRADO)
_METHODS = (PaymentMethod.CREDIT_CARD, PaymentMethod.PIX)


class NotRenewable(Exception):
    """Appmax makes subscriptions only of orders that were paid by card or Pix and have passed its examination."""


class AlreadyRenewed(Exception):
    """The order is a part of a subscription that isn't cancelled, or Appmax may be making one of it."""


class SubscriptionNotFound(Exception):
    """The subscription doesn't exist, or is another merchant's."""


class SubscriptionCancelled(Exception):
    """What was cancelled can't be paused or reactivated."""


def create(installation: Installation, wish: NewSubscription, claim: Claim) -> Subscription:
    """Have Appmax renew an order of this merchant's from now on. Raises AppmaxError, OrderNotFound, NotRenewable,
    AlreadyRenewed.

    Appmax makes another subscription each time that it is asked, and each would charge the shopper. If it may have made
    one, the error is OutcomeUnknown, also when this request's first try was cut off: what Appmax has made its webhook
    tells.
    """
    order = find_order(installation, wish.order_id)
    if order.status not in _RENEWABLE or order.payment_method not in _METHODS:
        raise NotRenewable
    if claim.was_cut_off:
        raise OutcomeUnknown("an earlier try of this subscription was cut off")
    client = clients.client_for(installation)
    _note_asked(order)
    try:
        remote = client.create_subscription(wish)
    except OutcomeUnknown:
        raise
    except AppmaxError:
        Order.objects.note_renewal(order.pk, is_asked=False)
        raise
    try:
        row = record.whole(installation, remote, first_order=order)
    except DatabaseFailure as error:
        log.error("subscription.not_recorded", subscription=remote.id, error=type(error).__name__)
        raise OutcomeUnknown("the subscription was made and could not be recorded") from error
    if row is None:
        raise OutcomeUnknown("the subscription was made, and has the number of another merchant's")
    return row


def _note_asked(order: Order) -> None:
    """Note that Appmax is asked to renew this order, now. Of two requests one may. Raises AlreadyRenewed.

    Once Appmax may have made a subscription, another is asked for only when that one is known and cancelled, or staff
    have found that there is none (`manage.py settle_renewal`).
    """
    with transaction.atomic():
        locked = Order.objects.locked(order.pk)
        known = Subscription.objects.about(order)
        asked_at = locked.renewal_asked_at
        is_known = asked_at is None or known.filter(created_at__gte=asked_at).exists()
        if not is_known or known.exclude(status=SubscriptionStatus.CANCELLED).exists():
            raise AlreadyRenewed
        Order.objects.note_renewal(order.pk, is_asked=True)


def find(installation: Installation, number: int) -> Subscription:
    """This merchant's subscription. One that we don't know, such as one that was made in Appmax's panel, is asked for
    at Appmax. Raises AppmaxError, SubscriptionNotFound."""
    if number > MAX_ID:
        raise SubscriptionNotFound
    row = Subscription.objects.select_related("first_order").filter(appmax_subscription_id=number).first()
    if row is None:
        try:
            remote = clients.client_for(installation).get_subscription(number)
        except Rejected as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise SubscriptionNotFound from None
            raise
        row = record.whole(installation, remote) if remote.id == number else None
    if row is None or row.installation_id != installation.pk:
        raise SubscriptionNotFound
    row.installation = installation
    return row


def of_shopper(
    installation: Installation, *, email: str, status: str = "", page: int = 1
) -> tuple[list[Subscription], int, int]:
    """A page of the subscriptions of the shopper with this e-mail, which Appmax looks up; how many there are, and on
    how many pages. The rows are as Appmax tells them, and aren't saved. Raises AppmaxError."""
    found = clients.client_for(installation).subscriptions_of(email=email, status=status, page=page)
    numbers = [remote.id for remote in found.subscriptions]
    known = Subscription.objects.select_related("first_order").filter(
        installation=installation, appmax_subscription_id__in=numbers
    )
    rows = {row.appmax_subscription_id: row for row in known}
    shown = []
    for remote in found.subscriptions:
        row = rows.get(remote.id) or Subscription(installation=installation, appmax_subscription_id=remote.id)
        row.take(**record.columns(remote, known=row.charges))
        shown.append(row)
    return shown, found.total, found.pages


def pause(subscription: Subscription, *, until: date | None = None, reason: str = "") -> Subscription:
    """Have Appmax charge nothing until this day, or until the subscription is reactivated. Raises AppmaxError,
    SubscriptionCancelled."""
    number = subscription.appmax_subscription_id
    return _changed(subscription, lambda client: client.pause_subscription(number, until=until, reason=reason))


def reactivate(subscription: Subscription) -> Subscription:
    """Have Appmax charge again. Raises AppmaxError, SubscriptionCancelled."""
    number = subscription.appmax_subscription_id
    return _changed(subscription, lambda client: client.activate_subscription(number))


def cancel(subscription: Subscription, *, reason: str = "") -> Subscription:
    """End the subscription for good. One that is cancelled already stays so. Raises AppmaxError."""
    if subscription.status == SubscriptionStatus.CANCELLED:
        return subscription
    number = subscription.appmax_subscription_id
    return _changed(subscription, lambda client: client.cancel_subscription(number, reason=reason))


def _changed(subscription: Subscription, send: Callable[[AppmaxClient], RemoteSubscription]) -> Subscription:
    """Ask Appmax for a change and write its answer. If it isn't known whether Appmax did it, Appmax is asked soon."""
    if subscription.status == SubscriptionStatus.CANCELLED:
        raise SubscriptionCancelled
    try:
        remote = send(clients.client_for(subscription.installation))
    except OutcomeUnknown:
        SubscriptionQuestion.objects.put(
            subscription.installation_id, subscription.appmax_subscription_id, after=due.AFTER_A_CLAIM
        )
        raise
    return record.change(subscription, remote)
