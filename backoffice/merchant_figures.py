"""Merchants' figures: those that the worker keeps for the list of merchants, and a merchant's month for its page."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Count, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import ExtractHour
from django.utils import timezone

from backoffice.kit.lists import midnight
from backoffice.models import MerchantFigures
from backoffice.overview.figures import PAID_EVENTS
from backoffice.rhythm import DAYS, Rhythm, learn
from backoffice.sales import ALWAYS_SHOWN, sales
from installations.models import Installation
from orders.models import AttemptState, Order, PaymentAttempt
from orders.status import BY_CARD, PaymentMethod
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

FAILING = (AttemptState.FAILED, AttemptState.DECLINED, AttemptState.UNKNOWN)
"""An attempt after which the shopper hasn't paid, or may not have."""

_TOLD_PAID = Q(event__in=PAID_EVENTS, outcome__in=[Outcome.APPLIED, Outcome.IGNORED])
_OVERLAP = timedelta(minutes=10)  # An event's row may be seen so long after its time: its transaction was open.
_SECONDS_KEPT = 60
_LEARNT = {"learnt_on", "webhooks_by_hour", "payments_by_hour"}

Hours = list[float] | None


# --- what the list of merchants shows -------------------------------------------------------------------------------


def refresh(now: datetime) -> None:
    """Write the figures of all merchants as of `now`.

    The rhythms are learnt once a day, a day of events at a time, so that no statement takes long.
    """
    now = timezone.localtime(now)
    today, month = midnight(now.date()), midnight(now.date().replace(day=1))
    before = MerchantFigures.objects.in_bulk()
    merchants = list(_newest_webhooks())
    tried = _attempts(today)
    money = _money(month)
    unlearnt = {pk for pk, _ in merchants if pk not in before or before[pk].learnt_on != now.date()}
    learnt = _learn(unlearnt, now.date()) if unlearnt else {}
    since = max((row.refreshed_at for row in before.values()), default=now) - _OVERLAP
    payments = _newest_payments(since)

    changed = []
    for pk, last_webhook_at in merchants:
        row = before.get(pk) or MerchantFigures(installation_id=pk, refreshed_at=month)
        was = _figures(row)
        row.tried_today, row.failed_today = tried[pk]
        row.month_cents = money.get(pk, 0)
        if pk in unlearnt:
            row.learnt_on = now.date()
            row.webhooks_by_hour, row.payments_by_hour, last_payment_at = learnt.get(pk, (None, None, None))
            row.last_payment_at = row.last_payment_at or last_payment_at
        row.last_payment_at = payments.get(pk, row.last_payment_at)
        row.last_webhook_at = last_webhook_at
        row.missed_webhooks = missed(row.webhooks, last_webhook_at, now)
        if pk in unlearnt or _figures(row) != was:
            row.refreshed_at = now
            changed.append(row)
    columns = {field.name for field in MerchantFigures._meta.fields if not field.primary_key}
    for some, written in (
        ([row for row in changed if row.pk in unlearnt], columns),
        ([row for row in changed if row.pk not in unlearnt], columns - _LEARNT),
    ):
        MerchantFigures.objects.bulk_create(
            some, batch_size=1000, update_conflicts=True, unique_fields=["installation"], update_fields=sorted(written)
        )


def _figures(row: MerchantFigures) -> tuple[Any, ...]:
    """The figures that the list shows, as it shows them. Most merchants' don't change within a minute."""
    missing = None if row.missed_webhooks is None else round(row.missed_webhooks)
    return row.tried_today, row.failed_today, row.month_cents, row.last_webhook_at, row.last_payment_at, missing


def missed(rhythm: Rhythm | None, last_at: datetime | None, now: datetime) -> float | None:
    """How many usually come in the time since the last one; None if that isn't known."""
    if rhythm is None or last_at is None:
        return None
    return rhythm.expected(timezone.localtime(last_at), timezone.localtime(now))


def _learn(merchants: Collection[int], today: date) -> dict[int, tuple[Hours, Hours, datetime | None]]:
    """The rhythms of these merchants' webhooks and payments in the DAYS days before today, and the time of the last
    payment."""
    webhooks: dict[int, list[tuple[date, int, int]]] = defaultdict(list)
    payments: dict[int, list[tuple[date, int, int]]] = defaultdict(list)
    last_payment: dict[int, datetime] = {}
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        for row in _came(merchants, day):
            pk, hour = row["installation"], row["hour"]
            webhooks[pk].append((day, hour, row["webhooks"]))
            payments[pk].append((day, hour, row["payments"]))
            if row["last_payment_at"]:
                last_payment[pk] = max(row["last_payment_at"], last_payment.get(pk, row["last_payment_at"]))
    return {
        pk: (_hours(learn(webhooks[pk], today)), _hours(learn(payments[pk], today)), last_payment.get(pk))
        for pk in webhooks
    }


