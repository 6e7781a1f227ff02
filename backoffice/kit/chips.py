"""Says what a list is filtered by, in words, with a link that removes each filter."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField
from django.http import HttpRequest, QueryDict
from django.utils.dates import MONTHS
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext

_NO_FILTERS = {ALL_VAR, ERROR_FLAG, IS_POPUP_VAR, ORDER_VAR, PAGE_VAR, TO_FIELD_VAR}


@dataclass(frozen=True)
class Chip:
    """One filter in words, and the list's query string without it. A wrong filter is one that filters nothing, because
    its text isn't understood."""

    text: str
    url: str
    is_wrong: bool = False


def of(changelist: Any, request: HttpRequest) -> list[Chip]:
    """A chip for each filter, the search and the day of the calendar."""
    query = without(request.GET, _NO_FILTERS - {IS_POPUP_VAR, TO_FIELD_VAR})
    return list(_chips(changelist, query))


def is_filtered(request: HttpRequest) -> bool:
    """Whether the list that is asked for has a filter, a search or a day of the calendar."""
    return any(any(values) for _name, values in without(request.GET, _NO_FILTERS).lists())


def without(query: QueryDict, names: Any, value: str | None = None) -> QueryDict:
    """The query string without these parameters, or without this value of theirs."""
    rest = query.copy()
    for name in names:
        left = [each for each in rest.getlist(name) if value is not None and each != value]
        rest.setlist(name, left) if left else rest.pop(name, None)
    return rest


def _chips(changelist: Any, query: QueryDict) -> Iterator[Chip]:
    told: set[str] = set(_NO_FILTERS)
    for spec in changelist.filter_specs:
        names = [name for name in spec.expected_parameters() if name in query]
        told.update(names)
        if hasattr(spec, "in_words"):  # a filter whose parameters are one thing, such as a range
            words, is_wrong = spec.in_words()
            if words:
                yield Chip(f"{capfirst(spec.title)}: {words}", _url(without(query, names)), is_wrong)
            continue
        for name in names:
            for value in filter(None, query.getlist(name)):
                yield Chip(f"{capfirst(spec.title)}: {_word(spec, name, value)}", _url(without(query, [name], value)))
    if changelist.query:
        text = gettext("Search: %(text)s") % {"text": changelist.query}
        yield Chip(text, _url(without(query, [SEARCH_VAR])))
    told.add(SEARCH_VAR)
    if changelist.date_hierarchy:
        parts = {part: f"{changelist.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        numbers = {part: int(text) for part, name in parts.items() if (text := str(query.get(name, ""))).isdecimal()}
        if "year" in numbers:
            text = f"{capfirst(_label(changelist, changelist.date_hierarchy))}: {_span(**numbers)}"
            yield Chip(text, _url(without(query, parts.values())))
            told.update(parts.values())
    for name in sorted(set(query) - told):  # such as those of a link from another page
        for value in filter(None, query.getlist(name)):
            yield Chip(f"{capfirst(_label(changelist, name))}: {value}", _url(without(query, [name], value)))


def _url(query: QueryDict) -> str:
    return f"?{query.urlencode()}"


def _label(changelist: Any, name: str) -> str:
    """The name of the column that a parameter is about."""
    try:
        return str(changelist.opts.get_field(name.partition("__")[0]).verbose_name)
    except FieldDoesNotExist:
        return name


def _span(year: int, month: int = 0, day: int = 0) -> str:
    """A year, a month or a day. The list has refused a text that is no date before."""
    if not month:
        return str(year)
    return date_format(date(year, month, day), "SHORT_DATE_FORMAT") if day else f"{MONTHS[month]} {year}"


def _word(spec: Any, name: str, value: str) -> str:
    """What the filter calls this value; the value itself if it knows no name for it."""
    if name.endswith("__isnull"):
        return gettext("none") if value in ("True", "true", "1") else gettext("any")
    names = {str(key): str(title) for key, title in getattr(spec, "lookup_choices", ())}
    field = getattr(spec, "field", None)
    if isinstance(field, BooleanField):
        names |= {"1": gettext("Yes"), "0": gettext("No")}
    elif field is not None and field.is_relation and value not in names and value.isdecimal():
        row = field.remote_field.model._default_manager.filter(pk=value).first()
        return str(row) if row else value
    elif field is not None:
        names |= {str(key): str(title) for key, title in field.flatchoices}
    return names.get(value, value)
