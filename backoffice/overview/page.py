"""Builds the overview for a user: the cards and charts that the user's permissions allow, each linked to its list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from babel.dates import format_skeleton
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.kit.words import ago, lasted, locale, reais
from backoffice.overview.charts import Card, Chart, Figure, Query, Series, Slot, list_url, number, share
from backoffice.overview.figures import Figures, figures
from orders.models import AttemptState
from orders.status import PAID_AND_KEPT, PaymentMethod
from webhooks.decide import Outcome

PERIODS = (1, 7, 30)  # days
USUAL_PERIOD = 7

CARD, PIX, BOLETO = (method.value for method in PaymentMethod)
NO_METHOD = ""
VIOLET, TEAL, AMBER, GREY, RED = "#7c3aed", "#0d9488", "#d97706", "#94a3b8", "#dc2626"
COLOURS = {CARD: VIOLET, PIX: TEAL, BOLETO: AMBER, NO_METHOD: GREY}


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold calls this for the page's context. The URL names the period."""
    days = next((each for each in PERIODS if request.GET.get("days") == str(each)), USUAL_PERIOD)
    overview = Overview(figures(days), days)
    may = request.user.has_perm
    cards: list[Card] = []
    charts: list[Chart] = []
    if may("orders.view_order"):
        cards += overview.sales()
        charts += overview.sales_by_method()
    if may("orders.view_paymentattempt"):
        cards.append(overview.approval())
    if may("orders.view_order"):
        cards.append(overview.spans(cards=may("orders.view_paymentattempt"), others=may("webhooks.view_webhookevent")))
    if may("webhooks.view_webhookevent"):
        cards.append(overview.oldest())
        charts.append(overview.traffic())
    if may("installations.view_installation"):
        charts.append(overview.installations())
    titles = {1: _("Today"), 7: _("7 days"), 30: _("30 days")}
    periods = [{"title": titles[each], "url": f"?days={each}", "is_current": each == days} for each in PERIODS]
    return {**context, "periods": periods, "as_of": overview.now, "cards": cards, "charts": charts}


