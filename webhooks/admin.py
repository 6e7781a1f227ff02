"""Staff's view of the inbox."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from checkout_project.admin import ReadOnlyAdmin
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
