"""The overview's figures: a few queries, each over the part of a table that an index finds; kept for a minute.

Nothing here is text for a reader, and all of it can be JSON: staff with different languages share it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypedDict, cast

from django.contrib.postgres.fields import ArrayField
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, DateTimeField, Func, IntegerField, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from installations.models import Installation
from orders.models import AttemptMethod, AttemptState, Order, PaymentAttempt
from orders.status import PAID_AND_KEPT
from webhooks import payload
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

KEPT = 60  # seconds
HOURS = 24
WEEKS = 8
SAMPLE = 2000  # payments of each kind whose medians are shown

# Appmax sends these when an order has been paid. No column tells when a Pix or boleto was paid, so the first of these
# that was applied does.
PAID_EVENTS = [
    spelling for name in ("OrderPaidByPix", "OrderPaid", "OrderApproved") for spelling in payload.spellings(name)
]


class Sales(TypedDict):
    """The orders of one payment method that were created within a slot."""

    slot: int  # its place among the slots
    method: str  # "": none yet
    orders: int
    paid: int  # of the orders
    cents: int  # of the paid ones, without what was paid back


class Span(TypedDict):
    """How long payments of one kind took, from the order on."""

    method: str
    seconds: float  # the median
    payments: int  # that it is the median of


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
    slots: list[str]  # days, or hours if the period is today
    sales: list[Sales]
    approved_cards: int
    declined_cards: int
    spans: list[Span]
    hours: list[str]
    traffic: list[Traffic]
    oldest: Oldest | None
    weeks: list[str]
    installations: list[tuple[int, int]]  # slot, how many


def figures(days: int) -> Figures:
    """The figures of the last `days` days, today included. They are a minute old at most."""
    return cast(Figures, cache.get_or_set(f"dashboard:{days}", lambda: collect(days, timezone.now()), KEPT))


def collect(days: int, now: datetime) -> Figures:
    """The figures as of `now`, from six queries."""
    now = timezone.localtime(now)
    slots = _hours_since_midnight(now) if days == 1 else _days(days, now)
    hours = _hours(now)
    weeks = _weeks(now)
    approved, declined = _cards(slots[0])
    return {
        "at": now.isoformat(),
        "slots": _texts(slots),
        "sales": _sales(slots),
        "approved_cards": approved,
        "declined_cards": declined,
        "spans": _spans(slots[0]),
        "hours": _texts(hours),
        "traffic": _traffic(hours),
        "oldest": _oldest(),
        "weeks": _texts(weeks),
        "installations": _installations(weeks),
    }


# --- slots of time, as staff count it --------------------------------------------------------------------------------


def _days(count: int, now: datetime) -> list[datetime]:
    return [midnight(now.date() - timedelta(days=back)) for back in reversed(range(count))]


def _weeks(now: datetime) -> list[datetime]:
    monday = now.date() - timedelta(days=now.weekday())
    return [midnight(monday - timedelta(weeks=back)) for back in reversed(range(WEEKS))]


def _hours(now: datetime) -> list[datetime]:
    """The beginnings of the current hour and of those before it."""
    this = now.replace(minute=0, second=0, microsecond=0)
    return [timezone.localtime(this.astimezone(UTC) - timedelta(hours=back)) for back in reversed(range(HOURS))]


def _hours_since_midnight(now: datetime) -> list[datetime]:
    return [hour for hour in _hours(now) if hour >= midnight(now.date())]


def midnight(day: date) -> datetime:
    """When the day begins, in staff's time zone."""
    return timezone.make_aware(datetime.combine(day, time()))


def _texts(slots: Sequence[datetime]) -> list[str]:
    return [slot.isoformat() for slot in slots]


def _slot(field: str, slots: Sequence[datetime]) -> Func:
    """The number of the slot that a row lies in. For each row this is less work than date_trunc in a time zone."""
    bounds = Value(list(slots[1:]), output_field=ArrayField(DateTimeField()))  # Rows before these are in slot 0.
    return Func(field, bounds, function="width_bucket", output_field=IntegerField())


