"""Base classes and filters of the back office's lists. The lists stay fast however large their tables are."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RadioFilter, RangeDateFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from appmax.errors import AppmaxError
from backoffice.kit import saved_views
from backoffice.kit.chips import without
from backoffice.kit.words import explained, history, told
from orders.fields import MAX_ID

M = TypeVar("M", bound=Model)
F = TypeVar("F", bound=Callable[..., Any])

# Unfold has no types, so mypy sees these declarations instead.
if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    def action(**options: Any) -> Callable[[F], F]:
        """Unfold's decorator for a button on a row's page."""

    def display(**options: Any) -> Callable[[F], F]:
        """Unfold's decorator, which is Django's with `label` for coloured badges."""
else:
    from unfold.admin import ModelAdmin
    from unfold.decorators import action, display

__all__ = [
    "DateRangeFilter",
    "FastListAdmin",
    "ModelAdmin",
    "OneChoiceFilter",
    "ReadOnlyAdmin",
    "RowFilter",
    "action",
    "display",
    "searched",
    "span",
]


def searched(term: str) -> tuple[str, int | None]:
    """The search text without white space around it, and the id of Appmax's that it stands for, with or without a # in
    front and spaces; None if it is no id."""
    text = term.replace("\0", "").strip()
    digits = "".join(text.removeprefix("#").split())
    is_id = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_ID)) and int(digits) <= MAX_ID
    return text, int(digits) if is_id else None


class BoundedPaginator(Paginator[Any]):
    """Counts and shows LIMIT rows at most, so that a table of millions is as fast as a small one.

    Staff find older rows by narrowing the list: by date, status, merchant or search.
    """

    LIMIT = 10_000
    FEW = 2_000
    template_name = "admin/bounded_pagination.html"

    @cached_property
    def has_more(self) -> bool:
        """Whether there are rows beyond the limit."""
        return self._counted > self.LIMIT

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.LIMIT)

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.LIMIT + 1].count())

    def page(self, number: int | str) -> Page[Any]:
        """A page of the list. If there are few rows, they are found first and put in order then.

        PostgreSQL takes filters for independent of each other. Where two of them hardly ever meet it expects too many
        rows, and goes through the index of times until a page is full: for 266 of 5 million events that took 5 s.
        """
        if self._counted <= self.FEW:
            rows: Any = self.object_list
            self.object_list = rows.filter(pk__in=rows.order_by().values("pk")[: self.FEW])
        return super().page(number)


class FastListAdmin(ModelAdmin[M]):
    """A list that costs the same however large the table is, and that answers every query string."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    sortable_by: ClassVar[Any] = ()  # An index gives the newest rows first. Any other order would sort the whole table.
    list_filter_submit = True
    show_facets = ShowFacets.NEVER  # Facets count whole tables.

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, as Django makes it. Django doesn't notice some bad parameters, such as a year 0 or a NUL; for these
        too the list is shown without filters."""
        if any("\0" in text for values in request.GET.lists() for text in (values[0], *values[1])):
            raise IncorrectLookupParameters
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            raise IncorrectLookupParameters from error

    def get_urls(self) -> list[URLPattern]:
        return [*saved_views.urls(self), *super().get_urls()]

    def saved_views(self, request: HttpRequest, changelist: Any) -> dict[str, Any]:
        """For the template: the saved views of this list."""
        return saved_views.shown(self, request, changelist)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list. Django shows it without any filter if one of them isn't understood, which is told."""
        if ERROR_FLAG in request.GET:
            text = gettext("A filter of that address is not known, or its value is not: nothing is filtered.")
            messages.warning(request, text)
        return super().changelist_view(request, extra_context)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """A query string may filter only by columns that have a filter in the list. By comparing with other columns
        staff could find out values that aren't shown to them."""
        name = lookup.partition("__")[0]
        allowed: set[Any] = {"id", "pk", self.date_hierarchy}
        for each in self.get_list_filter(request):
            allowed.add(each[0] if isinstance(each, tuple) else each)
            if lookup == getattr(each, "parameter_name", None):
                return True
        is_column = name in {field.name for field in self.opts.get_fields()}
        return (name in allowed or not is_column) and super().lookup_allowed(lookup, value, request)


class ReadOnlyAdmin(FastListAdmin[M]):
    """A list of rows that staff may only see, because the install flow, the checkout or Appmax writes them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Django's page, with our own lines in the reader's language."""
        response = super().history_view(request, object_id, extra_context)
        for entry in getattr(response, "context_data", {}).get("action_list", ()):
            entry.change_message = told(entry.change_message)
        return response

    def found(self, request: HttpRequest, object_id: str) -> M:
        """The row that an action's URL names. Raises Http404 if there is none."""
        row: M | None = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def log_failure(self, request: HttpRequest, row: M, what: str, error: AppmaxError) -> None:
        """Tell staff that Appmax didn't do it. Its words may quote the shopper, so the history keeps the kind of error
        only."""
        self.log_change(request, row, history(what, type(error).__name__))
        messages.error(request, explained(error))

    def confirm(self, request: HttpRequest, row: M | None, *, title: str, **context: Any) -> HttpResponse:
        """The page that asks for confirmation. Its form posts to the same URL.

        `context`: question (text), form, button (text), is_dangerous.
        """
        return render(
            request,
            "admin/confirm.html",
            {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "row": row, **context},
        )


