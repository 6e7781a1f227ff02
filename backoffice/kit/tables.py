"""Writes rows as CSV and XLSX that a spreadsheet of the reader's language opens with numbers, dates and words."""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, auto
from typing import IO, Any, Self

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext
from django_stubs_ext import StrOrPromise

from backoffice.kit.words import moment

BYTE_ORDER_MARK = "\ufeff"  # Without it Excel reads a CSV as Latin-1.

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # XML, and so XLSX, can't hold these.
# Spreadsheets skip white space before a formula, and some also read the full-width signs of East Asian keyboards.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


class Kind(Enum):
    """What a column's values are: a text, a whole number, integer cents, or a datetime. Any of them may be None."""

    TEXT = auto()
    NUMBER = auto()
    MONEY = auto()
    MOMENT = auto()


@dataclass(frozen=True)
class Column:
    heading: StrOrPromise
    kind: Kind
    read: Callable[[Any], Any]
    """The value of a row."""


@dataclass(frozen=True)
class Table:
    """What is in a list's files. `columns` is all that both forms know of the rows."""

    columns: tuple[Column, ...]
    groups: tuple[Column, ...]
    """The columns by which the summary counts rows and adds up the columns of money."""
    rows: Callable[[], QuerySet[Any]]
    """All rows, with the columns and joins that reading them needs."""

    def read(self, keys: Sequence[int]) -> list[Any]:
        """The rows with these primary keys, newest first."""
        return list(self.rows().filter(pk__in=list(keys)).order_by("-pk"))


@dataclass(frozen=True)
class _Style:
    """How spreadsheets of a language write things. `day` is strftime's, `cell` is Excel's."""

    delimiter: str
    point: str
    cell: str
    day: str


_STYLES = {
    "pt-br": _Style(";", ",", "dd/mm/yyyy hh:mm", "%d-%m-%Y"),
    "en": _Style(",", ".", "yyyy-mm-dd hh:mm", "%Y-%m-%d"),
}
_REAIS = "[$R$-416] #,##0.00"  # Excel shows the points and commas of its own language.


def _style() -> _Style:
    return _STYLES[get_language() or "pt-br"]


def day_in_name(day: date) -> str:
    """A day, for the name of a file, which can hold no slash."""
    return day.strftime(_style().day)


def harmless(value: Any) -> str:
    """The text for a cell. Some texts come from merchants and strangers, so one that a spreadsheet would take for a
    formula gets an apostrophe in front."""
    text = _ILLEGAL.sub("", str(value))
    return f"'{text}" if _FORMULA.match(text) else text


