"""The list and page of messages to storefronts: what was sent, what was answered, and when it is tried next."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from backoffice.kit.lists import DateRangeFilter, ReadOnlyAdmin, action, display, searched
from backoffice.kit.words import ago, badge, history
from notifications import outbox
from notifications.models import Endpoint, Notification, State
from orders.models import Order

STATE_TONES = {State.WAITING: "warning", State.DELIVERED: "success", State.GIVEN_UP: "danger"}
LONGEST_TEXT = 300  # characters of one field of the data

SENT_AGAIN = gettext_noop("Sent again")


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin[Notification]):
    """Messages to storefronts: what was sent, what was answered, and when it is tried next."""

    list_display = ("id", "type", "order_number", "merchant", "state_badge", "tries", "answer", "made", "next_try")
    list_display_links = ("id", "type")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("endpoint", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = ("appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id")
    ordering = ("-pk",)
    actions_detail = ("send_again",)
    readonly_fields = ("order", "state_badge", "answer", "next_try", "shown_data")
    fields = (
        ("type", "is_again"),
        "message_id",
        ("endpoint", "order"),
        ("state_badge", "tries", "next_try"),
        ("created_at", "tried_at", "took_ms"),
        ("answer", "error"),
        "answer_text",
        "shown_data",
    )

    def has_send_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.send_notification")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """No secret is read."""
        rows = super().get_queryset(request).select_related("endpoint__installation")
        secrets = ("endpoint__secret", "endpoint__old_secret", "endpoint__installation__merchant_client_secret")
        return rows.defer(*secrets)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Notification], search_term: str
    ) -> tuple[QuerySet[Notification], bool]:
        """Look for an order's id, which has an index."""
        text, number = searched(search_term)
        if not text:
            return queryset, False
        return (queryset.none() if number is None else queryset.filter(appmax_order_id=number)), False

    @display(description=_("Appmax order id"))
    def order_number(self, notification: Notification) -> str:
        return str(notification.appmax_order_id or "-")

    @display(description=_("merchant"))
    def merchant(self, notification: Notification) -> str:
        return str(notification.endpoint.installation)

    @display(description=_("state"))
    def state_badge(self, notification: Notification) -> str:
        return badge(notification.get_state_display(), STATE_TONES[State(notification.state)])

    @display(description=_("answer"))
    def answer(self, notification: Notification) -> str:
        """The status of the last try, or why there was none."""
        return str(notification.answer_status or gettext(notification.error) or "-")

    @display(description=_("created"))
    def made(self, notification: Notification) -> str:
        return ago(notification.created_at)

    @display(description=_("next try"))
    def next_try(self, notification: Notification) -> str:
        return ago(notification.due_at) if notification.state == State.WAITING else "-"

    @display(description=_("order"))
    def order(self, notification: Notification) -> str:
        number = notification.appmax_order_id
        order = number and Order.objects.filter(appmax_order_id=number).only("status").first()
        if not order:
            return "-"
        url = reverse("admin:orders_order_change", args=[order.pk])
        return format_html('<a href="{}" class="text-link">{}</a>', url, number)

    @display(description=_("data"))
    def shown_data(self, notification: Notification) -> str:
        """What was told. A long text, such as the picture of a QR code, is cut."""
        text = json.dumps(_cut(notification.data), indent=2, ensure_ascii=False)
        return format_html('<pre class="payload">{}</pre>', text)

    @action(description=_("Send again"), url_path="send-again", icon="replay", permissions=["send"])
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the message sent once more."""
        notification = self.found(request, object_id)
        back = reverse("admin:notifications_notification_change", args=[notification.pk])
        if request.method != "POST":
            return self.confirm(
                request,
                notification,
                title=gettext("Send this message again?"),
                question=gettext(
                    "The storefront gets it once more, with the same number, by which it can tell that it has had it."
                ),
                button=gettext("Send again"),
                back=back,
            )
        again = outbox.send_again(notification)
        self.log_change(request, notification, history(SENT_AGAIN, f"#{again.pk}"))
        messages.success(request, gettext("The message is on its way once more."))
        return HttpResponseRedirect(messages_of(notification.endpoint))


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return Truncator(value).chars(LONGEST_TEXT) if isinstance(value, str) else value


def messages_of(endpoint: Endpoint) -> str:
    """The list of the endpoint's messages."""
    return f"{reverse('admin:notifications_notification_changelist')}?endpoint__id__exact={endpoint.pk}"
