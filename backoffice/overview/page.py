"""Builds the overview for a user: the cards, tables and charts that the user's permissions allow, each figure linked to
the list of what it counts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.kit.words import ago, lasted, reais
from backoffice.overview.attempts import Tried
from backoffice.overview.charts import Card, Chart, Figure, Series, Table, list_url, number, share
from backoffice.overview.figures import Figures, figures
from backoffice.overview.lists import Lists, by, having
from backoffice.overview.period import Query, chosen, hour, week
from backoffice.sales import ALWAYS_SHOWN
from orders.status import BY_CARD, EVER_PAID, GONE, PAID_AND_KEPT, PaymentMethod, RefundState
from webhooks.decide import Outcome

NO_METHOD = ""
COLOURS = {
    PaymentMethod.CREDIT_CARD.value: "violet",
    PaymentMethod.PIX.value: "teal",
    PaymentMethod.BOLETO.value: "amber",
    PaymentMethod.GOOGLE_PAY.value: "blue",
    PaymentMethod.APPLE_PAY.value: "pink",
    NO_METHOD: "grey",
}


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold calls this for the page's context. The URL names the period and the merchant."""
    choice = chosen(request)
    found, lists = figures(choice.period, choice.merchant.pk if choice.merchant else None), Lists(choice)
    overview, tried = Overview(found, lists), Tried(found, lists)
    may = request.user.has_perm
    cards: list[Card] = []
    tables: list[Table] = []
    charts: list[Chart] = []
    if may("orders.view_order"):
        cards += overview.sales()
        charts += overview.sales_by_method()
    if may("orders.view_paymentattempt"):
        cards.append(tried.approval())
        tables += [tried.attempts(), tried.reasons()]
    if may("orders.view_order"):
        cards.append(overview.spans(cards=may("orders.view_paymentattempt"), others=may("webhooks.view_webhookevent")))
    if may("orders.view_order") and may("orders.view_paymentattempt"):
        cards.append(tried.doubt())
    if may("webhooks.view_webhookevent"):
        cards.append(overview.oldest())
        charts.append(overview.traffic())
    if may("installations.view_installation") and not choice.merchant:
        charts.append(overview.installations())
    return {
        **context,
        "choice": choice,
        "may_choose_merchant": may("installations.view_installation"),
        "as_of": overview.now,
        "cards": cards,
        "tables": tables,
        "charts": charts,
    }