@dataclass(frozen=True)
class Overview:
    """The page's parts, in the reader's language."""

    found: Figures
    days: int

    @cached_property
    def now(self) -> datetime:
        """When the figures were taken."""
        return _moment(self.found["at"])

    # Cards.

    def sales(self) -> list[Card]:
        """The number of orders, the money, and the share of Pix and boleto orders that were paid."""
        paid, cents = self._total("paid"), self._total("cents")
        paid_orders = _orders(self._period("created_at"), _paid())
        net = _("Refunds are taken off.")
        average = [Figure(_("Average"), reais(round(cents / paid)), paid_orders)] if paid else []
        return [
            Card(
                _("Orders"),
                Figure(_("Orders"), number(self._total("orders")), _orders(self._period("created_at"))),
                [Figure(_("Paid"), number(paid), paid_orders)],
            ),
            Card(_("Paid amount"), Figure(_("Paid amount"), reais(cents), paid_orders), average, net),
            self._conversion(_("Pix conversion"), PIX),
            self._conversion(_("Boleto conversion"), BOLETO),
        ]

    def _conversion(self, title: str, method: str) -> Card:
        made, paid = self._total("orders", method), self._total("paid", method)
        all_orders = _orders(self._period("created_at"), _by(method))
        paid_orders = _orders(self._period("created_at"), _by(method), _paid())
        return Card(
            title,
            Figure(title, share(paid, made), all_orders),
            [Figure(_("Paid"), number(paid), paid_orders), Figure(_("Orders"), number(made), all_orders)],
            _("The newest may still be paid."),
        )

    def approval(self) -> Card:
        """The share of card payments that were approved. Attempts that failed or whose result isn't known don't
        count."""
        approved, declined = self.found["approved_cards"], self.found["declined_cards"]
        succeeded = {"state__exact": AttemptState.SUCCEEDED.value}
        refused = {"state__exact": AttemptState.DECLINED.value}
        both = {"state__exact": [AttemptState.SUCCEEDED.value, AttemptState.DECLINED.value]}
        cards = partial(_attempts, self._period("started_at"), {"method__exact": CARD})
        title = _("Card approval")
        return Card(
            title,
            Figure(title, share(approved, approved + declined), cards(both)),
            [
                Figure(_("Approved"), number(approved), cards(succeeded)),
                Figure(_("Declined"), number(declined), cards(refused)),
            ],
        )

    def spans(self, *, cards: bool, others: bool) -> Card:
        """How long it took from the order to its payment, for cards and for the other methods."""
        spans = {span["method"]: span for span in self.found["spans"] if (cards if span["method"] == CARD else others)}
        rows = [
            Figure(
                _method(method),
                lasted(timedelta(seconds=spans[method]["seconds"])),
                _orders(self._period("created_at"), _by(method), _paid()),
            )
            for method in PaymentMethod.values
            if method in spans
        ]
        count = number(sum(span["payments"] for span in spans.values()))
        note = _("Median of the newest %(count)s payments.") % {"count": count} if rows else _("No payments yet.")
        return Card(_("From order to payment"), None, rows, note)

    def oldest(self) -> Card:
        """The event that has waited longest to be handled."""
        title, waiting = _("Oldest unprocessed event"), _events({"outcome": "unprocessed"})
        row = self.found["oldest"]
        if row is None:
            return Card(title, Figure(title, _("None waits"), waiting))
        page = reverse("admin:webhooks_webhookevent_change", args=[row["pk"]])
        return Card(
            title,
            Figure(title, ago(_moment(row["created_at"])), page),
            [Figure(row["event"], f"#{row['pk']}", page), Figure(_("Unprocessed events"), _("Show all"), waiting)],
        )

    # Charts.

    def sales_by_method(self) -> list[Chart]:
        is_today = self.days == 1
        slots = [_hour(each) if is_today else _day(each) for each in map(_moment, self.found["slots"])]
        period = self._period("created_at")

        def series(what: str, *queries: Query) -> list[Series]:
            methods = [method for method in COLOURS if method or self._total(what, NO_METHOD)]
            return [
                Series(
                    _method(method),
                    COLOURS[method],
                    self._by_slot(what, method),
                    partial(_orders, _by(method), *queries),
                )
                for method in methods
            ]

        orders = _("Orders per hour") if is_today else _("Orders per day")
        paid = _("Paid amount per hour") if is_today else _("Paid amount per day")
        return [
            Chart(orders, slots, series("orders"), period, _orders),
            Chart(paid, slots, series("cents", _paid()), period, partial(_orders, _paid()), is_money=True),
        ]

    def traffic(self) -> Chart:
        hours = [_moment(each) for each in self.found["hours"]]
        by_hour = {row["slot"]: row for row in self.found["traffic"]}

        def series(label: str, colour: str, read: Callable[[Any], int], *queries: Query) -> Series:
            values = [read(by_hour[place]) if place in by_hour else 0 for place in range(len(hours))]
            return Series(label, colour, values, partial(_events, *queries))

        return Chart(
            _("Events per hour, last 24 hours"),
            [_hour(hour) for hour in hours],
            [
                series(_("Received"), VIOLET, lambda row: row["received"]),
                series(_("Ignored"), AMBER, lambda row: row["ignored"], {"outcome": Outcome.IGNORED.value}),
                series(_("Duplicates"), TEAL, lambda row: row["duplicate"], {"outcome": Outcome.DUPLICATE.value}),
                series(_("Failed"), RED, lambda row: row["failed"], {"outcome": Outcome.FAILED.value}),
            ],
            {"created_at__gte": hours[0].isoformat()},
            _events,
            kind="line",
        )

    def installations(self) -> Chart:
        """Installations of the last eight weeks. A merchant who installed again counts in the later week."""
        mondays = [_moment(each) for each in self.found["weeks"]]
        counts = dict(self.found["installations"])
        values = [counts.get(place, 0) for place in range(len(mondays))]
        return Chart(
            _("Installations per week"),
            [_week(monday) for monday in mondays],
            [Series(_("Installations"), VIOLET, values, _installations)],
            _between("installed_at", mondays[0], self.now),
            _installations,
        )

    # Helpers.

    def _total(self, what: str, method: str | None = None) -> int:
        return sum(self._by_slot(what, method))

    def _by_slot(self, what: str, method: str | None = None) -> list[int]:
        """The values of a column of `sales`, added up for each slot, of one method or of all."""
        values = [0] * len(self.found["slots"])
        for row in self.found["sales"]:
            if method is None or row["method"] == method:
                values[row["slot"]] += row[what]  # type: ignore[literal-required]
        return values

    def _period(self, field: str) -> Query:
        """The query that narrows a list to the whole period."""
        return _between(field, _moment(self.found["slots"][0]), self.now)


# --- slots -----------------------------------------------------------------------------------------------------------


def _hour(start: datetime) -> Slot:
    end = start + timedelta(hours=1)
    time = f"{start:%H:%M}"
    long = f"{_date('EMMMd', start)}, {time}"
    return Slot(time, long, {"created_at__gte": start.isoformat(), "created_at__lt": end.isoformat()})


def _day(start: datetime) -> Slot:
    return Slot(_date("Md", start), _date("EMMMd", start), _between("created_at", start, start))


def _week(monday: datetime) -> Slot:
    day = _date("MMMd", monday)
    query = _between("installed_at", monday, monday + timedelta(days=6))
    return Slot(_date("Md", monday), _("Week of %(day)s") % {"day": day}, query)


def _date(skeleton: str, moment: datetime) -> str:
    return str(format_skeleton(skeleton, moment, locale=locale()))


def _moment(text: str) -> datetime:
    return timezone.localtime(datetime.fromisoformat(text))


# --- lists -----------------------------------------------------------------------------------------------------------


_orders = partial(list_url, "orders_order")
_attempts = partial(list_url, "orders_paymentattempt")
_events = partial(list_url, "webhooks_webhookevent")
_installations = partial(list_url, "installations_installation")


def _between(field: str, first: datetime, last: datetime) -> Query:
    """The query that narrows a list to these days, both included."""
    return {f"{field}_from": first.date().isoformat(), f"{field}_to": last.date().isoformat()}


def _by(method: str) -> Query:
    return {"payment_method__exact": method} if method else {"payment_method__isnull": "True"}


def _paid() -> Query:
    return {"status__exact": [status.value for status in PAID_AND_KEPT]}


def _method(method: str) -> str:
    return str(PaymentMethod(method).label) if method else _("No method")
