"""Handles kept events again, for the worker and for staff, and closes those that have waited for too long.

Most kept events don't need this: a new order or an answer of Appmax wakes them (inbox.apply_waiting, hear_answer).
"""

from collections import Counter
from collections.abc import Iterable

from orders import clock
from orders.models import Order, Question
from orders.questions import ask
from webhooks import inbox
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

MOST_IN_A_ROUND = 500


def handle_due() -> Counter[Outcome]:
    """The worker's round: events that failed are handled again, and those that have waited for too long are closed."""
    failed = WebhookEvent.objects.filter(processed=False, outcome=Outcome.FAILED).order_by("?")
    too_old = WebhookEvent.objects.waiting().filter(
        outcome=Outcome.WAITING, created_at__lt=clock.now() - inbox.wait_limit()
    )
    pks = [
        *failed.values_list("pk", flat=True)[:MOST_IN_A_ROUND],
        *too_old.values_list("pk", flat=True)[:MOST_IN_A_ROUND],
    ]
    return _handle(pks)


def handle_now(pks: Iterable[int] | None = None) -> Counter[Outcome]:
    """Handle all waiting events now, or those with these pks, because staff want it. Appmax is asked about the orders
    for which events go on waiting, as far as its limits allow."""
    waiting = WebhookEvent.objects.waiting()
    rows = waiting if pks is None else waiting.filter(pk__in=list(pks))
    found = list(rows.values_list("pk", "appmax_order_id"))
    before = _handle([pk for pk, _ in found])
    still = {number for pk, number in rows.values_list("pk", "appmax_order_id") if number is not None}
    if not still:
        return before
    ask.ask_due(numbers=still, seconds=ask.BY_HAND_SECONDS)
    handled = WebhookEvent.objects.filter(pk__in=[pk for pk, _ in found]).order_by("pk")
    return Counter(Outcome(outcome) for outcome in handled.values_list("outcome", flat=True))


def _handle(pks: Iterable[int]) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()
    for pk in pks:
        outcome = inbox.handle_again(pk, may_close=_may_close(pk))
        if outcome is not None:
            outcomes[outcome] += 1
    return outcomes


def _may_close(pk: int) -> bool:
    """Whether the event may be closed: since its time was over Appmax has answered about its order, or Appmax can't be
    asked. An event that failed isn't closed, as it may not have put its question yet."""
    row = WebhookEvent.objects.defer("payload").get(pk=pk)
    if row.outcome == Outcome.FAILED:
        return False
    over_at = row.created_at + inbox.wait_limit()
    if row.appmax_order_id is None:
        return True
    questions = Question.objects.of_order(row.appmax_order_id)
    if Order.objects.filter(appmax_order_id=row.appmax_order_id).exists():
        return questions.filter(asked_at__gt=over_at, error="").exists()
    if not questions.exists():
        return True
    return questions.filter(asked_at__gt=over_at, error__in=(ask.NOT_FOUND, ask.UnknownStatus.__name__)).exists()