def _reais(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _headings(columns: Iterable[Column]) -> list[str]:
    return [capfirst(str(column.heading)) for column in columns]


# --- CSV -------------------------------------------------------------------------------------------------------------


def csv_head(table: Table) -> str:
    """What a CSV begins with: the byte order mark and the headings."""
    return BYTE_ORDER_MARK + _lines([_headings(table.columns)])


def csv_rows(table: Table, rows: Iterable[Any]) -> str:
    """A line for each row."""
    return _lines([_written(column, column.read(row)) for column in table.columns] for row in rows)


def _written(column: Column, value: Any) -> str:
    if value is None:
        return ""
    match column.kind:
        case Kind.MONEY:
            return str(_reais(value)).replace(".", _style().point)
        case Kind.MOMENT:
            return moment(value)
        case Kind.NUMBER:
            return str(value)
    return harmless(value)


def _lines(lines: Iterable[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=_style().delimiter).writerows(lines)
    return text.getvalue()


# --- XLSX ------------------------------------------------------------------------------------------------------------

_WIDTHS = {Kind.TEXT: 28, Kind.NUMBER: 16, Kind.MONEY: 18, Kind.MOMENT: 18}  # in characters


class Book:
    """An XLSX file: a sheet with the rows that are added, and one that sums them up. Use it in a `with`, which deletes
    what lies on the disk if it isn't saved."""

    def __init__(self, table: Table, title: str) -> None:
        from openpyxl import Workbook  # It takes 6 MB, and few processes ever need it.

        self._table = table
        self._count = Column(gettext("number"), Kind.NUMBER, len)
        self._sums = [column for column in table.columns if column.kind is Kind.MONEY]
        self._groups: list[dict[str, list[int]]] = [{} for _group in table.groups]
        self._cells: dict[Kind, Any] = {}
        self._book = Workbook(write_only=True)
        self._rows = self._sheet(title, table.columns)
        self._rows.freeze_panes = "A2"
        self._append_headings(self._rows, table.columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if not self._rows.closed:
            self._book.save(io.BytesIO())  # openpyxl has no other way to delete its temporary files.

    def add(self, rows: Iterable[Any]) -> None:
        for row in rows:
            values = [column.read(row) for column in self._table.columns]
            self._append(self._rows, self._table.columns, values)
            value_of = dict(zip(self._table.columns, values, strict=True))
            sums = [1, *(value_of[column] or 0 for column in self._sums)]
            for group, column in zip(self._groups, self._table.groups, strict=True):
                label = str(value_of[column] or "-")
                group[label] = _added(group.get(label, [0] * len(sums)), sums)

    def save(self) -> IO[bytes]:
        """The finished file, which lies on the disk until it is closed."""
        self._sum_up()
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        self._book.save(file)
        file.seek(0)
        return file

    def _sum_up(self) -> None:
        """A block for each group, with the largest first and the total last."""
        sheet = self._sheet(gettext("Summary"), (self._table.groups[0], self._count, *self._sums))
        for group_column, group in zip(self._table.groups, self._groups, strict=True):
            columns = (group_column, self._count, *self._sums)
            self._append_headings(sheet, columns)
            whole = [0] * (1 + len(self._sums))
            for label, sums in sorted(group.items(), key=lambda each: each[1], reverse=True):
                self._append(sheet, columns, [label, *sums])
                whole = _added(whole, sums)
            self._append(sheet, columns, [gettext("Total"), *whole])
            sheet.append([])

    def _sheet(self, title: str, columns: Iterable[Column]) -> Any:
        sheet = self._book.create_sheet(title)
        for number, column in enumerate(columns):
            sheet.column_dimensions["ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number]].width = _WIDTHS[column.kind]
        return sheet

    def _append_headings(self, sheet: Any, columns: Iterable[Column]) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font

        cells = [WriteOnlyCell(sheet, heading) for heading in _headings(columns)]
        for cell in cells:
            cell.font = Font(bold=True)
        sheet.append(cells)

    def _append(self, sheet: Any, columns: Sequence[Column], values: Sequence[Any]) -> None:
        """Add a line. openpyxl writes each cell as soon as the generator gives it, so that a cell may be used again."""
        sheet.append(self._cell(sheet, column.kind, value) for column, value in zip(columns, values, strict=True))

    def _cell(self, sheet: Any, kind: Kind, value: Any) -> Any:
        """The value, in a cell with a format if it needs one."""
        if value is None:
            return None
        match kind:
            case Kind.TEXT:
                return value if value == "-" else harmless(value)
            case Kind.NUMBER:
                return value
            case Kind.MONEY:
                value = _reais(value)
            case Kind.MOMENT:
                value = timezone.make_naive(value).replace(microsecond=0)  # Excel knows no time zones.
        cell = self._formatted(sheet, kind)
        cell.value = value
        return cell

    def _formatted(self, sheet: Any, kind: Kind) -> Any:
        from openpyxl.cell import WriteOnlyCell

        if kind not in self._cells:
            self._cells[kind] = WriteOnlyCell(sheet)
            self._cells[kind].number_format = _REAIS if kind is Kind.MONEY else _style().cell
        return self._cells[kind]


def _added(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]
