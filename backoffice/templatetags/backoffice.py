"""Template tags of the back office."""

import calendar as months
from datetime import date
from typing import Any

from django import template
from django.db.models import Max, Min
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.kit import chips as filter_chips

register = template.Library()


@register.inclusion_tag("admin/date_hierarchy.html")
def calendar(cl: Any) -> dict[str, Any]:
    """Years, months or days to narrow a list to.

    As Django's date_hierarchy, but between the table's first and last row, found by index; Django's reads each row of
    the list to leave out the days without one.
    """
    field = cl.date_hierarchy
    ends = cl.model._default_manager.aggregate(first=Min(field), last=Max(field))
    if not ends["first"]:
        return {"show": False}
    first, last = (timezone.localtime(ends[name]).date() for name in ("first", "last"))
    year, month, day = (_number(cl.params.get(f"{field}__{part}")) for part in ("year", "month", "day"))

    def choice(title: str, **parts: int) -> dict[str, str]:
        query = {f"{field}__{part}": number for part, number in parts.items()}
        return {"title": capfirst(title), "link": cl.get_query_string(query, [f"{field}__"])}

    if not year:
        years = [choice(str(each), year=each) for each in range(first.year, last.year + 1)]
        return {"show": True, "back": None, "choices": years}
    if not month:
        spans = [
            choice(str(MONTHS[each]), year=year, month=each)
            for each in MONTHS
            if (first.year, first.month) <= (year, each) <= (last.year, last.month)
        ]
        return {"show": True, "back": choice(_("All dates")), "choices": spans}
    name = f"{MONTHS.get(month, month)} {year}"
    if not day:
        days = [
            choice(date_format(date(year, month, each), "MONTH_DAY_FORMAT"), year=year, month=month, day=each)
            for each in range(1, months.monthrange(year, month)[1] + 1)
            if first <= date(year, month, each) <= last
        ]
        return {"show": True, "back": choice(str(year), year=year), "choices": days}
    title = capfirst(date_format(date(year, month, day), "DATE_FORMAT"))
    return {"show": True, "back": choice(name, year=year, month=month), "choices": [{"title": title}]}


@register.inclusion_tag("admin/chips.html", takes_context=True)
def chips(context: Any, cl: Any) -> dict[str, Any]:
    """What the list is filtered by, with a link that removes each filter."""
    return {"chips": filter_chips.of(cl, context["request"]), "path": context["request"].path}


@register.inclusion_tag("admin/saved_views.html", takes_context=True)
def saved_views(context: Any, cl: Any) -> dict[str, Any]:
    """The list's saved views, and what saves one, if it has any."""
    shown = getattr(cl.model_admin, "saved_views", None)
    return shown(context["request"], cl) if shown and not cl.is_popup else {}


@register.inclusion_tag("admin/recent.html")
def recent(cl: Any) -> dict[str, Any]:
    """Links that narrow the list to the last days, if it has a filter by days."""
    by_day = next((spec for spec in cl.filter_specs if hasattr(spec, "recent")), None)
    return {"choices": by_day.recent() if by_day else []}


def _number(value: Any) -> int:
    """A number from the URL. The list has refused a text that is no date before."""
    text = value[-1] if isinstance(value, list) else value
    return int(text) if text else 0