class OneChoiceFilter(RadioFilter):  # type: ignore[misc] # untyped
    """Shows all rows, or those of one kind. `choice` is the kind's value in the URL and its name."""

    choice: tuple[str, Any]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [self.choice]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen rows. Any other value than that of `choice` shows all rows."""
        return self.chosen(queryset) if self.value() == self.choice[0] else queryset

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of this kind."""
        raise NotImplementedError


class _FoundRow(forms.ModelChoiceField[Any]):
    """Takes a row's number as it is: the list is filtered by it already, and its name is read to be shown."""

    def to_python(self, value: Any) -> Any:
        return value


class _RowForm(AutocompleteDropdownForm):  # type: ignore[misc] # untyped
    field = _FoundRow


class RowFilter(AutocompleteSelectFilter):  # type: ignore[misc] # untyped
    """Rows that belong to one row of another table, such as a merchant, which is found by typing a part of its name."""

    form_class = _RowForm


class DateRangeFilter(RangeDateFilter):  # type: ignore[misc] # untyped
    """Days in staff's time zone, in the date format of their language. The last day is included. `today`, and `today-6`
    for six days before it, are days too, so that a saved view may be about the last week."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows between the two days. A text that is no date is ignored."""
        first, last = self.days()
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": midnight(first)})
        if last:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": midnight(last + timedelta(days=1))})
        return queryset

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """The form's boxes, with dates in them."""
        names = {end: f"{self.parameter_name}_{end}" for end in ("from", "to")}
        data = {name: self._day(end) or self.used_parameters.get(name) for end, name in names.items()}
        form = self.form_class(name=self.parameter_name, data=data)
        yield {"request": self.request, "parameter_name": self.parameter_name, "form": form}

    def in_words(self) -> tuple[str, bool]:
        """For the chip: the days, and whether a text was no date."""
        typed = [self.used_parameters.get(f"{self.parameter_name}_{end}") for end in ("from", "to")]
        days = self.days()
        wrong = [text for text, day in zip(typed, days, strict=True) if text and not day]
        if wrong:
            return gettext("“%(text)s” is no date") % {"text": wrong[0]}, True
        return span(*(date_format(day, "SHORT_DATE_FORMAT") if day else "" for day in days)), False

    def recent(self) -> list[dict[str, Any]]:
        """Links to the last days, which keep the list's other filters."""
        ends = [f"{self.parameter_name}_{end}" for end in ("from", "to")]
        calendar = [f"{self.parameter_name}__{part}" for part in ("year", "month", "day")]
        rest = without(self.request.GET, [*ends, *calendar, PAGE_VAR, ERROR_FLAG])

        def choice(title: str, *days: str) -> dict[str, Any]:
            query = rest.copy()
            query.update(dict(zip(ends, days, strict=True)))
            is_current = [self.used_parameters.get(end) for end in ends] == list(days)
            return {"title": title, "url": f"?{query.urlencode()}", "is_current": is_current}

        return [
            choice(gettext("Today"), "today", "today"),
            choice(gettext("Yesterday"), "today-1", "today-1"),
            choice(gettext("Last 7 days"), "today-6", "today"),
            choice(gettext("Last 30 days"), "today-29", "today"),
        ]

    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day."""
        return self._day("from"), self._day("to")

    def _day(self, end: str) -> date | None:
        typed = self.used_parameters.get(f"{self.parameter_name}_{end}")
        if found := _RELATIVE.fullmatch(typed or ""):
            return timezone.localdate() - timedelta(days=int(found[1] or 0))
        try:
            day = forms.DateField(required=False).clean(typed)
        except ValidationError:
            return None
        return day if day and 1900 < day.year < 3000 else None


_RELATIVE = re.compile(r"today(?:-(\d{1,3}))?", re.ASCII)


def midnight(day: date) -> datetime:
    """When the day begins, in staff's time zone."""
    return timezone.make_aware(datetime.combine(day, time()))


def span(first: str, last: str) -> str:
    """A range in words: from 1 to 2, from 1, up to 2, 1; "" if it has no ends."""
    if first and last:
        return first if first == last else gettext("%(first)s to %(last)s") % {"first": first, "last": last}
    if first:
        return gettext("from %(first)s") % {"first": first}
    return gettext("up to %(last)s") % {"last": last} if last else ""
