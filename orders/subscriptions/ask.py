"""Asks Appmax about subscriptions, for the worker. What a webhook tells of one is never believed, only looked into."""

import time
from datetime import timedelta
from http import HTTPStatus

import structlog
from django.db.models import F, Q
from django.db.models.functions import Now

from appmax.errors import AppmaxError, Rejected, Unavailable
from installations import clients
from installations.models import Installation
from orders import clock
from orders.models import Order, Quota, Subscription, SubscriptionQuestion, SubscriptionStatus
from orders.questions import due
from orders.questions.ask import MOST_UNANSWERED, ROUND_SECONDS
from orders.subscriptions import record

log = structlog.stdlib.get_logger(__name__)

MOST_TIMES_NOT_FOUND = 3
"""Appmax's reads may lag behind its webhooks. After so many times a subscription that it doesn't have isn't there."""
OVERDUE_AFTER = timedelta(hours=1)
OVERDUE_AGAIN = timedelta(days=1)
"""A charge that no webhook has told of is asked about an hour after it was due, and then daily."""


def hear(installation_id: int, number: int | None, appmax_order_id: int | None) -> None:
    """A webhook tells of a subscription, or of one that this order is a part of. Appmax is asked soon."""
    if number is not None:
        SubscriptionQuestion.objects.put(installation_id, number, after=due.AFTER_A_CLAIM)
    elif appmax_order_id is not None:
        orders = Order.objects.filter(installation=installation_id, appmax_order_id=appmax_order_id)
        order = orders.only("appmax_order_id", "installation").first()
        if order is not None:
            SubscriptionQuestion.objects.put_all(Subscription.objects.about(order), after=due.AFTER_A_CLAIM)


def ask_due(*, seconds: float = ROUND_SECONDS) -> int:
    """Ask the questions that are due, one after the other; returns how many were answered. None is begun after
    `seconds`."""
    answered, unanswered, until = 0, 0, time.monotonic() + seconds
    while unanswered < MOST_UNANSWERED and time.monotonic() < until:
        question = SubscriptionQuestion.objects.take()
        if question is None:
            break
        try:
            _ask(question)
        except AppmaxError as error:
            _keep_failure(question, error)
            unanswered = unanswered + 1 if error.status is None else 0
        else:
            _close(question)
            answered, unanswered = answered + 1, 0
    return answered


def put_overdue() -> int:
    """Put questions about subscriptions that should have been charged, or whose pause should have ended; returns their
    number."""
    is_due = Q(status=SubscriptionStatus.ACTIVE, next_charge_at__lt=Now() - OVERDUE_AFTER)
    is_rested = Q(status=SubscriptionStatus.PAUSED, paused_until__lt=Now() - OVERDUE_AFTER)
    asked_before = Q(asked_at__lt=F("next_charge_at") + OVERDUE_AFTER) | Q(asked_at__lt=F("paused_until"))
    is_unasked = Q(asked_at=None) | Q(asked_at__lt=Now() - OVERDUE_AGAIN) | asked_before
    wanted = Subscription.objects.filter(is_due | is_rested).filter(is_unasked)
    return SubscriptionQuestion.objects.put_all(wanted.order_by("pk")[: due.MOST_IN_A_SWEEP])


def _ask(question: SubscriptionQuestion) -> None:
    """Ask a question that this process has taken. Raises AppmaxError."""
    number = question.appmax_subscription_id
    installation = Installation.objects.defer("merchant_client_secret").get(pk=question.installation_id)
    row = Subscription.objects.filter(appmax_subscription_id=number).only("installation", "updated_at").first()
    if row is not None and row.installation_id != installation.pk:
        return  # A webhook that names another merchant can't be true.
    remote = clients.client_for(installation, is_question=True).get_subscription(number)
    if remote.id != number:
        raise Unavailable("Appmax answered about another subscription", status=HTTPStatus.OK)
    record.whole(installation, remote, unless_changed_since=row.updated_at if row else None)


def _close(question: SubscriptionQuestion) -> None:
    """Delete the question, unless somebody wants to know anew since it was asked."""
    SubscriptionQuestion.objects.filter(pk=question.pk, claims=question.claims).delete()


def _keep_failure(question: SubscriptionQuestion, error: AppmaxError) -> None:
    """Ask again later. The waits grow."""
    log.warning(
        "subscription.question_failed", subscription=question.appmax_subscription_id, error=type(error).__name__
    )
    is_not_found = isinstance(error, Rejected) and error.status == HTTPStatus.NOT_FOUND
    if is_not_found and question.times >= MOST_TIMES_NOT_FOUND:
        _close(question)
        return
    wait = due.doubled(question.times)
    if isinstance(error, Unavailable) and error.retry_after is not None:
        wait = max(wait, timedelta(seconds=error.retry_after))
        Quota.objects.pause(question.installation_id, wait)
    SubscriptionQuestion.objects.filter(pk=question.pk, claims=question.claims).update(due_at=clock.now() + wait)
