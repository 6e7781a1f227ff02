"""Staff's view of the evidence about orders: payment attempts, and the questions asked of Appmax."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.contrib.filters.admin import ChoicesDropdownFilter, MultipleChoicesDropdownFilter

from backoffice.kit.lists import DateRangeFilter, OneChoiceFilter, ReadOnlyAdmin, display
from backoffice.kit.words import ago, badge, in_words
from orders.models import AttemptState, Order, PaymentAttempt, StatusCheck
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
    """Evidence: each time Appmax was asked for money, and what became of it."""

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
        """Without the order's big column."""
        return super().get_queryset(request).select_related("order").defer("order__pix_qr_code")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PaymentAttempt], search_term: str
    ) -> tuple[QuerySet[PaymentAttempt], bool]:
        """Exact look-ups only; the order first, as its attempts have an index, and the keys one with their merchant."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit() and int(term) < 2**31:
            wanted = list(Order.objects.filter(appmax_order_id=int(term)).values_list("pk", flat=True))
            return queryset.filter(order__in=wanted), False
        return queryset.filter(idempotency_key=term.replace("\0", "")), False

    @display(description=_("state"))
    def state_badge(self, attempt: PaymentAttempt) -> str:
        """What became of it."""
        return badge(attempt.get_state_display(), ATTEMPT_TONES[AttemptState(attempt.state)])

    @display(description=_("started"))
    def started(self, attempt: PaymentAttempt) -> str:
        """How long ago."""
        return ago(attempt.started_at)


# What a StatusCheck may say: reconcile.py, attempts.py, webhooks/inbox.py and verify.py write it.
CHECK_NOTES = (
    gettext_noop("asked; no answer yet"),
    gettext_noop("attempt %(number)s was settled by hand: %(state)s"),
    gettext_noop("paid by card, and %(status)s by webhook at the same time"),
    gettext_noop("a payment began while Appmax said %(status)s"),
    gettext_noop("Appmax said %(said)s, while the order was %(status)s"),
    gettext_noop("Appmax disagrees: %(said)s, not %(status)s"),
    gettext_noop("a webhook that waited is not confirmed yet: %(event)s"),
    gettext_noop("a webhook is not confirmed yet"),
    gettext_noop("authorised, and then %(event)s"),
)


class FlaggedFilter(OneChoiceFilter):
    """Orders that Appmax couldn't be asked about, or of which it says something else."""

    title = _("flagged")
    parameter_name = "flagged"
    choice = ("yes", _("Flagged"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those with an error."""
        return queryset.filter(error_message__isnull=False)


@admin.register(StatusCheck)
class StatusCheckAdmin(ReadOnlyAdmin[StatusCheck]):
    """When Appmax was asked about which order; the flagged ones want a look."""

    list_display = ("order", "asked_at", "next_at", "times", "note")
    list_filter = (FlaggedFilter,)
    ordering = ("-pk",)
    readonly_fields = ("note",)
    fields = ("order", ("asked_at", "next_at"), "times", "note")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatusCheck]:
        """Without the order's big column."""
        return super().get_queryset(request).select_related("order").defer("order__pix_qr_code")

    @display(description=_("note"))
    def note(self, check: StatusCheck) -> str:
        """Why it is flagged."""
        return in_words(check.error_message, CHECK_NOTES, dict(OrderStatus.choices)) or "-"