@dataclass(frozen=True)
class Overview:
    """The page's parts, in the reader's language."""

    found: Figures
    lists: Lists

    @cached_property
    def now(self) -> datetime:
        """When the figures were taken."""
        return _moment(self.found["at"])

    # Cards.

    def sales(self) -> list[Card]:
        """The number of orders, the money, and the share of Pix and boleto orders that were paid."""
        orders = self.lists.orders
        return [
            Card(
                _("Orders"),
                Figure(_("Orders"), number(self._total("orders")), orders()),
                [Figure(_("Paid"), number(self._total("paid")), orders(having(EVER_PAID)))],
            ),
            self._net(),
            self._conversion(_("Pix conversion"), PaymentMethod.PIX),
            self._conversion(_("Boleto conversion"), PaymentMethod.BOLETO),
        ]

    def _net(self) -> Card:
        """What the merchants have, and what was taken off."""
        paid, gone, part, disputed, net = (
            self._total(f"{what}_cents") for what in ("paid", "gone", "part", "disputed", "net")
        )
        in_part = {"refund": RefundState.CONFIRMED.value}
        in_dispute = [status for status in EVER_PAID if status not in (*PAID_AND_KEPT, *GONE)]
        kept = self.lists.orders(having(PAID_AND_KEPT))
        return Card(
            _("Net revenue"),
            Figure(_("Net revenue"), reais(net), kept),
            [
                Figure(_("Total paid"), reais(paid), self.lists.orders(having(EVER_PAID))),
                Figure(_("Refunded in full or lost"), reais(gone), self.lists.orders(having(GONE))),
                Figure(
                    _("Refunded in part"),
                    reais(part),
                    self.lists.orders(having(PAID_AND_KEPT), in_part),
                ),
                Figure(_("In a chargeback"), reais(disputed), self.lists.orders(having(in_dispute))),
            ],
        )

    def _conversion(self, title: str, method: str) -> Card:
        made, paid = self._total("orders", method), self._total("paid", method)
        all_orders = self.lists.orders(by(method))
        return Card(
            title,
            Figure(title, share(paid, made), all_orders),
            [
                Figure(_("Paid"), number(paid), self.lists.orders(by(method), having(EVER_PAID))),
                Figure(_("Generated"), number(made), all_orders),
            ],
            _("The newest may still be paid."),
        )

    def spans(self, *, cards: bool, others: bool) -> Card:
        """How long it took from the order to its payment, for cards and for the other methods."""
        spans = [span for span in self.found["spans"] if (cards if span["method"] in BY_CARD else others)]
        rows = []
        for span in spans:
            method, url = _method(span["method"]), self.lists.orders(by(span["method"]), having(EVER_PAID))
            median, most = (lasted(timedelta(seconds=span[name])) for name in ("median", "most"))
            rows += [
                Figure(method, median, url),
                Figure(_("%(method)s, 9 of 10 within") % {"method": method}, most, url),
            ]
        count = number(sum(span["payments"] for span in spans))
        note = _("Median of the newest %(count)s payments.") % {"count": count} if rows else _("No payments yet.")
        return Card(_("From order to payment"), None, rows, note)

    def oldest(self) -> Card:
        """The event that has waited longest to be handled."""
        title, waiting = _("Oldest unprocessed event"), self.lists.events({"outcome": "unprocessed"})
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
        """Orders, and the money that the merchants have of them."""
        slots = self.lists.choice.period.named_slots([_moment(each) for each in self.found["slots"]])
        whole = self.lists.choice.period.query("created_at")

        def series(what: str, *queries: Query) -> list[Series]:
            methods = [method for method in COLOURS if method in ALWAYS_SHOWN or self._total(what, method)]
            return [
                Series(
                    _method(method),
                    COLOURS[method],
                    self._by_slot(what, method),
                    partial(self.lists.any_orders, by(method), *queries),
                )
                for method in methods
            ]

        orders, net = self._chart_titles()
        kept = having(PAID_AND_KEPT)
        return [
            Chart(orders, slots, series("orders"), whole, self.lists.any_orders),
            Chart(net, slots, series("net_cents", kept), whole, partial(self.lists.any_orders, kept), is_money=True),
        ]

    def _chart_titles(self) -> tuple[str, str]:
        period = self.lists.choice.period
        if period.first == period.last:
            return _("Orders per hour"), _("Net revenue per hour")
        if period.is_long:
            return _("Orders per week"), _("Net revenue per week")
        return _("Orders per day"), _("Net revenue per day")

    def traffic(self) -> Chart:
        hours = [_moment(each) for each in self.found["hours"]]
        by_hour = {row["slot"]: row for row in self.found["traffic"]}

        def series(label: str, colour: str, read: Callable[[Any], int], *queries: Query) -> Series:
            values = [read(by_hour[place]) if place in by_hour else 0 for place in range(len(hours))]
            return Series(label, colour, values, partial(self.lists.events, *queries))

        return Chart(
            _("Events per hour, last 24 hours"),
            [hour(each) for each in hours],
            [
                series(_("Received"), "violet", lambda row: row["received"]),
                series(_("Ignored"), "amber", lambda row: row["ignored"], {"outcome": Outcome.IGNORED.value}),
                series(_("Duplicates"), "teal", lambda row: row["duplicate"], {"outcome": Outcome.DUPLICATE.value}),
                series(_("Failed"), "red", lambda row: row["failed"], {"outcome": Outcome.FAILED.value}),
            ],
            {"created_at__gte": hours[0].isoformat()},
            self.lists.events,
            kind="line",
        )

    def installations(self) -> Chart:
        """Installations of the last eight weeks. A merchant who installed again counts in the later week."""
        mondays = [_moment(each) for each in self.found["weeks"]]
        counts = dict(self.found["installations"])
        values = [counts.get(place, 0) for place in range(len(mondays))]
        days = {"installed_at_from": mondays[0].date().isoformat(), "installed_at_to": self.now.date().isoformat()}
        return Chart(
            _("Installations per week"),
            [week(monday, "installed_at") for monday in mondays],
            [Series(_("Installations"), "violet", values, _installations)],
            days,
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


_installations = partial(list_url, "installations_installation")


def _method(method: str) -> str:
    return str(PaymentMethod(method).label) if method else _("No method")


def _moment(text: str) -> datetime:
    return timezone.localtime(datetime.fromisoformat(text))
