"""Exports a list, as it is filtered, to CSV or XLSX: at once, or by the worker if it is long."""

import calendar
from array import array
from collections.abc import Iterator, Sequence
from datetime import date
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
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext

from backoffice import exports, tasks
from backoffice.kit.lists import DateRangeFilter, ReadOnlyAdmin
from backoffice.kit.tables import Book, Table, csv_head, csv_rows, day_in_name

log = structlog.stdlib.get_logger(__name__)

M = TypeVar("M", bound=Model)

MOST_AT_ONCE = 5_000
"""Rows of a file that is made while its reader waits: 2.5 s for an XLSX. The worker makes longer ones."""
MOST = {"csv": 1_000_000, "xlsx": 50_000}
"""Rows of any file. A spreadsheet shows 1,048,576 at most, and an XLSX is made on a disk that may be small."""


class ExportableAdmin(ReadOnlyAdmin[M]):
    """A list that can be exported by those who have the model's export permission."""

    exported: Table

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.export_{self.opts.model_name}")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Add links to the files, which hold the list as it is filtered."""
        urls = [(form.upper(), f"{self._file_url(form)}?{request.GET.urlencode()}") for form in MOST]
        context = {"exports": urls if self.has_export_permission(request) else []}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export)
        return [
            path("export.<str:form>", view, name=f"{self.opts.app_label}_{self.opts.model_name}_export"),
            *super().get_urls(),
        ]

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """The list that the query string filters, newest row first. `form` is `csv` or `xlsx`.

        If the list is long, GET answers a page that asks whether the worker shall make the file, and POST has it made.
        """
        if not (self.has_view_permission(request) and self.has_export_permission(request)):
            raise PermissionDenied
        if form not in MOST:
            raise Http404
        changelist = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        back = f"{changelist}?{request.GET.urlencode()}"
        try:
            wanted = self.get_changelist_instance(request)
            keys = _keys(wanted.get_queryset(request), MOST[form] + 1)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{changelist}?{ERROR_FLAG}=1")
        if len(keys) > MOST[form]:
            self.message_user(request, _too_many(form), messages.WARNING)
            return HttpResponseRedirect(back)
        name = f"{_named(str(self.opts.verbose_name_plural), *_period(wanted, request))}.{form}"
        if len(keys) <= MOST_AT_ONCE:
            log.info("export.begun", model=self.opts.model_name, form=form, user=request.user.pk)
            return self._at_once(keys, form, name)
        if request.method == "POST":
            return self._by_the_worker(request, keys, form, name)
        return self._confirm(request, len(keys), name, back)

    def _at_once(self, keys: Sequence[int], form: str, name: str) -> HttpResponseBase:
        if form == "csv":
            return StreamingHttpResponse(
                _csv(self.exported, keys, get_language() or ""),
                content_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name)},
            )
        with Book(self.exported, capfirst(str(self.opts.verbose_name_plural))) as book:
            for rows in _batches(self.exported, keys):
                book.add(rows)
            return FileResponse(book.save(), as_attachment=True, filename=name)

    def _by_the_worker(self, request: HttpRequest, keys: Sequence[int], form: str, name: str) -> HttpResponseBase:
        export, is_new = exports.start(
            user=request.user,  # type: ignore[arg-type] # staff
            model=self.opts.label_lower,
            form=form,
            language=get_language() or "",
            file_name=name,
            keys=keys,
        )
        tasks.begin(tasks.make_exports)
        if not is_new:
            message = gettext("This file is still being made. Ask for the other one when it is finished.")
            self.message_user(request, message, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:backoffice_export_change", args=[export.pk]))

    def _confirm(self, request: HttpRequest, count: int, name: str, back: str) -> HttpResponseBase:
        rows = ngettext("%(count)s row", "%(count)s rows", count) % {"count": count}
        question = gettext(
            "That is a long file, so the worker makes it. A page shows how far it has come, and lets you download it "
            "for a day. Nobody else can."
        )
        return self.confirm(
            request,
            None,
            title=gettext("Have the file made?"),
            row_title=f"{name}: {rows}",
            question=question,
            button=gettext("Make the file"),
            back=back,
        )

    def _file_url(self, form: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export", args=[form])


def _too_many(form: str) -> str:
    if form == "xlsx":
        text = gettext("An XLSX file holds %(most)s rows at most: narrow the list, or take the CSV.")
    else:
        text = gettext("A file holds %(most)s rows at most, as no spreadsheet shows many more: narrow the list.")
    return text % {"most": MOST[form]}


# --- its rows --------------------------------------------------------------------------------------------------------


def _keys(wanted: QuerySet[Any], most: int) -> Sequence[int]:
    """The primary keys of the wanted rows, newest first. One query reads them all: filtering anew for each batch could
    cost a scan or a sort each time."""
    keys = wanted.order_by().values_list("pk", flat=True)[:most]
    return array("q", sorted(keys.iterator(chunk_size=20_000), reverse=True))


def _batches(table: Table, keys: Sequence[int]) -> Iterator[list[Any]]:
    """The rows with these keys. The connection is given back before a batch is handed over, as the file may be
    downloaded slowly."""
    for start in range(0, len(keys), exports.ROWS_AT_ONCE):
        rows = table.read(keys[start : start + exports.ROWS_AT_ONCE])
        if not connection.in_atomic_block:
            connection.close()
        yield rows


def _csv(table: Table, keys: Sequence[int], language: str) -> Iterator[str]:
    """The file, a batch of rows at a time, in the language of the request, which has ended by then."""
    with translation.override(language):
        head = csv_head(table)
    yield head
    for rows in _batches(table, keys):
        with translation.override(language):
            text = csv_rows(table, rows)
        yield text


# --- its name --------------------------------------------------------------------------------------------------------


def _period(changelist: Any, request: HttpRequest) -> tuple[date | None, date]:
    """The first and the last day of the filtered list, as far as its filter or its calendar says."""
    first = last = None
    for spec in changelist.filter_specs:
        if isinstance(spec, DateRangeFilter):
            first, last = spec.days()
    parts = [request.GET.get(f"{changelist.date_hierarchy}__{part}", "") for part in ("year", "month", "day")]
    if not (first or last) and parts[0].isdecimal():
        year, month, day = (int(part) if part.isdecimal() else 0 for part in parts)
        last_month = month or 12
        first = date(year, month or 1, day or 1)
        last = date(year, last_month, day or calendar.monthrange(year, last_month)[1])
    return first, last or timezone.localdate()


def _named(title: str, first: date | None, last: date) -> str:
    words = {"list": title, "first": first and day_in_name(first), "last": day_in_name(last)}
    if first is None:
        return gettext("%(list)s up to %(last)s") % words
    if first == last:
        return gettext("%(list)s of %(last)s") % words
    return gettext("%(list)s from %(first)s to %(last)s") % words
