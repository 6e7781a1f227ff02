"""The days and the merchant that the overview is about, as its URL names them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from babel.dates import format_skeleton
from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from backoffice.kit.lists import midnight
from backoffice.kit.words import locale
from installations.models import Installation
from orders.models import Order

MOST_DAYS = 366
MOST_DAYS_SHOWN = 62  # A longer period is shown by week.
HOURS = 24

Query = dict[str, Any]


@dataclass(frozen=True)
class Slot:
    """A stretch of time: its names on a chart's axis and in the table, and the query that narrows a list to it."""

    short: str
    long: str
    query: Query


@dataclass(frozen=True)
class Period:
    """Whole days in staff's time zone, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """When the day after the last begins."""
        return midnight(self.last + timedelta(days=1))

    @property
    def is_long(self) -> bool:
        """Whether it is shown by week."""
        return (self.last - self.first).days >= MOST_DAYS_SHOWN

    def slots(self, now: datetime) -> list[datetime]:
        """The beginnings of its hours, days or weeks, as far as they have begun. A week begins on Monday."""
        last = min(self.last, now.date())
        if self.first == self.last:
            end = min(self.end, now + timedelta(microseconds=1)).astimezone(UTC)
            begin = self.begin.astimezone(UTC)
            hours = -(-(end - begin) // timedelta(hours=1))
            return [timezone.localtime(begin + timedelta(hours=hour)) for hour in range(max(hours, 1))]
        days = [self.first + timedelta(days=past) for past in range((last - self.first).days + 1)]
        if self.is_long:
            days = [day for day in days if day == self.first or day.weekday() == 0]
        return [midnight(day) for day in days]

    def named_slots(self, beginnings: Sequence[datetime]) -> list[Slot]:
        """The slots that begin so, for the orders that were made in them."""
        if self.first == self.last:
            return [hour(each) for each in beginnings]
        lasts = [each.date() - timedelta(days=1) for each in beginnings[1:]] + [self.last]
        return [_days(first.date(), last) for first, last in zip(beginnings, lasts, strict=True)]

    def query(self, field: str) -> Query:
        """What narrows a list to these days."""
        return {f"{field}_from": self.first.isoformat(), f"{field}_to": self.last.isoformat()}


def hour(start: datetime) -> Slot:
    """The hour that begins then, for rows with a created_at."""
    end = start + timedelta(hours=1)
    time = f"{start:%H:%M}"
    return Slot(
        time,
        f"{_date('EMMMd', start)}, {time}",
        {"created_at__gte": start.isoformat(), "created_at__lt": end.isoformat()},
    )


def week(monday: datetime, field: str) -> Slot:
    """The week that begins then, for rows with this column."""
    period = Period(monday.date(), monday.date() + timedelta(days=6))
    return Slot(_date("Md", monday), gettext("Week of %(day)s") % {"day": _date("MMMd", monday)}, period.query(field))


def _days(first: date, last: date) -> Slot:
    query = Period(first, last).query("created_at")
    if first == last:
        return Slot(_date("Md", first), _date("EMMMd", first), query)
    return Slot(_date("Md", first), f"{_date('MMMd', first)} – {_date('MMMd', last)}", query)


def _date(skeleton: str, day: date) -> str:
    return str(format_skeleton(skeleton, day, locale=locale()))


# --- what the reader chooses -----------------------------------------------------------------------------------------


def usual(today: date) -> dict[str, tuple[str, Period]]:
    """The periods that one click chooses: their names in the URL and for the reader, and their days."""
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    return {
        "today": (gettext("Today"), Period(today, today)),
        "yesterday": (gettext("Yesterday"), Period(today - timedelta(days=1), today - timedelta(days=1))),
        "7": (gettext("7 days"), Period(today - timedelta(days=6), today)),
        "30": (gettext("30 days"), Period(today - timedelta(days=29), today)),
        "month": (gettext("This month"), Period(month, today)),
        "last-month": (gettext("Last month"), Period(before.replace(day=1), before)),
    }


USUAL = "7"


class ChoiceForm(AutocompleteDropdownForm):  # type: ignore[misc] # untyped
    """The first and last day, and the merchant. Without a merchant it is about all of them."""

    def __init__(self, request: HttpRequest, data: Any) -> None:
        merchant = Order._meta.get_field("installation")
        super().__init__(request, "merchant", _("Merchant"), (), merchant, admin.site._registry[Order], data=data)
        for name, label in (("from", _("From")), ("to", _("To"))):
            widget = forms.DateInput({"type": "date", "class": "date-box"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(label=label, required=False, widget=widget)
        self.order_fields(["from", "to", "merchant"])

    def clean(self) -> dict[str, Any]:
        """The days in order and not too many. A day that is left out is the other one; one to come is today."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first = cleaned.get("from") or cleaned.get("to")
        last = cleaned.get("to") or cleaned.get("from")
        if first and last:
            today = timezone.localdate()
            first, last = min(first, today), min(last, today)
            if first > last:
                self.add_error("from", gettext("The first day is after the last one."))
            elif (last - first).days >= MOST_DAYS or first.year < 2000:
                text = gettext("Choose %(count)s days at most, none before the year 2000.")
                self.add_error("from", text % {"count": MOST_DAYS})
            else:
                cleaned["period"] = Period(first, last)
        return cleaned


@dataclass(frozen=True)
class Choice:
    """What the overview is about, and the form that says so."""

    period: Period
    merchant: Installation | None
    form: ChoiceForm
    links: list[dict[str, Any]]

    @property
    def merchant_query(self) -> Query:
        """For the URL of a list of the merchant's orders or events."""
        return {"installation__id__exact": self.merchant.pk} if self.merchant else {}


def chosen(request: HttpRequest) -> Choice:
    """The period and merchant of the URL. What isn't understood there is told by the form, and the usual one shown."""
    periods = usual(timezone.localdate())
    _name, period = periods.get(request.GET.get("period", ""), periods[USUAL])
    data = {name: request.GET.get(name, "") for name in ("from", "to", "merchant")}
    if data["merchant"] and not re.fullmatch("[0-9]{1,18}", data["merchant"]):
        data["merchant"] = "0"  # No merchant has it, and Django's widget would fail with what is no number.
    if not data["from"] and not data["to"]:
        data |= {"from": period.first.isoformat(), "to": period.last.isoformat()}
    form = ChoiceForm(request, data)
    form.full_clean()
    period = form.cleaned_data.get("period", period)
    merchant = form.cleaned_data.get("merchant")
    rest = {"merchant": merchant.pk} if merchant else {}
    links = [
        {"title": title, "url": f"?{urlencode({'period': name, **rest})}", "is_current": each == period}
        for name, (title, each) in periods.items()
    ]
    return Choice(period, merchant, form, links)
