"""The lists and pages of payment attempts, and of the questions that Appmax is asked."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, MultipleChoicesDropdownFilter

from backoffice.kit.lists import DateRangeFilter, OneChoiceFilter, ReadOnlyAdmin, display, searched
from backoffice.kit.words import ago, badge
from orders.models import AttemptState, Order, PaymentAttempt, Question
from orders.status import OrderStatus

ATTEMPT_TONES = {
    AttemptState.STARTED: "warning",
    AttemptState.UNKNOWN: "warning",
    AttemptState.SUCCEEDED: "success",
    AttemptState.DECLINED: "danger",
    AttemptState.FAILED: "default",
}


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(ReadOnlyAdmin[PaymentAttempt]):
    """Each attempt to charge a shopper, with its result."""

    list_display = ("id", "order", "method", "state_badge", "started", "settled_at")
    list_filter = (
        ("state", MultipleChoicesDropdownFilter),
        ("method", ChoicesDropdownFilter),
        ("started_at", DateRangeFilter),
    )
    search_fields = ("order__appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id, or the whole idempotency key")
    ordering = ("-started_at", "-pk")
    readonly_fields = ("state_badge",)
    fields = (
        ("order", "method"),
        ("state_badge", "restarted_from"),
        ("started_at", "settled_at"),
        "answer",
        "idempotency_key",
        "fingerprint",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentAttempt]:
        """The order's Pix image is big and not shown, so it isn't read."""
        return super().get_queryset(request).select_related("order").defer("order__pix_qr_code")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PaymentAttempt], search_term: str
    ) -> tuple[QuerySet[PaymentAttempt], bool]:
        """Look for an order's id or a whole idempotency key. Each has an index, so the search stays fast."""
        text, number = searched(search_term)
        if not text:
            return queryset, False
        if number is not None:
            wanted = list(Order.objects.filter(appmax_order_id=number).values_list("pk", flat=True))
            return queryset.filter(order__in=wanted), False
        return queryset.filter(idempotency_key=text), False

    @display(description=_("state"))
    def state_badge(self, attempt: PaymentAttempt) -> str:
        return badge(attempt.get_state_display(), ATTEMPT_TONES[AttemptState(attempt.state)])

    @display(description=_("started"))
    def started(self, attempt: PaymentAttempt) -> str:
        return ago(attempt.started_at)


class AskedInVainFilter(OneChoiceFilter):
    """Questions that Appmax was asked and that are still open."""

    title = _("asked in vain")
    parameter_name = "in_vain"
    choice = ("yes", _("Asked in vain"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(due_at__isnull=False, times__gt=0)


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin[Question]):
    """The questions about orders that Appmax is asked, with their reasons."""

    list_display = ("appmax_order_id", "why", "since", "asked_at", "due_at", "times", "said_status", "error")
    list_filter = (AskedInVainFilter, ("why", ChoicesDropdownFilter))
    ordering = ("-pk",)
    readonly_fields = ("order", "said_status")
    fields = (
        ("appmax_order_id", "order", "installation"),
        ("why", "since", "is_patient"),
        ("asked_at", "due_at", "times"),
        ("said_status", "error"),
        ("claims", "refuted", "refuted_at"),
    )

    @display(description=_("Appmax said"))
    def said_status(self, question: Question) -> str:
        """The status under the name that staff know."""
        return str(OrderStatus(question.said).label) if question.said in OrderStatus.values else question.said or "-"

    @display(description=_("order"))
    def order(self, question: Question) -> str:
        order = Order.objects.filter(appmax_order_id=question.appmax_order_id).only("status").first()
        if order is None:
            return "-"
        url = reverse("admin:orders_order_change", args=[order.pk])
        return format_html('<a href="{}" class="text-link">{}</a>', url, order.get_status_display())
