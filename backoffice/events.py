"""The list and page of webhook events."""

import json
from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import F, Func, JSONField, QuerySet, Value
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from backoffice.event_notes import explanation
from backoffice.kit.export import ExportableAdmin
from backoffice.kit.lists import DateRangeFilter, action, display, searched
from backoffice.kit.words import ago, badge, history, lasted
from orders.models import Order
from webhooks import kept, payload, privacy
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

OUTCOME_TONES = {
    Outcome.APPLIED: "success",
    Outcome.IGNORED: "default",
    Outcome.ACKNOWLEDGED: "default",
    Outcome.DUPLICATE: "info",
    Outcome.REFUSED: "danger",
    Outcome.REFUTED: "danger",
    Outcome.SUPERSEDED: "default",
    Outcome.WAITING: "warning",
    Outcome.CLOSED: "danger",
    Outcome.FAILED: "danger",
}

HANDLED_AGAIN = gettext_noop("Handled again")


class OutcomeFilter(DropdownFilter):  # type: ignore[misc] # untyped
    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Outcomes that somebody should look into come first."""
        shown = (
            Outcome.WAITING,
            Outcome.FAILED,
            Outcome.APPLIED,
            Outcome.DUPLICATE,
            Outcome.IGNORED,
            Outcome.REFUSED,
            Outcome.REFUTED,
            Outcome.SUPERSEDED,
            Outcome.CLOSED,
            Outcome.ACKNOWLEDGED,
        )
        return [("unprocessed", _("Unprocessed")), *((outcome.value, outcome.label) for outcome in shown)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        """Each choice has an index of its own. An unknown value is ignored."""
        if self.value() == "unprocessed":
            return queryset.filter(processed=False)
        if self.value() in Outcome.values:
            return queryset.filter(outcome=self.value())
        return queryset


class EventFilter(DropdownFilter):  # type: ignore[misc] # untyped
    """The contract's events by their names in Pascal case. Each choice finds all spellings of its name."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, name) for name in payload.known_names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        return queryset.filter(event__in=payload.spellings(self.value() or "")) if self.value() else queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(ExportableAdmin[WebhookEvent]):
    """Webhook events and their outcomes."""

    list_display = ("id", "event", "outcome_badge", "appmax_order_id", "payload_model", "received", "delay", "note")
    list_display_links = ("id", "event")
    list_filter = (OutcomeFilter, EventFilter, ("created_at", DateRangeFilter))
    date_hierarchy = "created_at"
    search_fields = ("appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id, or an event's name")
    ordering = ("-created_at", "-pk")
    exported = (  # The payload is left out, as it holds personal data.
        (_("number"), attrgetter("pk")),
        (_("event"), attrgetter("event")),
        (_("event type"), attrgetter("event_type")),
        (_("Appmax order id"), attrgetter("appmax_order_id")),
        (_("outcome"), attrgetter("outcome")),
        (_("note"), attrgetter("error_message")),
        (_("received at"), attrgetter("created_at")),
        (_("processed at"), attrgetter("processed_at")),
    )
    actions = ("reprocess",)
    actions_detail = ("reprocess_one",)
    readonly_fields = ("outcome_badge", "note", "order", "delay", "payload_model", "shown_payload")
    fields = (
        ("event", "event_type", "payload_model"),
        ("outcome_badge", "note", "error_message"),
        ("source", "appmax_order_id", "order"),
        ("created_at", "processed_at", "delay"),
        "shown_payload",
    )

    def has_reprocess_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("webhooks.reprocess_webhookevent")

    # --- columns and fields ---

    @display(description=_("outcome"))
    def outcome_badge(self, event: WebhookEvent) -> str:
        return badge(event.get_outcome_display(), OUTCOME_TONES[Outcome(event.outcome)])

    @display(description=_("note"))
    def note(self, event: WebhookEvent) -> str:
        return explanation(event) or "-"

    @display(description=_("model"))
    def payload_model(self, event: WebhookEvent) -> str:
        """Appmax's model of payload, which can't be told once the payload has been stripped."""
        body: dict[str, Any] = getattr(event, "skeleton", None) or event.payload
        if "stripped" in body:
            return "-"
        return payload.model_of(body | {"event_type": event.event_type}).replace("_", " ")

    @display(description=_("received"))
    def received(self, event: WebhookEvent) -> str:
        return ago(event.created_at)

    @display(description=_("delay"))
    def delay(self, event: WebhookEvent) -> str:
        """The time from the arrival until the event was handled, or until now."""
        return lasted((event.processed_at or timezone.now()) - event.created_at)

    @display(description=_("order"))
    def order(self, event: WebhookEvent) -> str:
        if event.appmax_order_id is None:
            return "-"
        row = Order.objects.filter(appmax_order_id=event.appmax_order_id).only("status").first()
        if row is None:
            return "-"
        url = reverse("admin:orders_order_change", args=[row.pk])
        return format_html(
            '<a href="{}" class="text-link">{} ({})</a>', url, event.appmax_order_id, row.get_status_display()
        )

    @display(description=_("payload"))
    def shown_payload(self, event: WebhookEvent) -> str:
        """The payload, in which `get_object` may have masked personal data."""
        return format_html('<pre class="payload">{}</pre>', json.dumps(event.payload, indent=2, ensure_ascii=False))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> WebhookEvent | None:
        """The event. Personal data are masked unless the user may see them."""
        event = super().get_object(request, object_id, from_field)
        if event is not None and not request.user.has_perm("webhooks.view_personal_data"):
            event.payload = privacy.masked(event.payload)
        return event

    # --- actions ---

    @admin.action(description=_("Handle again"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> HttpResponse | None:
        """Ask for confirmation, then handle the events as the worker does. Each event's history tells the result."""
        events = list(queryset.filter(processed=False).order_by("pk"))
        if "confirmed" in request.POST or not events:
            self._handle_again(request, events)
            return None
        hidden = [(ACTION_CHECKBOX_NAME, event.pk) for event in events]
        back = reverse("admin:webhooks_webhookevent_changelist")
        return self._confirm(request, events, back, [*hidden, ("action", "reprocess"), ("confirmed", "yes")])

    @action(
        description=_("Handle again"),
        url_path="reprocess",
        icon="replay",
        permissions=["reprocess"],
    )
    def reprocess_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Does the same as `reprocess`, from an event's page."""
        event = self.found(request, object_id)
        back = reverse("admin:webhooks_webhookevent_change", args=[event.pk])
        events = [] if event.processed else [event]
        if request.method == "POST" or not events:
            self._handle_again(request, events)
            return HttpResponseRedirect(back)
        return self._confirm(request, events, back, [])

    def _confirm(
        self, request: HttpRequest, events: list[WebhookEvent], back: str, hidden: list[tuple[str, Any]]
    ) -> HttpResponse:
        return self.confirm(
            request,
            events[0],
            title=gettext("Handle again?"),
            row_title=gettext("%(count)s unprocessed") % {"count": len(events)},
            question=gettext(
                "These events are handled again now, as they would be by the worker. Appmax may be asked about their "
                "orders."
            ),
            rows=[
                f"#{event.pk} {event.event}, {event.appmax_order_id or '-'}: {explanation(event) or '-'}"
                for event in events
            ],
            hidden=hidden,
            button=gettext("Handle again"),
            back=back,
        )

    def _handle_again(self, request: HttpRequest, events: list[WebhookEvent]) -> None:
        if not events:
            self.message_user(request, gettext("None of these events is unprocessed."), messages.WARNING)
            return
        outcomes = kept.handle_now([event.pk for event in events])
        for event in events:
            event.refresh_from_db(fields=["processed", "error_message", "outcome"])
            self.log_change(request, event, history(HANDLED_AGAIN, event.outcome))
        came = ", ".join(f"{count} {Outcome(outcome).label}" for outcome, count in outcomes.items())
        count = len(events)
        message = ngettext(
            "%(count)s event was handled again: %(told)s", "%(count)s events were handled again: %(told)s", count
        )
        self.message_user(request, message % {"count": count, "told": came or "-"})

    # --- the list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """Payloads are big, so they are read on an event's page only."""
        return super().get_queryset(request).defer("payload")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's rows, with the keys of their payloads, which tell the model.

        A second query reads the keys of these rows only. The list's own query would read them of every row that it
        sorts.
        """
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        skeletons = _skeletons([row.pk for row in rows])
        for row in rows:
            row.skeleton = skeletons.get(row.pk)
        changelist.result_list = rows
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent], search_term: str
    ) -> tuple[QuerySet[WebhookEvent], bool]:
        """Look for an order's id, which has an index."""
        text, number = searched(search_term)
        if not text:
            return queryset, False
        if number is not None:
            return queryset.of_order(number), False  # type: ignore[attr-defined]
        return queryset.filter(event__in=payload.spellings(text)), False


def _skeletons(pks: list[int]) -> dict[int, dict[str, Any]]:
    """By primary key, the events' payloads reduced to the names of their members and of the members of `data`."""
    rows = WebhookEvent.objects.filter(pk__in=pks).annotate(names=_keys("$"), data_names=_keys("$.data"))
    return {
        pk: dict.fromkeys(names) | {"data": dict.fromkeys(data_names)}
        for pk, names, data_names in rows.values_list("pk", "names", "data_names")
    }


def _keys(path: str) -> Func:
    """The names of the members of the object at this path of the payload; none if it isn't an object."""
    return Func(
        F("payload"),
        Value(f"{path}.keyvalue().key"),
        Value("{}"),
        Value(True),
        template="jsonb_path_query_array(%(expressions)s)",
        output_field=JSONField(),
    )
