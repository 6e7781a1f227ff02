"""The use cases of a storefront, and of staff: make a subscription of a paid order, look it up, pause, reactivate and
cancel it.

No database connection or lock is held while a call to Appmax is open.
"""

from collections.abc import Callable
from datetime import date
from http import HTTPStatus

import structlog
from django.db import Error as DatabaseFailure

from appmax.client import AppmaxClient
from appmax.errors import OutcomeUnknown, Rejected
from appmax.messages import NewSubscription
from appmax.subscriptions import RemoteSubscription
from installations import clients
from installations.models import Installation
from orders.checkout import find_order
from orders.fields import MAX_ID
from orders.idempotency import Claim
from orders.models import Subscription, SubscriptionQuestion, SubscriptionStatus
from orders.status import OrderStatus, PaymentMethod
from orders.subscriptions import record

log = structlog.stdlib.get_logger(__name__)

_RENEWABLE = (OrderStatus.APROVADO, OrderStatus.INTEGRADO)
_METHODS = (PaymentMethod.CREDIT_CARD, PaymentMethod.PIX)


class NotRenewable(Exception):
    """Appmax makes subscriptions only of orders that were paid by card or Pix and have passed its examination."""


class SubscriptionNotFound(Exception):
    """The subscription doesn't exist, or is another merchant's."""


class SubscriptionCancelled(Exception):
    """What was cancelled can't be paused or reactivated."""


def create(installation: Installation, wish: NewSubscription, claim: Claim) -> Subscription:
    """Have Appmax renew an order of this merchant's from now on. Raises AppmaxError, OrderNotFound, NotRenewable.

    Appmax makes another subscription each time that it is asked. If it may have made one, the error is OutcomeUnknown,
    also when this request's first try was cut off: what Appmax has made its webhook tells.
    """
    order = find_order(installation, wish.order_id)
    if order.status not in _RENEWABLE or order.payment_method not in _METHODS:
        raise NotRenewable
    if claim.was_cut_off:
        raise OutcomeUnknown("an earlier try of this subscription was cut off")
    remote = clients.client_for(installation).create_subscription(wish)
    try:
        row = record.whole(installation, remote, first_order=order)
    except DatabaseFailure as error:
        log.error("subscription.not_recorded", subscription=remote.id, error=type(error).__name__)
        raise OutcomeUnknown("the subscription was made and could not be recorded") from error
    if row is None:
        raise SubscriptionNotFound
    return row


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
            subscription.installation_id, subscription.appmax_subscription_id, after=record.AGAIN
        )
        raise
    return record.change(subscription, remote)
