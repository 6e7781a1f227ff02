"""What alert rules can tell of: each kind is a function below, which looks for it and says it in words.

Whoever adds a kind writes one more function with `@kind` above it; pages, e-mails and chats then have it. What else it
takes is in CONTRIBUTING.md. A function asks one or two questions that an index answers, as it runs every minute, and
its words hold no personal data.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice.alerts.models import AlertRule
from backoffice.jobs import TASKS
from backoffice.kit.words import lasted, moment, reais
from backoffice.models import MerchantFigures
from backoffice.overview.charts import list_url
from backoffice.rhythm import UNUSUAL_WEBHOOKS
from installations.models import Installation
from notifications.models import DisabledWhy, Endpoint
from orders.models import AttemptState, Order, PaymentAttempt
from orders.status import BY_CARD, UNDECIDED_CHARGEBACKS, OrderStatus
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

MOST = 500  # findings of one look, so that a catastrophe stays cheap
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FEWEST_TRIED = 10  # card payments in an hour; the share of fewer says little
USUAL_DAYS = 7


@dataclass(frozen=True)
class Finding:
    """Something to tell: what it is about, which of its occasions this is, the words, and the page where to look.

    A subject is told of once an hour at most, and an occasion once (once a day, if its kind lasts).
    """

    subject: str
    occasion: str
    text: str
    path: str


@dataclass(frozen=True)
class Threshold:
    """The number that a rule of the kind has. `words` says the condition with the number in it."""

    label: Promise
    help_text: Promise
    words: Callable[[int], str]
    default: int
    minimum: int
    maximum: int


@dataclass(frozen=True)
class Kind:
    """What a rule can tell of. `explained` says in a sentence when it does. `lasts`: what it finds is a state, which is
    told again each day while it lasts; otherwise it is something that happened, and is told once."""

    name: str
    title: Promise
    explained: Promise
    look: Callable[[AlertRule, datetime], Iterator[Finding]]
    threshold: Threshold | None
    lasts: bool
    of_merchants: bool


KINDS: dict[str, Kind] = {}
"""All kinds by their names, which the rules' rows keep: no name is ever changed."""

Look = Callable[[AlertRule, datetime], Iterator[Finding]]


def kind(
    name: str,
    title: Promise,
    explained: Promise,
    *,
    threshold: Threshold | None = None,
    lasts: bool = False,
    of_merchants: bool = True,
) -> Callable[[Look], Look]:
    """Registers a function as a kind. It is called with a rule and the database's time, in the rule's language."""

    def register(look: Look) -> Look:
        KINDS[name] = Kind(name, title, explained, look, threshold, lasts, of_merchants)
        return look

    return register


def condition(rule: AlertRule) -> str:
    """What the rule tells of, with its number, in the reader's language."""
    found = KINDS.get(rule.kind)
    if found is None:
        return rule.kind
    if found.threshold is None or rule.threshold is None:
        return str(found.title)
    return f"{found.title} ({found.threshold.words(rule.threshold)})"


# --- the kinds -------------------------------------------------------------------------------------------------------


