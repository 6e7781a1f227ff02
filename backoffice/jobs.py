"""The list and page of the worker's jobs, whose model is procrastinate's."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import admin as _registers_jobs  # noqa: F401
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import ConnectorException
from unfold.contrib.filters.admin import RadioFilter

from backoffice.kit.lists import ReadOnlyAdmin, action, display
from backoffice.kit.words import ago, badge, history

admin.site.unregister(ProcrastinateJob)  # The import above registered the library's own page, which ours replaces.
ProcrastinateJob._meta.verbose_name = _("job")
ProcrastinateJob._meta.verbose_name_plural = _("jobs")

TRIED_AGAIN = gettext_noop("Tried again by the worker")

_JOB_STATUSES = {
    "todo": _("To do"),
    "doing": _("Being done"),
    "failed": _("Failed"),
    "aborting": _("Being stopped"),
    "aborted": _("Stopped"),
    "cancelled": _("Cancelled"),
    "succeeded": _("Succeeded"),
}
TASKS = {
    "orders.ask_appmax": _("Ask Appmax the questions that are due"),
    "orders.ask_about_subscriptions": _("Ask Appmax about subscriptions"),
    "orders.put_overdue": _("Find orders that Appmax must be asked about"),
    "orders.forget_idempotency_keys": _("Forget old idempotency keys"),
    "installations.verify": _("Check new merchants' credentials"),
    "installations.try_refused": _("Try refused credentials once more"),
    "installations.forget_identities": _("Forget installations that were never completed"),
    "webhooks.handle_kept": _("Handle failed events again, and close those that waited too long"),
    "webhooks.strip_payloads": _("Strip personal data from old events"),
    "notifications.deliver": _("Deliver notifications to storefronts"),
    "notifications.forget": _("Forget old notifications"),
    "backoffice.refresh_merchants": _("Refresh the merchants' figures"),
    "webhooks.fill_shoppers": _("Look for shoppers and codes in new events"),
    "backoffice.mail_link": _("Mail a link to choose a password"),
    "backoffice.alert": _("Look for what alert rules tell of, and send it"),
    "backoffice.try_events": _("Try the events that staff have chosen"),
    "backoffice.make_exports": _("Write the long files that staff have asked for"),
    "backoffice.forget_exports": _("Delete staff's files that are older than a day"),
    "jobs.give_up_stalled": _("Give up jobs whose worker died"),
    "jobs.forget_failed": _("Forget old failed jobs"),
}
"""What each task does, for staff."""


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

    list_display = ("task", "status_badge", "what_next", "tries", "last_change")
    list_display_links = ("task",)
    list_filter = (JobStatusFilter,)
    ordering = ("-id",)
    readonly_fields = ("task", "status_badge", "what_next", "tries", "last_change", "planned", "arguments")
    fields = ("task", ("status_badge", "tries"), "what_next", ("last_change", "planned"), ("task_name", "arguments"))
    search_fields = ("task_name",)
    search_help_text = _("Part of a task's name")
    actions_detail = ("try_again",)

    def has_retry_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may try events again may have the worker do its jobs again."""
        return request.user.has_perm("webhooks.reprocess_webhookevent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcrastinateJob]:
        """Jobs with the time of their last change, and whether the same task is to be done in any case."""
        planned = ProcrastinateJob.objects.filter(status="todo", queueing_lock=OuterRef("queueing_lock"))
        jobs = super().get_queryset(request)
        return jobs.annotate(changed_at=Max("procrastinateevent__at"), is_planned=Exists(planned))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The job's page, without the button if it can do nothing."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        context = getattr(response, "context_data", {})
        if context.get("original") is not None and not _may_be_retried(context["original"]):
            context["actions_detail"] = []
        return response

    @display(description=_("task"))
    def task(self, job: ProcrastinateJob) -> str:
        return str(TASKS.get(job.task_name, job.task_name))

    @display(description=_("status"))
    def status_badge(self, job: ProcrastinateJob) -> str:
        tone = {"failed": "danger", "doing": "info", "todo": "warning"}.get(job.status, "default")
        return badge(str(_JOB_STATUSES.get(job.status, job.status)), tone)

    @display(description=_("what comes next"))
    def what_next(self, job: ProcrastinateJob) -> str:
        if job.status == "todo":
            return format_html(gettext("begins {when}"), when=ago(job.scheduled_at)) if job.scheduled_at else "-"
        if job.status != "failed":
            return "-"
        if _may_be_retried(job):
            return gettext("nothing, unless it is tried again; the log says why it failed")
        return gettext("the same task is planned already; the log says why it failed")

    @display(description=_("tries"))
    def tries(self, job: ProcrastinateJob) -> int:
        return job.attempts

    @display(description=_("last change"))
    def last_change(self, job: ProcrastinateJob) -> str:
        at = getattr(job, "changed_at", None)
        return ago(at) if at else "-"

    @display(description=_("planned for"))
    def planned(self, job: ProcrastinateJob) -> str:
        return ago(job.scheduled_at) if job.scheduled_at else "-"

    @display(description=_("arguments"))
    def arguments(self, job: ProcrastinateJob) -> str:
        return json.dumps(job.args)

    @action(description=_("Try again"), url_path="retry", icon="replay", permissions=["retry"])
    def try_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the worker do a failed job again."""
        job = self.found(request, object_id)
        back = reverse("admin:procrastinate_procrastinatejob_change", args=[job.pk])
        if not _may_be_retried(job):  # since its page was shown
            return HttpResponseRedirect(back)
        if request.method == "POST":
            try:
                with transaction.atomic():
                    app.job_manager.retry_job_by_id(job.pk, retry_at=timezone.now())
            except (ConnectorException, IntegrityError):  # Somebody else did, or the task has been planned meanwhile.
                self.message_user(request, gettext("The task is planned already."), messages.WARNING)
            else:
                self.log_change(request, job, history(TRIED_AGAIN))
                self.message_user(request, gettext("The worker does the job again."))
            return HttpResponseRedirect(back)
        return self.confirm(
            request,
            job,
            title=gettext("Try again?"),
            row_title=self.task(job),
            question=gettext("The worker does this job again, as soon as it can."),
            button=gettext("Try again"),
            back=back,
        )


def _may_be_retried(job: Any) -> bool:
    """Whether the job has failed, and its task isn't to be done in any case."""
    return job.status == "failed" and not job.is_planned
