"""The list and page of the worker's jobs, whose model is procrastinate's."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import admin as _registers_jobs  # noqa: F401
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.contrib.filters.admin import RadioFilter

from backoffice.kit.lists import ReadOnlyAdmin, display
from backoffice.kit.words import ago, badge

admin.site.unregister(ProcrastinateJob)  # The import above registered the library's own page, which ours replaces.
ProcrastinateJob._meta.verbose_name = _("job")
ProcrastinateJob._meta.verbose_name_plural = _("jobs")

_JOB_STATUSES = {
    "todo": _("To do"),
    "doing": _("Being done"),
    "failed": _("Failed"),
    "aborting": _("Being stopped"),
    "aborted": _("Stopped"),
    "cancelled": _("Cancelled"),
    "succeeded": _("Succeeded"),
}


class JobStatusFilter(RadioFilter):  # type: ignore[misc] # untyped
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(_JOB_STATUSES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> QuerySet[ProcrastinateJob]:
        return queryset.filter(status=self.value()) if self.value() in _JOB_STATUSES else queryset


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnlyAdmin[ProcrastinateJob]):
    """Jobs that wait, run or have failed. Jobs that succeeded are deleted at once."""

    list_display = ("id", "task", "status_badge", "tries", "planned")
    list_display_links = ("id", "task")
    list_filter = (JobStatusFilter,)
    ordering = ("-id",)
    readonly_fields = ("task", "status_badge", "tries", "planned", "arguments")
    fields = (("id", "task"), ("status_badge", "tries", "planned"), "arguments")
    search_fields = ("task_name",)
    search_help_text = _("Part of a task's name")

    @display(description=_("task"))
    def task(self, job: ProcrastinateJob) -> str:
        return job.task_name

    @display(description=_("status"))
    def status_badge(self, job: ProcrastinateJob) -> str:
        tone = {"failed": "danger", "doing": "info", "todo": "warning"}.get(job.status, "default")
        return badge(str(_JOB_STATUSES.get(job.status, job.status)), tone)

    @display(description=_("tries"))
    def tries(self, job: ProcrastinateJob) -> int:
        return job.attempts

    @display(description=_("planned for"))
    def planned(self, job: ProcrastinateJob) -> str:
        return ago(job.scheduled_at) if job.scheduled_at else "-"

    @display(description=_("arguments"))
    def arguments(self, job: ProcrastinateJob) -> str:
        return json.dumps(job.args)
