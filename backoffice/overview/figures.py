"""The overview's figures: a few queries, each over the part of a table that an index finds; kept for a minute.

Nothing here is text for a reader, and all of it can be JSON: staff with different languages share it.
"""

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, cast

from django.contrib.postgres.fields import ArrayField
from django.core.cache import cache
from django.db.models import (
    Count,
    DateTimeField,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.utils import timezone

from backoffice.kit.lists import midnight
from backoffice.overview.period import HOURS, Period
from backoffice.sales import Sales, sales
from installations.models import Installation
from orders.models import AttemptState, Order, PaymentAttempt, Refund
from orders.status import BY_CARD, EVER_PAID, PaymentMethod, RefundState
from webhooks import payload
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

KEPT = 60  # seconds
WEEKS = 8
SAMPLE = 300  # payments of each method whose times are looked at
LONG = timedelta(minutes=10)  # A payment attempt without an answer for so long is in doubt.

# Appmax sends these when an order has been paid. No column tells when a Pix or boleto was paid, so the first of these
# that was applied does.
PAID_EVENTS = [
    spelling for name in ("OrderPaidByPix", "OrderPaid", "OrderApproved") for spelling in payload.spellings(name)
]


class SlotSales(Sales):
    """The sales of the orders that were created within a slot."""

    slot: int  # its place among the slots


class Attempts(TypedDict):
    """The payment attempts of one method that came to one state, and those declined by their reasons."""

    method: str
    state: str
    reason: str  # of `with_reason`
    attempts: int


class Span(TypedDict):
    """How long payments of one method took, from the order on, in seconds."""

    method: str
    median: float
    most: float  # nine of ten took no longer
    payments: int  # that were looked at


class Doubt(TypedDict):
    """What is in doubt: how many, and their cents. A payment attempt's cents are its order's total."""

    unknown: tuple[int, int]  # attempts
    unanswered: tuple[int, int]  # attempts since LONG
    refunds: tuple[int, int]  # orders with a refund that Appmax may have taken


class Traffic(TypedDict):
    """The events that came within one hour, in all and by some of their outcomes."""

    slot: int
    received: int
    ignored: int
    duplicate: int
    failed: int


class Oldest(TypedDict):
    """The event that has waited longest."""

    pk: int
    event: str
    created_at: str


class Figures(TypedDict):
    """All figures. Times are texts in ISO format, in staff's time zone. A slot is named by its beginning."""

    at: str
    slots: list[str]  # days, hours if the period is one day, or weeks if it is long
    sales: list[SlotSales]
    attempts: list[Attempts]
    spans: list[Span]
    doubt: Doubt
    hours: list[str]
    traffic: list[Traffic]
    oldest: Oldest | None
    weeks: list[str]
    installations: list[tuple[int, int]]  # slot, how many; none of a single merchant


def figures(period: Period, merchant: int | None) -> Figures:
    """The figures of these days, of all merchants if none is given. They are a minute old at most."""
    # The number is another one once `Figures` has another shape, so that after an upgrade no older figures are read.
    key = f"overview:2:{period.first}:{period.last}:{merchant or ''}"
    return cast(Figures, cache.get_or_set(key, lambda: collect(period, timezone.now(), merchant), KEPT))


def collect(period: Period, now: datetime, merchant: int | None = None) -> Figures:
    """The figures as of `now`, from seven queries."""
    now = timezone.localtime(now)
    slots = period.slots(now)
    hours = _hours(now)
    weeks = _weeks(now)
    orders, attempts, events = _rows(merchant)
    refunds = Refund.objects.filter(order__installation=merchant) if merchant else Refund.objects.all()
    in_period = {"created_at__gte": period.begin, "created_at__lt": period.end}
    sold = sales(orders.filter(**in_period), slot=_slot("created_at", slots))
    tried = attempts.filter(started_at__gte=period.begin, started_at__lt=period.end)
    paid = [method for method in PaymentMethod if any(row["paid"] for row in sold if row["method"] == method)]
    return {
        "at": now.isoformat(),
        "slots": _texts(slots),
        "sales": sold,
        "attempts": _attempts(tried),
        "spans": _spans(orders.filter(**in_period), paid),
        "doubt": _doubt(attempts, refunds, now),
        "hours": _texts(hours),
        "traffic": _traffic(events, hours),
        "oldest": _oldest(events),
        "weeks": _texts(weeks),
        "installations": [] if merchant else _installations(weeks),
    }


def _rows(merchant: int | None) -> tuple[Any, Any, Any]:
    """The orders, payment attempts and events of the merchant, or of all."""
    rows = Order.objects.all(), PaymentAttempt.objects.all(), WebhookEvent.objects.all()
    if merchant is None:
        return rows
    orders, attempts, events = rows
    theirs = {"installation": merchant}
    return orders.filter(**theirs), attempts.filter(order__installation=merchant), events.filter(**theirs)


# --- slots of time, as staff count it --------------------------------------------------------------------------------


def _weeks(now: datetime) -> list[datetime]:
    monday = now.date() - timedelta(days=now.weekday())
    return [midnight(monday - timedelta(weeks=back)) for back in reversed(range(WEEKS))]


def _hours(now: datetime) -> list[datetime]:
    """The beginnings of the current hour and of those before it."""
    this = now.replace(minute=0, second=0, microsecond=0)
    return [timezone.localtime(this.astimezone(UTC) - timedelta(hours=back)) for back in reversed(range(HOURS))]


def _texts(slots: Sequence[datetime]) -> list[str]:
    return [slot.isoformat() for slot in slots]


def _slot(field: str, slots: Sequence[datetime]) -> Func:
    """The number of the slot that a row lies in. For each row this is less work than date_trunc in a time zone."""
    bounds = Value(list(slots[1:]), output_field=ArrayField(DateTimeField()))  # Rows before these are in slot 0.
    return Func(field, bounds, function="width_bucket", output_field=IntegerField())


# --- questions -------------------------------------------------------------------------------------------------------


def _attempts(attempts: Any) -> list[Attempts]:
    """Only of those that were declined the row itself is read, for the reason. The others are counted in an index."""
    others = attempts.exclude(state=AttemptState.DECLINED).annotate(reason=Value("", output_field=TextField()))
    declined = attempts.filter(state=AttemptState.DECLINED).with_reason()
    counted = [
        rows.order_by().values("method", "state", "reason").annotate(attempts=Count("*")) for rows in (others, declined)
    ]
    return list(counted[0].union(counted[1], all=True))


def _spans(orders: QuerySet[Order], methods: Sequence[PaymentMethod]) -> list[Span]:
    """The newest payments of each method, of which the caller knows that there are some."""
    if not methods:
        return []
    first, *others = (_newest(orders, method) for method in methods)
    rows = first.union(*others, all=True) if others else first
    seconds: dict[str, list[float]] = {method.value: [] for method in methods}
    for method, made, at in rows:
        if at and at >= made:  # If we learnt of the order only after its payment, the time isn't known.
            seconds[method].append((at - made).total_seconds())
    return [_span(method, lasted) for method, lasted in seconds.items() if lasted]


def _span(method: str, seconds: list[float]) -> Span:
    most = statistics.quantiles(seconds, n=10, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    return {"method": method, "median": statistics.median(seconds), "most": most, "payments": len(seconds)}


def _newest(orders: QuerySet[Order], method: PaymentMethod) -> QuerySet[Order, Any]:
    """The method and times of the newest paid orders. A card is paid when Appmax answers. A Pix or boleto is paid
    later, when an event says so."""
    if method in BY_CARD:
        answers = PaymentAttempt.objects.filter(order=OuterRef("pk"), method=method, state=AttemptState.SUCCEEDED)
        paid_at = Subquery(answers.order_by("settled_at").values("settled_at")[:1])
    else:
        told = WebhookEvent.objects.filter(
            appmax_order_id=OuterRef("appmax_order_id"), processed=True, event__in=PAID_EVENTS, outcome=Outcome.APPLIED
        )
        paid_at = Subquery(told.order_by("created_at").values("created_at")[:1])
    paid = orders.filter(payment_method=method, status__in=EVER_PAID).annotate(at=paid_at)
    return paid.order_by("-created_at").values_list("payment_method", "created_at", "at")[:SAMPLE]


def _doubt(attempts: Any, refunds: QuerySet[Refund], now: datetime) -> Doubt:
    in_doubt = attempts.filter(Q(state=AttemptState.UNKNOWN) | Q(state=AttemptState.STARTED, started_at__lt=now - LONG))
    payments = in_doubt.order_by().values_list("state").annotate(rows=Count("pk"), cents=Sum("order__total_cents"))
    unknown = refunds.filter(state=RefundState.UNKNOWN).order_by().values_list(Value("refund"))
    orders = unknown.annotate(rows=Count("order", distinct=True), cents=Sum("amount_cents"))
    found = {kind: (rows, cents) for kind, rows, cents in payments.union(orders, all=True)}
    none = (0, 0)
    return {
        "unknown": found.get(AttemptState.UNKNOWN, none),
        "unanswered": found.get(AttemptState.STARTED, none),
        "refunds": found.get("refund", none),
    }


def _traffic(events: QuerySet[WebhookEvent], hours: Sequence[datetime]) -> list[Traffic]:
    rows: Any = (
        events.filter(created_at__gte=hours[0])
        .order_by()
        .values(slot=_slot("created_at", hours))
        .annotate(
            received=Count("pk"),
            ignored=Count("pk", filter=Q(outcome=Outcome.IGNORED)),
            duplicate=Count("pk", filter=Q(outcome=Outcome.DUPLICATE)),
            failed=Count("pk", filter=Q(outcome=Outcome.FAILED)),
        )
    )
    return list(rows)


def _oldest(events: Any) -> Oldest | None:
    row = events.waiting().defer("payload").first()
    return {"pk": row.pk, "event": row.event, "created_at": row.created_at.isoformat()} if row else None


def _installations(weeks: Sequence[datetime]) -> list[tuple[int, int]]:
    rows = Installation.objects.filter(installed_at__gte=weeks[0]).values_list(_slot("installed_at", weeks))
    return list(rows.annotate(count=Count("pk")))
