"""Asks Appmax about an order, and writes what its answer means.

Appmax allows each merchant 5 requests a second, 60 a minute on one route and 100,000 a month, so each question takes a
token of the merchant's quota. Several workers on several machines may ask: each takes a question before it asks, and
an answer is written only over what was there when it was asked.
"""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from appmax.answers import RemoteOrder
from appmax.errors import AppmaxError, CredentialsUnreadable, Rejected, Unavailable
from installations import clients
from installations.models import Installation
from notifications.models import EventType
from orders import changes, clock, facts, refunds
from orders.models import (
    AttemptState,
    Order,
    OrderCode,
    Question,
    Quota,
    Shopper,
    Subscription,
    SubscriptionQuestion,
)
from orders.questions import due
from orders.questions.verdict import Standing, Verdict, verdict
from orders.questions.why import Why
from orders.signals import order_answered, order_created
from orders.status import IN_CHARGEBACK, UNDECIDED, OrderStatus, is_paid, known

log = structlog.stdlib.get_logger(__name__)

ROUND_SECONDS = 4.0
BY_HAND_SECONDS = 60.0
MOST_UNANSWERED = 3  # After so many questions in a row without an answer, the round ends.


NOT_FOUND = "NotFound"
"""A question's `error` if Appmax has no such order of this merchant. Any other `error` is the name of the type."""


