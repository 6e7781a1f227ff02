"""The cards, charts and tables of the overview. Each figure links to the list of the rows that it counts."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from babel.numbers import format_decimal, format_percent
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backoffice.kit.words import locale, reais
from backoffice.overview.period import Query, Slot

Url = Callable[[Query], str]


@dataclass(frozen=True)
class Figure:
    """A formatted number, and the URL of the list of what it counts."""

    label: str
    text: str
    url: str
    colour: str = ""  # in a chart


@dataclass(frozen=True)
class Card:
    """Figures that belong together. `main` is shown largest."""

    title: str
    main: Figure | None
    rows: Sequence[Figure] = ()
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Figures in rows and columns. `rows` are labelled, and each has a figure for each column."""

    title: str
    head: str
    rows: Sequence[tuple[str, Sequence[Figure]]]
    note: str = ""


@dataclass(frozen=True)
class Series:
    """A number for each slot. `url` makes the URL of a list from the queries that narrow it, and `colour` is one of
    charts.css."""

    label: str
    colour: str
    values: Sequence[int]
    url: Url


@dataclass(frozen=True)
class Chart:
    """A chart, with the figures beside it and the table below it made of the same numbers.

    The bars of a slot add up to its total; of a line chart the first series is the total. `whole` is the query that
    narrows a list to all slots, and `url` makes the URL of the list of all series together.
    """

    title: str
    slots: Sequence[Slot]
    series: Sequence[Series]
    whole: Query
    url: Url
    kind: str = "bar"
    is_money: bool = False  # cents

    @property
    def rows(self) -> list[Figure]:
        """The sum of each series, and the slot with the highest number."""
        rows = [
            Figure(each.label, self._show(sum(each.values)), each.url(self.whole), each.colour) for each in self.series
        ]
        columns = self.series if self.kind == "bar" else self.series[:1]
        totals = [sum(each.values[place] for each in columns) for place in range(len(self.slots))]
        if any(totals):
            fullest = self.slots[totals.index(max(totals))]
            rows.append(Figure(_("Most"), f"{self._show(max(totals))} ({fullest.long})", self.url(fullest.query)))
        return rows

    @property
    def words(self) -> str:
        """The chart in words, for readers who can't see it."""
        return ". ".join([self.title, *(f"{row.label}: {row.text}" for row in self.rows)])

    @property
    def table(self) -> list[tuple[str, list[Figure]]]:
        """A row for each slot, newest first."""
        rows = [
            (
                slot.long,
                [Figure(each.label, self._show(each.values[place]), each.url(slot.query)) for each in self.series],
            )
            for place, slot in enumerate(self.slots)
        ]
        return rows[::-1]

    @property
    def data(self) -> str:
        """The data for Chart.js, as JSON. Amounts are in reais."""
        scale = 100 if self.is_money else 1
        datasets = [
            {
                "label": each.label,
                "data": [value / scale for value in each.values],
                "backgroundColor": f"var(--chart-{each.colour})",
                "borderColor": f"var(--chart-{each.colour})",
            }
            for each in self.series
        ]
        return json.dumps({"labels": [slot.short for slot in self.slots], "datasets": datasets})

    @property
    def options(self) -> str:
        """The options for Chart.js, as JSON. Unfold's own have no stacked bars. charts.js adds the theme's colours."""
        is_stacked = self.kind == "bar"
        digits = {"minimumFractionDigits": 0, "maximumFractionDigits": 0}
        money = {"format": {"style": "currency", "currency": "BRL", **digits}}
        ticks = {"maxTicksLimit": 6, **(money if self.is_money else {"precision": 0})}
        return json.dumps(
            {
                "animation": False,
                "maintainAspectRatio": False,
                "locale": locale().replace("_", "-"),
                "interaction": {"mode": "index", "intersect": False},
                "elements": {"line": {"borderWidth": 2}, "point": {"radius": 0}},
                "plugins": {"legend": {"display": False}},  # The figures below have the colours.
                "scales": {
                    "x": {
                        "stacked": is_stacked,
                        "grid": {"display": False},
                        "ticks": {"maxRotation": 0, "autoSkipPadding": 12},
                    },
                    "y": {"stacked": is_stacked, "beginAtZero": True, "border": {"display": False}, "ticks": ticks},
                },
            }
        )

    def _show(self, value: int) -> str:
        return reais(value) if self.is_money else number(value)


def number(value: int) -> str:
    """A number as the reader's language writes it: 1.234."""
    return str(format_decimal(value, locale=locale()))


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent: 82,4%."""
    return str(format_percent(part / whole, "#,##0.#%", locale=locale())) if whole else "–"


def list_url(name: str, *queries: Query) -> str:
    """A list's URL, narrowed by all of the queries."""
    merged = {key: value for query in queries for key, value in query.items()}
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(merged, doseq=True)}"
