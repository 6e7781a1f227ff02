"""Staff's view of the inbox."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from checkout_project.admin import ReadOnlyAdmin
from webhooks import waiting
from webhooks.models import WebhookEvent


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin[WebhookEvent]):
    """Unprocessed events are the first filter."""

    list_display = (
        "id",
        "event",
        "event_type",
        "appmax_order_id",
        "processed",
        "error_message",
        "created_at",
        "processed_at",
    )
    list_filter = ("processed", "created_at")
    search_fields = ("appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id, or the event's whole name")
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ("reprocess",)
    fields = (
        "event",
        "event_type",
        "appmax_order_id",
        "processed",
        "processed_at",
        "error_message",
        "created_at",
        "payload",
    )

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        """Whether this user may have events handled again."""
        return request.user.has_perm("webhooks.reprocess_webhookevent")

    @admin.action(description=_("Handle again"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> HttpResponse | None:
        """Asks for confirmation; then as the worker does, at once. What came of it goes into each event's history."""
        events = list(queryset.filter(processed=False).order_by("pk"))
        if not events:
            self.message_user(request, _now("None of these events is unprocessed."), messages.WARNING)
            return None
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": _now("Handle again?"),
                "events": events,
                "checkbox_name": ACTION_CHECKBOX_NAME,
                "opts": self.opts,
            }
            return render(request, "webhooks/reprocess.html", context)
        outcomes = waiting.process_all([event.pk for event in events])
        for event in events:
            event.refresh_from_db(fields=["processed", "error_message"])
            self.log_change(request, event, _history(event))
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        count = len(events)
        message = ngettext(
            "%(count)s event was handled again: %(told)s", "%(count)s events were handled again: %(told)s", count
        )
        self.message_user(request, message % {"count": count, "told": told or "-"})
        return None

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """The list doesn't read the payloads."""
        events = super().get_queryset(request)
        on_list = request.resolver_match is not None and str(request.resolver_match.url_name).endswith("_changelist")
        return events.defer("payload") if on_list else events

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent], search_term: str
    ) -> tuple[QuerySet[WebhookEvent], bool]:
        """Exact look-ups only."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit() and int(term) < 2**31:
            return queryset.filter(appmax_order_id=int(term)), False
        return queryset.filter(event=term), False


def _history(event: WebhookEvent) -> str:
    """What an event's history says of its repetition."""
    state = "processed" if event.processed else "unprocessed"
    return f"handled again: {state}" + (f", {event.error_message}" if event.error_message else "")
