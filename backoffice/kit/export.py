"""Exports a list, as it is filtered, to CSV or XLSX."""

import csv
import re
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import structlog
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django_stubs_ext import StrOrPromise

from backoffice.kit.lists import ReadOnlyAdmin

log = structlog.stdlib.get_logger(__name__)

M = TypeVar("M", bound=Model)

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # XML, and so XLSX, can't hold these.
ROWS_AT_ONCE = 2000
# A whole XLSX file is made before its first byte can be sent. A CSV is sent row by row and has no limit.
MOST_ROWS_XLSX = 50_000
# Spreadsheets skip white space before a formula, and some also read the full-width signs of East Asian keyboards.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


class ExportableAdmin(ReadOnlyAdmin[M]):
    """A list that can be exported by those who have the model's export permission."""

    exported: Sequence[tuple[StrOrPromise, Callable[[Any], Any]]]
    """The file's columns: the heading, and a function that reads the value from a row."""

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.export_{self.opts.model_name}")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Add links to the files, which hold the list as it is filtered."""
        urls = [(form.upper(), f"{self._file_url(form)}?{request.GET.urlencode()}") for form in ("csv", "xlsx")]
        context = {"exports": urls if self.has_export_permission(request) else []}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export)
        return [
            path("export.<str:form>", view, name=f"{self.opts.app_label}_{self.opts.model_name}_export"),
            *super().get_urls(),
        ]

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """The list that the query string filters, newest row first. `form` is `csv` or `xlsx`."""
        if not (self.has_view_permission(request) and self.has_export_permission(request)):
            raise PermissionDenied
        if form not in ("csv", "xlsx"):
            raise Http404
        changelist = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        try:
            wanted = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{changelist}?{ERROR_FLAG}=1")
        if form == "xlsx" and wanted.order_by()[: MOST_ROWS_XLSX + 1].count() > MOST_ROWS_XLSX:
            message = gettext("An XLSX file holds %(most)s rows at most: narrow the list, or take the CSV.")
            messages.warning(request, message % {"most": MOST_ROWS_XLSX})
            return HttpResponseRedirect(f"{changelist}?{request.GET.urlencode()}")
        log.info("export.begun", model=self.opts.model_name, form=form, user=request.user.pk)
        name = f"{self.opts.model_name}-{timezone.localtime():%Y-%m-%d-%H%M}.{form}"
        lines = self._lines(wanted, self.get_queryset(request))
        if form == "xlsx":
            return FileResponse(_xlsx(lines), as_attachment=True, filename=name)
        return StreamingHttpResponse(
            _csv(lines),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _lines(self, wanted: QuerySet[M], rows: QuerySet[M]) -> Iterator[list[Any]]:
        """The headings, then the values of each row of `wanted`, newest first. `rows` is the query with the columns and
        joins that reading a row needs."""
        yield [str(heading) for heading, _ in self.exported]
        for batch in _batches(wanted, rows):
            for row in batch:
                yield [harmless(value(row)) for _, value in self.exported]

    def _file_url(self, form: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export", args=[form])


def harmless(value: Any) -> Any:
    """The value for a cell. Some texts come from merchants and strangers, so one that a spreadsheet would take for a
    formula gets an apostrophe in front."""
    if isinstance(value, bool | int | Decimal | datetime) or value is None:
        return value
    text = _ILLEGAL.sub("", str(value))
    return f"'{text}" if _FORMULA.match(text) else text


def _batches(wanted: QuerySet[Any], rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """The wanted rows in batches, newest first.

    1. One query reads the primary keys. Filtering anew for each batch could cost a scan or a sort each time.
    2. Each batch is read by primary key. The connection is given back before the batch is handed over, as the file may
       be downloaded slowly.
    """
    keys = array("q", wanted.order_by().values_list("pk", flat=True).iterator(chunk_size=20_000))
    keys = array("q", sorted(keys, reverse=True))
    for start in range(0, len(keys), ROWS_AT_ONCE):
        batch = list(rows.filter(pk__in=keys[start : start + ROWS_AT_ONCE].tolist()).order_by("-pk"))
        if not connection.in_atomic_block:
            connection.close()
        yield batch


class _Line:
    """A file for `csv.writer` that returns each line instead of storing it."""

    def write(self, text: str) -> str:
        return text


def _csv(lines: Iterable[list[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # Without a byte order mark Excel reads the file as Latin-1.
    for line in lines:
        yield writer.writerow(value.isoformat() if isinstance(value, datetime) else value for value in line)


def _xlsx(lines: Iterable[list[Any]]) -> Any:
    from openpyxl import Workbook  # It takes 6 MB, and few processes ever need it.

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in lines:
        # Excel knows no time zones.
        sheet.append([timezone.make_naive(value) if isinstance(value, datetime) else value for value in line])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    return file
