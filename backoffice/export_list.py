"""The list and page of the long files that staff have asked for: how far each has come, and its download."""

from collections.abc import Iterator
from typing import Any

import structlog
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.exports import KEPT
from backoffice.kit.export import ExportableAdmin
from backoffice.kit.lists import ReadOnlyAdmin, display
from backoffice.kit.words import when
from backoffice.models import Export
from orders import clock

log = structlog.stdlib.get_logger(__name__)

_TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin[Export]):
    """The user's own files. Each is there for who may still export its list."""

    list_display = ("file_name", "asked", "state_in_words")
    fields = ("file_name", "asked", "state")
    readonly_fields = fields
    ordering = ("-pk",)

    class Media:
        js = ("backoffice/progress.js",)

    def has_view_permission(self, request: HttpRequest, obj: Export | None = None) -> bool:
        return any(page.has_export_permission(request) for page in self._exportable(obj))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        return super().get_queryset(request).filter(asked_by=request.user.pk).order_by("-pk")

    def get_urls(self) -> list[URLPattern]:
        progress, file = (self.admin_site.admin_view(view) for view in (self.progress_view, self.file_view))
        return [
            path("<int:pk>/progress/", progress, name="backoffice_export_progress"),
            path("<int:pk>/file/", file, name="backoffice_export_file"),
            *super().get_urls(),
        ]

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answers the progress alone, to the page's script."""
        export = self.found(request, str(pk))
        if not self.has_view_permission(request, export):
            return HttpResponse(status=403)
        return render(request, "backoffice/export_progress.html", _context(export))

    def file_view(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """The file. Raises Http404 if it isn't finished, or is a day old."""
        export = self.found(request, str(pk))
        if not self.has_view_permission(request, export):
            raise PermissionDenied
        if not _is_there(export):
            raise Http404
        log.info("export.taken", export=export.pk, model=export.model, form=export.form, user=request.user.pk)
        return StreamingHttpResponse(
            _content(export),
            content_type=_TYPES[export.form],
            headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=export.file_name)},
        )

    @display(description=_("asked for"))
    def asked(self, export: Export) -> str:
        return when(export.asked_at)

    @display(description=_("progress"))
    def state_in_words(self, export: Export) -> str:
        if export.has_failed:
            return gettext("failed")
        if export.finished_at is None:
            return gettext("%(done)s of %(total)s") % {"done": export.done, "total": export.total}
        if not _is_there(export):
            return gettext("deleted")
        url = reverse("admin:backoffice_export_file", args=[export.pk])
        return format_html('<a href="{}" class="text-link">{}</a>', url, gettext("Download"))

    @display(description=_("progress"))
    def state(self, export: Export) -> str:
        return render_to_string("backoffice/export_progress.html", _context(export))

    def _exportable(self, export: Export | None) -> Iterator[ExportableAdmin[Any]]:
        """The page of the file's list; without a file, those of all lists that can be exported."""
        for model, page in self.admin_site._registry.items():
            if isinstance(page, ExportableAdmin) and (export is None or export.model == model._meta.label_lower):
                yield page


def _is_there(export: Export) -> bool:
    """Whether it can be downloaded. The worker deletes what is a day old a little later."""
    is_finished = export.finished_at is not None and not export.has_failed
    return is_finished and export.finished_at + KEPT > clock.now()  # type: ignore[operator] # not None


def _content(export: Export) -> Iterator[bytes]:
    """The file, a part at a time. No connection is held while it is downloaded."""
    for number in range(export.parts.count()):
        content = bytes(export.parts.values_list("content", flat=True).get(number=number) or b"")
        if not connection.in_atomic_block:
            connection.close()
        yield content


def _context(export: Export) -> dict[str, Any]:
    late = (clock.now() - export.asked_at).total_seconds() > 30
    return {
        "export": export,
        "is_there": _is_there(export),
        "until": export.finished_at and export.finished_at + KEPT,
        "percent": 100 * export.done // max(export.total, 1),
        "is_late": export.leased_until is None and not export.done and late,
    }
