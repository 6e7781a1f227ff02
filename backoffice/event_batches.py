"""The list and page of batches of events: who began one, how far it has come, and what came of its events."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.event_list import OUTCOME_TONES
from backoffice.kit.lists import ReadOnlyAdmin, display
from backoffice.kit.words import ago, badge, lasted
from backoffice.models import EventBatch
from orders import clock
from webhooks.decide import Outcome


@admin.register(EventBatch)
class EventBatchAdmin(ReadOnlyAdmin[EventBatch]):
    """Batches of events. They are begun in the list of events, so they have no permissions of their own."""

    list_display = ("begun", "asked_by", "progress", "came_of_it")
    ordering = ("-pk",)
    list_select_related = ("asked_by",)
    fields = ("asked_by", "asked_at", "state")
    readonly_fields = ("asked_by", "asked_at", "state")

    class Media:
        js = ("backoffice/progress.js",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("webhooks.view_webhookevent")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventBatch]:
        return super().get_queryset(request).order_by("-pk")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.progress_view)
        return [path("<int:pk>/progress/", view, name="backoffice_eventbatch_progress"), *super().get_urls()]

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answers the progress alone, to the page's script."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        return render(request, "backoffice/progress.html", self._context(self.found(request, str(pk))))

    @display(description=_("begun"))
    def begun(self, batch: EventBatch) -> str:
        return ago(batch.asked_at)

    @display(description=_("progress"))
    def progress(self, batch: EventBatch) -> str:
        return gettext("%(done)s of %(total)s") % {"done": batch.done, "total": batch.total}

    @display(description=_("outcomes"))
    def came_of_it(self, batch: EventBatch) -> str:
        return ", ".join(f"{count} {Outcome(name).label}" for name, count in batch.outcomes.items()) or "-"

    @display(description=_("progress"))
    def state(self, batch: EventBatch) -> str:
        return render_to_string("backoffice/progress.html", self._context(batch))

    def _context(self, batch: EventBatch) -> dict[str, Any]:
        """`meanwhile` counts events that somebody else had handled before their turn came."""
        now = clock.now()
        return {
            "batch": batch,
            "percent": 100 * batch.done // max(batch.total, 1),
            "outcomes": [
                (badge(str(Outcome(name).label), OUTCOME_TONES[Outcome(name)]), count)
                for name, count in batch.outcomes.items()
            ],
            "meanwhile": batch.done - sum(batch.outcomes.values()),
            "lasted": lasted((batch.finished_at or now) - batch.asked_at),
            "is_late": batch.leased_until is None and not batch.done and (now - batch.asked_at).total_seconds() > 30,
        }
