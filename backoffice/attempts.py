"""The list and page of payment attempts."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    MultipleChoicesDropdownFilter,
)

from backoffice.attempt_words import name_of, said
from backoffice.declines import ReasonFilter
from backoffice.kit.lists import DateRangeFilter, ReadOnlyAdmin, RowFilter, display, searched
from backoffice.kit.words import ago, badge, lasted, when
from orders.models import Order, PaymentAttempt

_MERCHANT = "order__installation"
_KEYS = ("idempotency_key", "request_id", "fingerprint")


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(ReadOnlyAdmin[PaymentAttempt]):
    """Each attempt to charge a shopper, with its result."""

    list_display = ("number", "came_of_it", "order_link", "merchant", "started")
    list_display_links = ("number",)
    list_filter = (
        ("state", MultipleChoicesDropdownFilter),
        ("method", MultipleChoicesDropdownFilter),
        (_MERCHANT, RowFilter),
        ("started_at", DateRangeFilter),
        ReasonFilter,
    )
    search_fields = ("order__appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id, or the whole idempotency key")
    ordering = ("-started_at", "-pk")
    readonly_fields = ("came_of_it", "appmax_said", "order_link", "merchant", "sent", "settled", "technical")
    fieldsets = (
        (None, {"fields": (("came_of_it", "method"), "appmax_said", ("order_link", "merchant"), ("sent", "settled"))}),
        (
            _("Technical details"),
            {"classes": ("collapse",), "fields": ("restarted_from", "technical", *_KEYS)},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentAttempt]:
        """The big and the secret columns aren't shown, so they aren't read."""
        attempts = PaymentAttempt.objects.with_overtaken().select_related(_MERCHANT)
        return attempts.defer("order__pix_qr_code", f"{_MERCHANT}__merchant_client_secret")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Also the merchant, who is a column of the order's."""
        return lookup == f"{_MERCHANT}__id__exact" or super().lookup_allowed(lookup, value, request)

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

    @display(description=_("attempt"))
    def number(self, attempt: PaymentAttempt) -> str:
        return format_html('#{}<br><span class="whitespace-nowrap">{}</span>', attempt.pk, attempt.get_method_display())

    @display(description=_("what came of it"))
    def came_of_it(self, attempt: PaymentAttempt) -> str:
        named = name_of(attempt, attempt.order.status)
        return badge(named.words, named.tone)

    @display(description=_("Appmax said"))
    def appmax_said(self, attempt: PaymentAttempt) -> str:
        return said(attempt) or "-"

    @display(description=_("answer"))
    def technical(self, attempt: PaymentAttempt) -> str:
        """What else is kept of the answer, such as the HTTP status and the numbers that Appmax's support asks for."""
        answer = attempt.answer if isinstance(attempt.answer, dict) else {}
        rest = {name: value for name, value in answer.items() if name not in ("error", "message") and value}
        if not rest:
            return "-"
        return format_html('<pre class="payload">{}</pre>', json.dumps(rest, indent=2, ensure_ascii=False))

    @display(description=_("started"))
    def sent(self, attempt: PaymentAttempt) -> str:
        return when(attempt.started_at)

    @display(description=_("settled"))
    def settled(self, attempt: PaymentAttempt) -> str:
        return when(attempt.settled_at) if attempt.settled_at else "-"

    @display(description=_("order"))
    def order_link(self, attempt: PaymentAttempt) -> str:
        url = reverse("admin:orders_order_change", args=[attempt.order_id])
        return format_html('<a href="{}" class="text-link">{}</a>', url, attempt.order.appmax_order_id)

    @display(description=_("merchant"))
    def merchant(self, attempt: PaymentAttempt) -> str:
        url = reverse("admin:installations_installation_change", args=[attempt.order.installation_id])
        return format_html('<a href="{}" class="text-link">{}</a>', url, attempt.order.installation)

    @display(description=_("started"))
    def started(self, attempt: PaymentAttempt) -> str:
        """When it was sent to Appmax, and how long it took until its result was known."""
        if attempt.settled_at is None:
            return ago(attempt.started_at)
        time = lasted(attempt.settled_at - attempt.started_at)
        return format_html(
            '{}<br><span class="text-font-subtle-light dark:text-font-subtle-dark whitespace-nowrap">{}</span>',
            ago(attempt.started_at),
            gettext("settled after %(time)s") % {"time": time},
        )
