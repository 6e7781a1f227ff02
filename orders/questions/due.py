"""How long questions wait, and which orders get one without a webhook or a payment that puts it."""

from datetime import timedelta
from itertools import islice

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from orders.models import AttemptState, Order, PaymentAttempt, Question
from orders.questions.why import Why
from orders.status import UNDECIDED, UNDECIDED_CHARGEBACKS, PaymentMethod

AFTER_A_CLAIM = timedelta(seconds=2)
"""A question waits so long after a webhook or a change, because Appmax's reads may lag behind."""
AFTER_A_CORRECTION = timedelta(seconds=60)

AGAIN = timedelta(seconds=15)
"""The wait before a question is asked for the second time. It doubles each time, up to AGAIN_AT_MOST."""
AGAIN_AT_MOST = timedelta(hours=6)
PAYMENT_AGAIN_AT_MOST = timedelta(minutes=5)
"""The longest wait on the first day for a payment whose result isn't known, as somebody may be waiting to pay."""
NOT_FOUND_AGAIN = timedelta(minutes=10)
"""The shortest wait after Appmax has said that it has no such order."""
NOT_FOUND_GIVEN_UP_AFTER = timedelta(hours=12)
"""A missing order is asked about for WEBHOOK_WAIT_HOURS and so much longer, so that a webhook that waits for it ends
first."""

CRASHED_AFTER = timedelta(seconds=60)
"""An attempt that has been `started` for so long is asked about, as its process may have died. Most calls take a second
or two."""

PENDING_AT_AGE = [timedelta(hours=hours) for hours in (1, 6, 24, 72, 168)]
"""An order that stays pendente or autorizado is asked about at these ages, counted from its creation or its last
attempt, and then left to Appmax's webhooks."""
PENDING_GIVEN_UP_AT = timedelta(hours=192)
CHARGEBACK_EVERY = timedelta(days=1)

MOST_IN_A_SWEEP = 1000


def doubled(times: int, most: timedelta = AGAIN_AT_MOST) -> timedelta:
    """How long a question waits that was asked so many times."""
    return min(AGAIN * (1 << min(max(times - 1, 0), 20)), most)


def again_after(question: Question) -> timedelta:
    """How long a question waits that was asked and is still open."""
    is_fresh = question.asked_at is not None and question.asked_at - question.since < timedelta(days=1)
    is_urgent = question.why == Why.PAYMENT_UNKNOWN and is_fresh
    return doubled(question.times, PAYMENT_AGAIN_AT_MOST if is_urgent else AGAIN_AT_MOST)


def put_overdue(*, crashed_after: timedelta = CRASHED_AFTER) -> None:
    """Put questions about attempts that stay open, orders that stay pending, and chargebacks, whose end no webhook
    tells. An order whose question is open already is left out."""
    for orders, why in (
        (_with_open_attempts(crashed_after), Why.PAYMENT_UNKNOWN),
        (_pending(), Why.PENDING),
        (_in_chargeback(), Why.CHARGEBACK),
    ):
        # A LIMIT would make PostgreSQL read the whole table of attempts, as it expects to find enough of them early.
        wanted = orders.values_list("appmax_order_id", "installation_id")
        for number, installation_id in islice(wanted, MOST_IN_A_SWEEP):
            Question.objects.put(number, installation_id, why, is_patient=why != Why.PAYMENT_UNKNOWN)


_QUESTION = Question.objects.filter(
    appmax_order_id=OuterRef("appmax_order_id"), installation_id=OuterRef("installation_id")
)


def _unasked(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Those of the orders that have no open question. `asked_at` is when Appmax was last asked about them."""
    asked_at = Subquery(_QUESTION.values("asked_at"))
    return orders.filter(~Exists(_QUESTION.open())).alias(asked_at=asked_at)


def _with_open_attempts(crashed_after: timedelta) -> QuerySet[Order]:
    """A question that is open for a lesser reason and was never asked for it doesn't count, as it may stand far behind
    others. Once it has been asked, its answer has told of the attempt as well."""
    is_unknown = Q(attempts__state=AttemptState.UNKNOWN)
    has_crashed = Q(attempts__state=AttemptState.STARTED, attempts__started_at__lt=Now() - crashed_after)
    orders = Order.objects.filter(is_unknown | has_crashed, attempts__method__in=PaymentMethod.values)
    return orders.filter(~Exists(_QUESTION.open().filter(Q(why=Why.PAYMENT_UNKNOWN) | Q(times__gt=0))))


def _pending() -> QuerySet[Order]:
    """The orders that have reached one of PENDING_AT_AGE since Appmax was last asked."""
    since = Now() - PENDING_GIVEN_UP_AT
    created = Order.objects.filter(status__in=UNDECIDED, created_at__gt=since).values("pk")
    tried = PaymentAttempt.objects.filter(started_at__gt=since).values("order")
    last_try = PaymentAttempt.objects.filter(order=OuterRef("pk")).order_by("-started_at").values("started_at")[:1]
    orders = Order.objects.filter(pk__in=created.union(tried), status__in=UNDECIDED)
    has_reached = Q()
    for age in PENDING_AT_AGE:
        not_asked_since = Q(asked_at=None) | Q(asked_at__lt=F("tried_at") + age)
        has_reached |= Q(tried_at__lte=Now() - age) & not_asked_since
    return _unasked(orders).alias(tried_at=Coalesce(Subquery(last_try), "created_at")).filter(has_reached)


def _in_chargeback() -> QuerySet[Order]:
    orders = _unasked(Order.objects.filter(status__in=UNDECIDED_CHARGEBACKS))
    return orders.alias(last=Coalesce("asked_at", "updated_at")).filter(last__lt=Now() - CHARGEBACK_EVERY)