class Answer(StrEnum):
    """The result of asking a question. CHANGED means that something of ours was not as Appmax says, and is now."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class UnknownStatus(Unavailable):
    """Appmax's answer has a status that the contract doesn't know, is about another order, or names no customer."""

    def __init__(self) -> None:
        super().__init__("Appmax's answer can't be understood", status=HTTPStatus.OK)


def ask_due(*, numbers: Iterable[int] | None = None, seconds: float = ROUND_SECONDS) -> Counter[Answer]:
    """Ask the questions that are due, one after the other. No question is begun after `seconds`.

    With `numbers` (Appmax's ids) the open questions about these orders are asked, whether or not they are due.
    """
    ids = None if numbers is None else _due_now(numbers)
    answers: Counter[Answer] = Counter()
    unanswered, until = 0, time.monotonic() + seconds
    while unanswered < MOST_UNANSWERED and time.monotonic() < until and (question := Question.objects.take(ids)):
        try:
            answers[_ask(question)] += 1
            unanswered = 0
        except AppmaxError as error:
            answers[Answer.FAILED] += 1
            # One merchant's unreadable secret says nothing of Appmax, and its open payments would end each round.
            if not isinstance(error, CredentialsUnreadable):
                unanswered = unanswered + 1 if error.status is None else 0
    return answers


def ask(order: Order) -> tuple[OrderStatus, Answer]:
    """Ask Appmax about this order now, and write what the answer means; returns Appmax's status and the result.

    Raises AppmaxError if Appmax gives no answer. The kind of failure is noted at the order's question, if it has one.
    """
    order.refresh_from_db(fields=["status"])
    asked = _standing(order)
    question = Question.objects.filter(
        appmax_order_id=order.appmax_order_id, installation=order.installation_id
    ).first()
    claims = question.claims if question else 0
    asked_at = clock.now()
    try:
        remote, said = _remote(order.installation, order.appmax_order_id)
    except AppmaxError as error:
        _keep_failure(question, error)
        raise
    answer = write_answer(order.pk, asked, remote, said, claims=claims, asked_at=asked_at)
    log.info("question.answered", order=order.appmax_order_id, status=said, answer=answer)
    return said, answer


def adopt(installation: Installation, appmax_order_id: int) -> Order:
    """Create the row of an order that this merchant has at Appmax and we don't have yet.

    Raises AppmaxError.
    """
    remote, status = _remote(installation, appmax_order_id)
    if remote.customer_id is None:
        raise UnknownStatus
    with transaction.atomic():
        Order.objects.lock_appmax_order(appmax_order_id)
        order = Order.objects.filter(appmax_order_id=appmax_order_id).first()
        if order is None:
            order = Order.objects.create(
                installation=installation,
                appmax_customer_id=remote.customer_id,
                appmax_order_id=appmax_order_id,
                status=status,
                payment_method=remote.payment_method or None,
                total_cents=remote.total_cents or 0,
                **facts.of_order(remote),
            )
            changes.tell_created(order)
            order_created.send(sender=Order, order=order, said=status)
            OrderCode.objects.put(order, pix=order.pix_emv, boleto=order.boleto_digitavel)
            shopper = Shopper.of(
                installation.pk,
                remote.customer_id,
                name=remote.customer_name,
                email=remote.customer_email,
                document=remote.customer_document,
            )
            Shopper.objects.put([shopper], replaces=True)
            # It may be a renewal, of which a webhook told nothing but the order.
            SubscriptionQuestion.objects.put_all(Subscription.objects.of_customer(installation.pk, remote.customer_id))
            log.info("order.adopted", installation=installation.pk, order=appmax_order_id)
    return order


def ask_by_hand() -> Counter[Answer]:
    """Ask about all payments of which it isn't known what became of them, whether or not that is due, and then all
    other questions that are due."""
    due.put_overdue(crashed_after=timedelta())
    payments = Question.objects.open().filter(why=Why.PAYMENT_UNKNOWN)
    until = time.monotonic() + BY_HAND_SECONDS
    answers = ask_due(numbers=payments.values_list("appmax_order_id", flat=True), seconds=BY_HAND_SECONDS)
    return answers + ask_due(seconds=until - time.monotonic())


def _remote(installation: Installation, appmax_order_id: int) -> tuple[RemoteOrder, OrderStatus]:
    """Appmax's answer about this order, and its status. Raises AppmaxError, which may be UnknownStatus."""
    remote = clients.client_for(installation, is_question=True).get_order(appmax_order_id)
    status = known(remote.status)
    if remote.id != appmax_order_id or status is None:
        raise UnknownStatus
    return remote, status


# --- one question ----------------------------------------------------------------------------------------------------


def _due_now(numbers: Iterable[int]) -> list[int]:
    questions = Question.objects.open().filter(appmax_order_id__in=list(numbers))
    questions.update(due_at=Now(), is_patient=False)
    return list(questions.values_list("pk", flat=True))


def _ask(question: Question) -> Answer:
    """Ask a question that this process has taken. Raises AppmaxError."""
    order = Order.objects.with_merchant().filter(appmax_order_id=question.appmax_order_id).first()
    if order is None:
        return _ask_about_missing(question)
    if order.installation_id != question.installation_id or _is_needless(question, order):
        _close(question)
        return Answer.UNCHANGED
    return ask(order)[1]


def _is_needless(question: Question, order: Order) -> bool:
    """Whether the question was only about a state that the order has left since."""
    if question.why == Why.PENDING:
        return order.status not in UNDECIDED
    return question.why == Why.CHARGEBACK and order.status not in IN_CHARGEBACK


def _ask_about_missing(question: Question) -> Answer:
    installation = Installation.objects.defer("merchant_client_secret").get(pk=question.installation_id)
    try:
        order = adopt(installation, question.appmax_order_id)
    except AppmaxError as error:
        _keep_failure(question, error)
        raise
    Question.objects.filter(pk=question.pk).update(said=order.status, error="", due_at=None)
    return Answer.CHANGED


def _close(question: Question) -> None:
    """Close the question, unless another claim was made meanwhile."""
    Question.objects.filter(pk=question.pk, claims=question.claims).update(due_at=None)


def _keep_failure(question: Question | None, error: AppmaxError) -> None:
    """Note the kind of failure, which staff see, and ask again later. The waits grow."""
    log.warning("question.failed", order=question and question.appmax_order_id, error=type(error).__name__)
    if question is None:
        return
    # Only a 404 tells that there is no such order. Any other refusal doesn't.
    is_not_found = isinstance(error, Rejected) and error.status == HTTPStatus.NOT_FOUND
    wait = due.again_after(question)
    if is_not_found and question.why == Why.ORDER_MISSING:
        wait = max(wait, due.NOT_FOUND_AGAIN)
    now = clock.now()
    if isinstance(error, Unavailable) and error.retry_after is not None:
        wait = max(wait, timedelta(seconds=error.retry_after))
        Quota.objects.pause(question.installation_id, wait)
    given_up_after = timedelta(hours=settings.WEBHOOK_WAIT_HOURS) + due.NOT_FOUND_GIVEN_UP_AFTER
    is_given_up = question.why == Why.ORDER_MISSING and now - question.since > given_up_after
    kind = NOT_FOUND if is_not_found else type(error).__name__
    columns = {"error": kind, "due_at": None if is_given_up else now + wait}
    Question.objects.open().filter(pk=question.pk, claims=question.claims).update(**columns)


# --- its answer ------------------------------------------------------------------------------------------------------


def write_answer(
    order_pk: int, asked: Standing, remote: RemoteOrder, said: OrderStatus, *, claims: int, asked_at: datetime
) -> Answer:
    """Write what Appmax's answer means for the order, in one transaction.

    1. The order is locked. It may have changed since Appmax was asked: `asked` is how it stood then, and `claims` how
       many claims its question had.
    2. `verdict` says what is to be written, and it is.
    3. The receivers of `order_answered` handle the webhooks that wait for the answer.
    4. The question is closed, or becomes due again if something is left to ask.
    """
    with transaction.atomic():
        order = Order.objects.locked(order_pk)
        now = _standing(order)
        found = verdict(said=said, method=remote.payment_method, asked=asked, now=now, at=clock.now())
        is_changed = _write(order, now, found, remote, said)
        still_waits = False
        if order.status == said:
            answers = order_answered.send(sender=Order, order=order, is_correction=found.is_correction)
            still_waits = any(waits for _receiver, waits in answers)
        _keep_answer(order, said, found, claims=claims, asked_at=asked_at, still_waits=still_waits)
    return Answer.CHANGED if is_changed else Answer.UNCHANGED


def _write(order: Order, now: Standing, found: Verdict, remote: RemoteOrder, said: OrderStatus) -> bool:
    """Change payment and order as the verdict says; returns whether anything was changed."""
    payment = now.open_payment
    was_open = bool(payment and found.payment and payment.settle(found.payment, {"asked_later": remote.status}))
    if payment and found.payment is AttemptState.SUCCEEDED:
        order.forget_codes(payment.method)
        order.keep(payment_method=payment.method, **facts.of_order(remote))
        OrderCode.objects.put(order, pix=order.pix_emv, boleto=order.boleto_digitavel)
    elif is_paid(said) and not order.payment_method and remote.payment_method:
        order.keep(payment_method=remote.payment_method)
    order.keep(**facts.of_payment(remote))
    if payment and was_open and found.payment is AttemptState.DECLINED:
        changes.tell_payment(payment, order, EventType.PAYMENT_DECLINED, "")
    if found.status is not None:
        if found.is_correction:
            log.warning("order.corrected", order=order.appmax_order_id, before=order.status, after=found.status)
        changes.set_status(order, found.status, changes.Cause.CORRECTED if found.is_correction else changes.Cause.ASKED)
    if remote.refunded_at or order.status == OrderStatus.ESTORNADO:
        refunds.confirm(order, at=remote.refunded_at)
    return was_open or found.status is not None


def _keep_answer(
    order: Order, said: OrderStatus, found: Verdict, *, claims: int, asked_at: datetime, still_waits: bool
) -> None:
    """Note Appmax's answer at the question, and when it is asked again, if it is."""
    question, _ = Question.objects.select_for_update().get_or_create(
        appmax_order_id=order.appmax_order_id,
        installation_id=order.installation_id,
        defaults={"why": Why.CONTRADICTED, "since": asked_at, "asked_at": asked_at},
    )
    question.said, question.error = said, ""
    question.asked_at = max(question.asked_at or asked_at, asked_at)
    if found.is_correction:
        question.why, question.since, question.is_patient = Why.CORRECTED, asked_at, True
        question.due_at = asked_at + due.AFTER_A_CORRECTION
    elif found.is_final and not still_waits:
        if question.claims == claims:
            question.due_at = None
    else:
        if question.due_at is None:
            question.why = Why.PAYMENT_UNKNOWN if order.attempts.open().exists() else Why.CONTRADICTED
            question.since, question.times = asked_at, 1
        if question.why != Why.PAYMENT_UNKNOWN:
            question.is_patient = True  # Appmax has just contradicted the claim.
        again = asked_at + due.again_after(question)
        question.due_at = again if question.claims == claims else min(question.due_at or again, again)
    question.save()


def _standing(order: Order) -> Standing:
    return Standing(OrderStatus(order.status), list(order.attempts.order_by("pk")))