def _hours(rhythm: Rhythm | None) -> Hours:
    return None if rhythm is None else list(rhythm.by_hour)


def _came(merchants: Collection[int], day: date) -> Iterable[Any]:
    """What came to each of these merchants in each hour of the day. Some payments are told twice, under two names."""
    return (
        WebhookEvent.objects.filter(
            created_at__gte=midnight(day), created_at__lt=midnight(day + timedelta(days=1)), installation__in=merchants
        )
        .order_by()
        .values("installation", hour=ExtractHour("created_at"))
        .annotate(
            webhooks=Count("pk"),
            payments=Count("appmax_order_id", distinct=True, filter=_TOLD_PAID),
            last_payment_at=Max("created_at", filter=_TOLD_PAID),
        )
    )


def _newest_webhooks() -> Iterable[tuple[int, datetime | None]]:
    """Each merchant with the time of its last webhook. Each is one look into an index."""
    newest = WebhookEvent.objects.filter(installation=OuterRef("pk")).order_by("-created_at").values("created_at")[:1]
    return Installation.objects.order_by("pk").values_list("pk", Subquery(newest))


def _newest_payments(since: datetime) -> dict[int, datetime]:
    rows = WebhookEvent.objects.filter(_TOLD_PAID, created_at__gte=since, installation__isnull=False)
    return dict(rows.order_by().values_list("installation").annotate(newest=Max("created_at")))


def _attempts(since: datetime) -> dict[int, tuple[int, int]]:
    """How many payment attempts of each merchant have begun since then, and how many of them are failing."""
    rows = PaymentAttempt.objects.filter(started_at__gte=since).order_by().values("order__installation")
    counted = rows.annotate(tried=Count("pk"), failed=Count("pk", filter=Q(state__in=FAILING)))
    return defaultdict(
        lambda: (0, 0), {row["order__installation"]: (row["tried"], row["failed"]) for row in counted.iterator()}
    )


def _money(since: datetime) -> dict[int, int]:
    """What each merchant has of the orders that were made since then, in cents."""
    money: dict[int, int] = defaultdict(int)
    for row in sales(Order.objects.filter(created_at__gte=since), merchant=F("installation")):
        money[row["merchant"]] += row["net_cents"]
    return money


# --- a merchant's month ---------------------------------------------------------------------------------------------


def month(installation: int, first: date) -> list[dict[str, Any]]:
    """A row for each payment method of the orders that were made in the month that begins with `first`:

    {"method": "" if no payment was taken, "orders", "paid": numbers, "paid_cents", "net_cents": cents, "approved",
    "declined": payment attempts}. The cache keeps them for a minute.
    """
    key = f"merchant_month:{installation}:{first:%Y-%m}"
    return cast(list[dict[str, Any]], cache.get_or_set(key, lambda: _month(installation, first), _SECONDS_KEPT))


def _month(installation: int, first: date) -> list[dict[str, Any]]:
    begin, end = midnight(first), midnight(following(first))
    orders = Order.objects.filter(installation=installation, created_at__gte=begin, created_at__lt=end)
    # An attempt follows its order, mostly by minutes. Its own time lets an index bound what is read.
    attempts = PaymentAttempt.objects.filter(
        order__installation=installation,
        order__created_at__gte=begin,
        order__created_at__lt=end,
        method__in=BY_CARD,
        started_at__gte=begin,
        started_at__lt=end + timedelta(days=1),
    )
    answered = (
        attempts.order_by()
        .values("method")
        .annotate(
            approved=Count("state", filter=Q(state=AttemptState.SUCCEEDED)),
            declined=Count("state", filter=Q(state=AttemptState.DECLINED)),
        )
    )
    cards = {row["method"]: {"approved": row["approved"], "declined": row["declined"]} for row in answered}
    rows = {row["method"]: row for row in sales(orders)}
    used = {*ALWAYS_SHOWN, *rows, *cards}
    shown = [method for method in (*PaymentMethod.values, "") if method in used]
    names = ("orders", "paid", "paid_cents", "net_cents")
    return [
        {
            "method": method,
            **{name: rows[method][name] if method in rows else 0 for name in names},
            **cards.get(method, {"approved": 0, "declined": 0}),
        }
        for method in shown
    ]


def following(first: date) -> date:
    """The first day of the next month."""
    return (first + timedelta(days=31)).replace(day=1)