@kind(
    "silence",
    _("A merchant's webhooks fall silent"),
    _("No webhook of a merchant comes for longer than its usual days and hours explain."),
    threshold=Threshold(
        _("Webhooks that are missing"),
        _(
            "It is told when so many webhooks would usually have come since the last one, judged by the merchant's own "
            "last four weeks. An order brings about five, so 30 are about six orders' worth."
        ),
        lambda number: ngettext("%d webhook is missing", "%d webhooks are missing", number) % number,
        default=int(UNUSUAL_WEBHOOKS),
        minimum=5,
        maximum=100_000,
    ),
    lasts=True,
)
def silence(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    """The worker writes each minute how many webhooks a merchant misses (merchant_figures.refresh)."""
    silent = _of(
        rule, MerchantFigures.objects.filter(missed_webhooks__gte=rule.threshold, last_webhook_at__isnull=False)
    )
    silent = silent.filter(installation__suspension__isnull=True).select_related("installation")
    for row in silent.defer("installation__merchant_client_secret").order_by("-missed_webhooks")[:MOST]:
        text = gettext(
            "%(merchant)s: no webhook has come since %(when)s, where about %(number)s would be usual by now."
        ) % {
            "merchant": row.installation,
            "when": moment(row.last_webhook_at),
            "number": round(row.missed_webhooks or 0),
        }
        yield Finding(_merchant(row.pk), str(row.last_webhook_at), text, _page(row.installation))


@kind(
    "declines",
    _("Declined card payments jump"),
    _("Far more of a merchant's card payments than usual were declined in the last hour."),
    threshold=Threshold(
        _("Percentage points more than usual"),
        _(
            "The share of declined card payments in the last hour is compared with that of the seven days before. It "
            "is told from ten payments in the hour on."
        ),
        lambda number: ngettext("%d point more than usual", "%d points more than usual", number) % number,
        default=20,
        minimum=5,
        maximum=100,
    ),
)
def declines(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    """Only merchants whose hour looks bad by itself are compared with their week, which is more to read."""
    more = rule.threshold or 0
    bad = {
        merchant: (tried, declined)
        for merchant, tried, declined in _cards(rule, now - HOUR, now)
        if tried >= FEWEST_TRIED and 100 * declined >= more * tried
    }
    if not bad:
        return
    week = {
        merchant: round(100 * declined / tried)
        for merchant, tried, declined in _cards(rule, now - HOUR - USUAL_DAYS * DAY, now - HOUR, bad)
    }
    merchants = _merchants(bad)
    for pk, (tried, declined) in bad.items():
        share, usual = round(100 * declined / tried), week.get(pk, 0)
        if share - usual < more or pk not in merchants:
            continue
        text = gettext(
            "%(merchant)s: %(declined)s of %(tried)s card payments were declined in the last hour: %(share)s%%, where "
            "%(usual)s%% is usual."
        ) % {"merchant": merchants[pk], "declined": declined, "tried": tried, "share": share, "usual": usual}
        query = {
            "order__installation__id__exact": pk,
            "method__exact": [method.value for method in BY_CARD],
            "state__in": AttemptState.DECLINED.value,
        }
        yield Finding(_merchant(pk), f"{now:%Y-%m-%d %H}", text, list_url("orders_paymentattempt", query))


@kind(
    "chargeback",
    _("A chargeback"),
    _("A shopper's bank wants the money of an order back, or has decided on that."),
)
def chargeback(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    """Few orders are in these statuses, so the index of statuses finds them, however the status came."""
    disputed = (*UNDECIDED_CHARGEBACKS, OrderStatus.CHARGEBACK_PERDIDO)
    orders = _of(rule, Order.objects.filter(status__in=disputed, updated_at__gte=max(rule.since, now - DAY)))
    for order in _with_merchants(orders).order_by("-updated_at")[:MOST]:
        text = gettext("%(merchant)s: order %(order)s over %(amount)s: %(status)s.") % {
            "merchant": order.installation,
            "order": order.appmax_order_id,
            "amount": reais(order.total_cents),
            "status": order.get_status_display(),
        }
        yield Finding(f"order:{order.pk}", order.status, text, _page(order))


@kind(
    "doubt",
    _("A payment stays in doubt"),
    _("Nobody knows whether a shopper's payment was taken: Appmax has not answered."),
    threshold=Threshold(
        _("Minutes"),
        _("It is told when a payment has been in doubt for so many minutes. Appmax is asked about it all the while."),
        lambda number: ngettext("for %d minute", "for %d minutes", number) % number,
        default=60,
        minimum=5,
        maximum=10_080,
    ),
    lasts=True,
)
def doubt(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    """Open attempts are few, and have an index of their own."""
    old = PaymentAttempt.objects.open().filter(started_at__lt=now - timedelta(minutes=rule.threshold or 0))
    attempts = _of(rule, old, "order__installation").select_related("order__installation")
    attempts = attempts.defer("answer", "order__installation__merchant_client_secret")
    for attempt in attempts.order_by("started_at")[:MOST]:
        text = gettext(
            "%(merchant)s: order %(order)s over %(amount)s: for %(span)s nobody has known whether it was paid."
        ) % {
            "merchant": attempt.order.installation,
            "order": attempt.order.appmax_order_id,
            "amount": reais(attempt.order.total_cents),
            "span": lasted(now - attempt.started_at),
        }
        yield Finding(f"attempt:{attempt.pk}", "", text, _page(attempt.order))


@kind(
    "closed_events",
    _("An event gives up"),
    _("A webhook event waited in vain for its order, and was closed without changing anything."),
)
def closed_events(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    """An event is closed when its wait is over, so the index of outcomes and times bounds those that may have been."""
    since = max(rule.since, now - DAY)
    oldest = since - timedelta(hours=settings.WEBHOOK_WAIT_HOURS) - 7 * DAY  # Appmax may have been away for a while.
    closed = WebhookEvent.objects.filter(outcome=Outcome.CLOSED, created_at__gte=oldest, processed_at__gte=since)
    rows = _of(rule, closed).order_by().values_list("installation")
    counted = list(rows.annotate(number=Count("pk"), newest=Max("pk")).order_by("-newest")[:MOST])
    merchants = _merchants([pk for pk, _number, _newest in counted if pk])
    for pk, number, newest in counted:
        text = ngettext(
            "%(merchant)s: %(number)s event waited in vain for its order, and was closed.",
            "%(merchant)s: %(number)s events waited in vain for their orders, and were closed.",
            number,
        ) % {"merchant": merchants.get(pk) or gettext("Unknown merchant"), "number": number}
        query: dict[str, Any] = {"outcome": Outcome.CLOSED.value}
        if pk:
            query["installation__id__exact"] = pk
        yield Finding(f"events:{pk or 0}", str(newest), text, list_url("webhooks_webhookevent", query))


@kind(
    "refused",
    _("Appmax refuses a merchant's credentials"),
    _("Nothing can be sold for this merchant until it reconnects."),
    lasts=True,
)
def refused(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    merchants = Installation.objects.without_secret().filter(refused_since__isnull=False, suspension__isnull=True)
    for merchant in _of(rule, merchants, "pk").order_by("-refused_since")[:MOST]:
        text = gettext("%(merchant)s: Appmax has refused the merchant's credentials since %(when)s.") % {
            "merchant": merchant,
            "when": moment(merchant.refused_since),
        }
        yield Finding(_merchant(merchant.pk), str(merchant.refused_since), text, _page(merchant))


@kind(
    "failed_job",
    _("A job of the worker fails"),
    _("A task ended in an error. Most tasks are begun again by themselves, but the error should be looked into."),
    of_merchants=False,
)
def failed_job(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    """Jobs that succeeded are deleted, so there are few."""
    failed = ProcrastinateJob.objects.filter(status="failed").order_by().values_list("task_name")
    tasks = failed.annotate(newest=Max("id"), at=Max("procrastinateevent__at"))
    for task, pk, _at in tasks.filter(at__gte=max(rule.since, now - DAY))[:MOST]:
        text = gettext("This task of the worker failed: %(task)s.") % {"task": TASKS.get(task, task)}
        path = reverse("admin:procrastinate_procrastinatejob_change", args=[pk])
        yield Finding(f"job:{task}"[:64], str(pk), text, path)


@kind(
    "endpoint_off",
    _("A storefront's endpoint is switched off"),
    _("We tell a storefront nothing any more, because its server has failed for days or answered that it is gone."),
)
def endpoint_off(rule: AlertRule, now: datetime) -> Iterator[Finding]:
    ours = (DisabledWhy.FAILING, DisabledWhy.GONE)
    endpoints = _of(rule, Endpoint.objects.filter(enabled=False, disabled_why__in=ours)).defer("secret", "old_secret")
    for endpoint in _with_merchants(endpoints).order_by("-pk")[:MOST]:
        text = gettext("%(merchant)s: the storefront's endpoint %(endpoint)s is switched off: %(why)s.") % {
            "merchant": endpoint.installation,
            "endpoint": endpoint.pk,
            "why": endpoint.get_disabled_why_display(),
        }
        yield Finding(f"endpoint:{endpoint.pk}", str(endpoint.failing_since), text, _page(endpoint))


# --- what they share -------------------------------------------------------------------------------------------------


def _of(rule: AlertRule, rows: QuerySet[Any], merchant: str = "installation") -> QuerySet[Any]:
    """The rows of the rule's merchant; all of them, if the rule names none."""
    return rows if rule.installation_id is None else rows.filter(**{merchant: rule.installation_id})


def _with_merchants(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("installation").defer("installation__merchant_client_secret")


def _cards(
    rule: AlertRule, since: datetime, until: datetime, merchants: Collection[int] | None = None
) -> list[tuple[int, int, int]]:
    """(merchant, number of card payments that were answered, number of declined ones) of those begun in this time."""
    states = (AttemptState.SUCCEEDED, AttemptState.DECLINED)
    rows: QuerySet[Any] = PaymentAttempt.objects.filter(
        state__in=states, method__in=BY_CARD, started_at__gte=since, started_at__lt=until
    )
    rows = _of(rule, rows, "order__installation")
    if merchants is not None:
        rows = rows.filter(order__installation__in=merchants)
    counted = rows.order_by().values_list("order__installation")
    return list(counted.annotate(tried=Count("pk"), declined=Count("pk", filter=Q(state=AttemptState.DECLINED))))


def _merchants(pks: Collection[int]) -> dict[int, Installation]:
    return Installation.objects.without_secret().in_bulk(list(pks))


def _merchant(pk: int) -> str:
    return f"merchant:{pk}"


def _page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