# --- questions -------------------------------------------------------------------------------------------------------


def _sales(slots: Sequence[datetime]) -> list[Sales]:
    is_paid = Q(status__in=PAID_AND_KEPT)
    rows = (
        Order.objects.with_net()
        .filter(created_at__gte=slots[0])
        .values("payment_method", slot=_slot("created_at", slots))
        .annotate(
            orders=Count("pk"),
            paid=Count("pk", filter=is_paid),
            cents=Coalesce(Sum("net_cents"), 0),
        )
    )
    return [
        {
            "slot": row["slot"],
            "method": row["payment_method"] or "",
            "orders": row["orders"],
            "paid": row["paid"],
            "cents": row["cents"],
        }
        for row in rows
    ]


def _cards(since: datetime) -> tuple[int, int]:
    """The numbers of approved and of declined card payments."""
    counts = PaymentAttempt.objects.filter(method=AttemptMethod.CREDIT_CARD, started_at__gte=since).aggregate(
        approved=Count("pk", filter=Q(state=AttemptState.SUCCEEDED)),
        declined=Count("pk", filter=Q(state=AttemptState.DECLINED)),
    )
    return counts["approved"], counts["declined"]


# A card is paid when Appmax answers. A Pix or boleto is paid later, when an event says so. If we learnt of the order
# only after its event, the time isn't known. Only the newest rows of each kind are read, which bounds the work.
# This is plain SQL because the ORM has neither percentile_cont, which gives the medians, nor LATERAL.
_SPANS = """
    WITH card AS (
        SELECT order_id, settled_at
          FROM (SELECT order_id, settled_at, method FROM payment_attempts
                 WHERE state = 'succeeded' AND started_at >= %(since)s
                 ORDER BY started_at DESC LIMIT %(sample)s) newest
         WHERE method = 'credit_card'
    ), told AS (
        SELECT appmax_order_id, min(newest.created_at) AS paid_at
          FROM unnest(%(events)s::text[]) AS name
               CROSS JOIN LATERAL (SELECT appmax_order_id, created_at, outcome FROM webhook_events
                                    WHERE event = name AND created_at >= %(since)s
                                    ORDER BY created_at DESC LIMIT %(sample)s) newest
         WHERE outcome = 'applied'
         GROUP BY appmax_order_id
    ), spans AS (
        SELECT 'credit_card' AS method, settled_at - created_at AS span FROM card JOIN orders ON orders.id = order_id
        UNION ALL
        SELECT payment_method, told.paid_at - created_at FROM told JOIN orders USING (appmax_order_id)
         WHERE payment_method IN ('pix', 'boleto')
    )
    SELECT method, extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY span))::float, count(*)
      FROM spans WHERE span >= interval '0' GROUP BY method
"""


def _spans(since: datetime) -> list[Span]:
    with connection.cursor() as cursor:
        cursor.execute(_SPANS, {"since": since, "events": PAID_EVENTS, "sample": SAMPLE})
        return [{"method": method, "seconds": seconds, "payments": count} for method, seconds, count in cursor]


def _traffic(hours: Sequence[datetime]) -> list[Traffic]:
    rows: Any = (
        WebhookEvent.objects.filter(created_at__gte=hours[0])
        .values(slot=_slot("created_at", hours))
        .annotate(
            received=Count("pk"),
            ignored=Count("pk", filter=Q(outcome=Outcome.IGNORED)),
            duplicate=Count("pk", filter=Q(outcome=Outcome.DUPLICATE)),
            failed=Count("pk", filter=Q(outcome=Outcome.FAILED)),
        )
    )
    return list(rows)


def _oldest() -> Oldest | None:
    row = WebhookEvent.objects.waiting().defer("payload").first()
    return {"pk": row.pk, "event": row.event, "created_at": row.created_at.isoformat()} if row else None


def _installations(weeks: Sequence[datetime]) -> list[tuple[int, int]]:
    rows = Installation.objects.filter(installed_at__gte=weeks[0]).values_list(_slot("installed_at", weeks))
    return list(rows.annotate(count=Count("pk")))
