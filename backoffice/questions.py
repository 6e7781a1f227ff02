"""The list and page of the questions that Appmax is asked about orders."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from backoffice.kit.lists import OneChoiceFilter, ReadOnlyAdmin, display, searched
from backoffice.kit.words import ago, failure
from orders.models import Order, Question
from orders.status import OrderStatus


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

    list_display = ("number", "why", "merchant", "asked", "next_time", "came_of_it")
    list_display_links = ("number",)
    list_filter = (AskedInVainFilter, ("why", ChoicesDropdownFilter))
    ordering = ("-pk",)
    search_fields = ("appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id")
    readonly_fields = ("order", "merchant", "next_time", "came_of_it")
    fields = (
        ("appmax_order_id", "order", "merchant"),
        ("why", "since", "is_patient"),
        ("asked_at", "times", "next_time"),
        "came_of_it",
        ("claims", "refuted", "refuted_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        questions = super().get_queryset(request).select_related("installation")
        return questions.defer("installation__merchant_client_secret")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Question], search_term: str
    ) -> tuple[QuerySet[Question], bool]:
        """Look for an order's id, which has an index."""
        text, number = searched(search_term)
        if not text:
            return queryset, False
        return queryset.filter(appmax_order_id=number) if number is not None else queryset.none(), False

    @display(description=_("order"))
    def number(self, question: Question) -> int:
        return question.appmax_order_id

    @display(description=_("merchant"))
    def merchant(self, question: Question) -> str:
        url = reverse("admin:installations_installation_change", args=[question.installation_id])
        return format_html('<a href="{}" class="text-link">{}</a>', url, question.installation)

    @display(description=_("asked"))
    def asked(self, question: Question) -> str:
        """When Appmax was last asked, and how often for this reason."""
        if question.asked_at is None:
            return gettext("not yet")
        times = ngettext("once", "%(count)s times", question.times) % {"count": question.times}
        return format_html("{}<br>{}", ago(question.asked_at), times if question.times else "")

    @display(description=_("asked next"))
    def next_time(self, question: Question) -> str:
        if question.due_at is None:
            return gettext("no more: it is answered")
        return gettext("at any moment") if question.due_at <= timezone.now() else ago(question.due_at)

    @display(description=_("Appmax said"))
    def came_of_it(self, question: Question) -> str:
        """Appmax's last answer, or why there was none."""
        if question.error:
            return failure(question.error)
        return str(OrderStatus(question.said).label) if question.said in OrderStatus.values else question.said or "-"

    @display(description=_("order"))
    def order(self, question: Question) -> str:
        order = Order.objects.filter(appmax_order_id=question.appmax_order_id).only("status").first()
        if order is None:
            return "-"
        url = reverse("admin:orders_order_change", args=[order.pk])
        return format_html('<a href="{}" class="text-link">{}</a>', url, order.get_status_display())
