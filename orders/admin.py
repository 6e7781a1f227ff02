"""Staff's view of orders."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from checkout_project.admin import ReadOnlyAdmin
from orders.models import Order, PaymentAttempt, StatusCheck


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin[Order]):
    """Found by Appmax's order or customer id, or by the merchant's external key."""

    list_display = (
        "appmax_order_id",
        "status",
        "payment_method",
        "amount",
        "installation",
        "appmax_customer_id",
        "created_at",
        "updated_at",
    )
    list_filter = ("status", "payment_method", "created_at")
    list_select_related = ("installation",)
    search_fields = ("appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id, Appmax customer id, or a merchant's whole external key")
    ordering = ("-pk",)
    fields = (
        "appmax_order_id",
        "appmax_customer_id",
        "installation",
        "status",
        "payment_method",
        "amount",
        "pix_emv",
        "boleto_digitavel",
        "boleto_pdf_url",
        "upsell_hash",
        "created_at",
        "updated_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Without the big and the secret columns, which no list or page shows."""
        return Order.objects.with_merchant()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Exact look-ups, so that each can use an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(installation__external_key=term)
        if term.isascii() and term.isdigit() and int(term) < 2**31:
            wanted |= Q(appmax_order_id=int(term)) | Q(appmax_customer_id=int(term))
        return queryset.filter(wanted), False

    @admin.display(description=_("amount"), ordering="total_cents")
    def amount(self, order: Order) -> str:
        """The total as R$ 1.234,56."""
        reais, cents = divmod(order.total_cents, 100)
        return f"R$\u00a0{reais:,}".replace(",", ".") + f",{cents:02}"


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(ReadOnlyAdmin[PaymentAttempt]):
    """Evidence: each time Appmax was asked for money, and what became of it."""

    list_display = ("id", "order", "method", "state", "started_at", "settled_at")
    list_filter = ("state", "method", "started_at")
    list_select_related = ("order",)
    search_fields = ("order__appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id, or the whole idempotency key")
    ordering = ("-pk",)
    show_full_result_count = False
    fields = (
        "order",
        "method",
        "state",
        "answer",
        "restarted_from",
        "idempotency_key",
        "fingerprint",
        "started_at",
        "settled_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentAttempt]:
        """Without the order's big column."""
        return super().get_queryset(request).select_related("order").defer("order__pix_qr_code")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PaymentAttempt], search_term: str
    ) -> tuple[QuerySet[PaymentAttempt], bool]:
        """Exact look-ups only."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit() and int(term) < 2**31:
            return queryset.filter(order__appmax_order_id=int(term)), False
        return queryset.filter(idempotency_key=term), False


class FlaggedFilter(admin.SimpleListFilter):
    """Orders that Appmax couldn't be asked about, or of which it says something else."""

    title = _("flagged")
    parameter_name = "flagged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """One choice beside all."""
        return [("yes", _("Flagged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StatusCheck]) -> QuerySet[StatusCheck]:
        """Those with an error."""
        return queryset.filter(error_message__isnull=False) if self.value() == "yes" else queryset


@admin.register(StatusCheck)
class StatusCheckAdmin(ReadOnlyAdmin[StatusCheck]):
    """When Appmax was asked about which order; the flagged ones want a look."""

    list_display = ("order", "asked_at", "next_at", "times", "error_message")
    list_filter = (FlaggedFilter,)
    list_select_related = ("order",)
    ordering = ("-asked_at",)
    show_full_result_count = False
    fields = ("order", "asked_at", "next_at", "times", "error_message")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatusCheck]:
        """Without the order's big column."""
        return super().get_queryset(request).select_related("order").defer("order__pix_qr_code")
