"""The list and page of webhook events."""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from appmax.errors import AppmaxError
from backoffice import batches, event_notes, tasks
from backoffice.event_list import EXPORTED, EventFilter, OrderFilter, OutcomeFilter, skeletons, tone_of
from backoffice.event_notes import explanation, foretold, label_of
from backoffice.event_waits import arrange, order_of, wait_of
from backoffice.kit.export import ExportableAdmin
from backoffice.kit.lists import DateRangeFilter, RowFilter, action, display, searched
from backoffice.kit.words import ago, badge, explained, history, lasted
from webhooks import kept, payload, privacy, replay
from webhooks.models import WebhookEvent

REPLAYED = gettext_noop("Replayed")
NOT_REPLAYED = gettext_noop("Not replayed")
MOST_NAMES = 20  # of events, on the page that asks for confirmation


@admin.register(WebhookEvent)
class WebhookEventAdmin(ExportableAdmin[WebhookEvent]):
    """Webhook events and their outcomes. `arrange` gives each shown row its order, its wait and its payload's keys."""

    list_display = ("name", "outcome_badge", "order", "merchant", "received", "note")
    list_display_links = ("name",)
    list_filter = (
        OutcomeFilter,
        EventFilter,
        ("installation", RowFilter),
        OrderFilter,
        ("created_at", DateRangeFilter),
    )
    list_fullwidth = True
    date_hierarchy = "created_at"
    search_fields = ("appmax_order_id",)  # shows the box; get_search_results does the search
    search_help_text = _("Appmax order id, or an event's name")
    ordering = ("-created_at", "-pk")
    exported = EXPORTED
    actions = ("reprocess",)
    actions_list = ("reprocess_all", "batches")
    actions_detail = ("reprocess_one", "replay_one")

    def has_reprocess_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("webhooks.reprocess_webhookevent")

    def get_fields(self, request: HttpRequest, obj: WebhookEvent | None = None) -> Any:
        """A waiting event's page says why it waits, and a handled one's what a replay would change."""
        waiting = ("why", ("tried", "next_try"), "given_up_at")
        return (
            ("outcome_badge", "event"),
            ("order", "merchant"),
            *(waiting if obj and not obj.processed else ("note", "if_replayed")),
            ("created_at", "delay"),
            ("payload_model", "source"),
            "shown_payload",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEvent | None = None) -> Any:
        """The shown fields that are no columns of the table."""
        texts = ("why", "tried", "next_try", "given_up_at", "note", "if_replayed", "delay", "shown_payload")
        return ("outcome_badge", "order", "merchant", "payload_model", *texts)

    # --- columns and fields ---

    @display(description=_("event"), ordering=None)
    def name(self, event: WebhookEvent) -> str:
        return format_html(
            '<span class="whitespace-nowrap">{}</span><br><span class="font-normal text-font-subtle-light '
            'dark:text-font-subtle-dark whitespace-nowrap">#{} · {}</span>',
            event.event,
            event.pk,
            self.payload_model(event),
        )

    @display(description=_("outcome"))
    def outcome_badge(self, event: WebhookEvent) -> str:
        return badge(event.get_outcome_display(), tone_of(event))

    @display(description=_("note"))
    def note(self, event: WebhookEvent) -> str:
        """Why the event has its outcome. Of a waiting one, also how often it was tried, and when it is tried next."""
        if event.processed:
            return explanation(event) or "-"
        wait = wait_of(event)
        next_try = format_html(gettext("next try: {when}"), when=wait.next_try)
        return format_html('<div class="event-note">{}<br>{}; {}</div>', wait.why, capfirst(wait.tried), next_try)

    @display(description=_("why it waits"))
    def why(self, event: WebhookEvent) -> str:
        return wait_of(event).why

    @display(description=_("tries so far"))
    def tried(self, event: WebhookEvent) -> str:
        return wait_of(event).tried

    @display(description=_("next try"))
    def next_try(self, event: WebhookEvent) -> str:
        return wait_of(event).next_try

    @display(description=_("given up"))
    def given_up_at(self, event: WebhookEvent) -> str:
        at = wait_of(event).given_up_at
        return ago(at) if at else gettext("never")

    @display(description=_("if it came in now"))
    def if_replayed(self, event: WebhookEvent) -> str:
        """What handling it again would change."""
        return foretold(event.__dict__["foreseen"])

    @display(description=_("model"))
    def payload_model(self, event: WebhookEvent) -> str:
        """Appmax's model of payload, which can't be told once the payload has been stripped."""
        body: dict[str, Any] = getattr(event, "skeleton", None) or event.payload
        if "stripped" in body:
            return "-"
        return event_notes.model_in_words(payload.model_of(body | {"event_type": event.event_type}))

    @display(description=_("received"))
    def received(self, event: WebhookEvent) -> str:
        """When it came in, and how long it took until it was handled."""
        if not event.processed:
            return ago(event.created_at)
        return format_html(
            '{}<br><span class="text-font-subtle-light dark:text-font-subtle-dark">{}</span>',
            ago(event.created_at),
            gettext("handled after %(time)s") % {"time": self.delay(event)},
        )

    @display(description=_("delay"))
    def delay(self, event: WebhookEvent) -> str:
        """The time from the arrival until the event was handled, or until now."""
        return lasted((event.processed_at or timezone.now()) - event.created_at)

    @display(description=_("order"))
    def order(self, event: WebhookEvent) -> str:
        """Appmax's number, as a link if we have the order."""
        order = order_of(event)
        if order is None:
            return "-" if event.appmax_order_id is None else str(event.appmax_order_id)
        url = reverse("admin:orders_order_change", args=[order.pk])
        return format_html(
            '<a href="{}" class="text-link whitespace-nowrap">{}</a><br>{}',
            url,
            order.appmax_order_id,
            order.get_status_display(),
        )

    @display(description=_("merchant"))
    def merchant(self, event: WebhookEvent) -> str:
        order = order_of(event)
        merchant = order.installation if order else event.installation
        if merchant is None:
            return "-"
        url = reverse("admin:installations_installation_change", args=[merchant.pk])
        return format_html('<a href="{}" class="text-link">{}</a>', url, merchant)

    @display(description=_("payload"))
    def shown_payload(self, event: WebhookEvent) -> str:
        """The payload, in which `get_object` may have masked personal data."""
        return format_html('<pre class="payload">{}</pre>', json.dumps(event.payload, indent=2, ensure_ascii=False))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> WebhookEvent | None:
        """The event. Personal data are masked unless the user may see them."""
        event = super().get_object(request, object_id, from_field)
        if event is not None:
            arrange([event])
            event.__dict__["foreseen"] = replay.foresee(event) if event.processed else None
            if not request.user.has_perm("webhooks.view_personal_data"):
                event.payload = privacy.masked(event.payload)
        return event

    # --- trying unprocessed events ---

    @admin.action(description=_("Try now"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> HttpResponse | None:
        """Ask for confirmation, then have the worker try the chosen events that are unprocessed."""
        chosen = queryset.filter(processed=False)
        pks = _pks(chosen)
        if not pks:
            self.message_user(request, gettext("None of these events is unprocessed."), messages.WARNING)
            return None
        if "confirmed" in request.POST:
            return self._begin(request, pks)
        hidden: list[tuple[str, Any]] = [(ACTION_CHECKBOX_NAME, pk) for pk in pks]
        back = reverse("admin:webhooks_webhookevent_changelist")
        hidden += [("action", "reprocess"), ("confirmed", "yes")]
        return self._confirm_batch(request, chosen, pks, back, hidden)

    @action(description=_("Try all now"), url_path="reprocess-all", icon="replay", permissions=["reprocess"])
    def reprocess_all(self, request: HttpRequest) -> HttpResponse:
        """The same with all unprocessed events of the list, as the query string filters it."""
        list_url = f"{reverse('admin:webhooks_webhookevent_changelist')}?{request.GET.urlencode()}"
        try:
            chosen = self._filtered(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:webhooks_webhookevent_changelist"))
        pks = _pks(chosen)
        if not pks:  # The last one has been handled since the list was shown.
            return HttpResponseRedirect(list_url)
        if request.method == "POST":
            return self._begin(request, pks)
        return self._confirm_batch(request, chosen, pks, list_url, [])

    @action(description=_("Batches"), url_path="batches", icon="list")
    def batches(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:backoffice_eventbatch_changelist"))

    @action(description=_("Try now"), url_path="reprocess", icon="replay", permissions=["reprocess"])
    def reprocess_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Handle one event as the worker does, while its page is waited for."""
        event = self.found(request, object_id)
        back = reverse("admin:webhooks_webhookevent_change", args=[event.pk])
        if event.processed:  # since its page was shown
            return HttpResponseRedirect(back)
        if request.method == "POST":
            self._try(request, event)
            return HttpResponseRedirect(back)
        return self.confirm(
            request,
            event,
            title=gettext("Try now?"),
            row_title=f"#{event.pk} {event.event}",
            question=gettext("The event is handled now, as it would be by the worker. Appmax may be asked."),
            rows=[wait_of(event).why],
            button=gettext("Try now"),
            back=back,
        )

    def _try(self, request: HttpRequest, event: WebhookEvent) -> None:
        kept.handle_now([event.pk])
        event.refresh_from_db(fields=["processed", "outcome", "order_status", "error_message"])
        self.log_change(request, event, history(batches.TRIED, event.outcome))
        words = {"outcome": event.get_outcome_display(), "why": explanation(event)}
        if event.processed:
            self.message_user(request, (gettext("The event was handled: %(outcome)s. %(why)s") % words).strip())
        else:
            self.message_user(
                request, gettext("The event was tried, and is still unprocessed: %(why)s") % words, messages.WARNING
            )

    def _begin(self, request: HttpRequest, pks: list[int]) -> HttpResponse:
        batch = batches.start(pks, request.user)  # type: ignore[arg-type]
        tasks.begin(tasks.try_events)
        if batch.asked_by_id != request.user.pk:
            message = gettext("%(user)s has begun a batch already; your events are part of it.")
            self.message_user(request, message % {"user": batch.asked_by.get_username()})
        return HttpResponseRedirect(reverse("admin:backoffice_eventbatch_change", args=[batch.pk]))

    def _confirm_batch(
        self, request: HttpRequest, chosen: QuerySet[WebhookEvent], pks: list[int], back: str, hidden: list[Any]
    ) -> HttpResponse:
        names = chosen.order_by("event").values_list("event").annotate(count=Count("pk"))[:MOST_NAMES]
        count = ngettext("%(count)s unprocessed event", "%(count)s unprocessed events", len(pks))
        return self.confirm(
            request,
            chosen[0],
            title=gettext("Try now?"),
            row_title=count % {"count": len(pks)},
            question=gettext(
                "The worker tries these events now. Appmax may be asked about their orders, as far as its limits "
                "allow. A page shows how far it has come."
            ),
            rows=[f"{count} × {name}" for name, count in names],
            hidden=hidden,
            button=gettext("Try now"),
            back=back,
        )

    # --- replaying a handled event ---

    @action(description=_("Replay"), url_path="replay", icon="replay", permissions=["reprocess"])
    def replay_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what replaying the event would change, and do it after a confirmation."""
        event = self.found(request, object_id)
        back = reverse("admin:webhooks_webhookevent_change", args=[event.pk])
        foreseen = event.__dict__["foreseen"]
        if foreseen is None or not foreseen.changes_something:  # since its page was shown
            return HttpResponseRedirect(back)
        if request.method == "POST":
            self._replay(request, event)
            return HttpResponseRedirect(back)
        return self.confirm(
            request,
            event,
            title=gettext("Replay this event?"),
            row_title=f"#{event.pk} {event.event}, {event.appmax_order_id}",
            question=foretold(foreseen),
            button=gettext("Replay"),
            back=back,
        )

    def _replay(self, request: HttpRequest, event: WebhookEvent) -> None:
        try:
            before, after = replay.replay(WebhookEvent.objects.get(pk=event.pk))  # with its payload unmasked
        except AppmaxError as error:
            self.log_change(request, event, history(NOT_REPLAYED, type(error).__name__))
            self.message_user(request, explained(error), messages.ERROR)
            return
        self.log_change(request, event, history(REPLAYED, f"{before or '-'} → {after or '-'}"))
        if before == after:
            message = gettext("Appmax does not say so: the order stays %(status)s.")
            self.message_user(request, message % {"status": label_of(after)}, messages.WARNING)
        else:
            message = gettext("The order was %(before)s, and is %(after)s now.")
            self.message_user(request, message % {"before": label_of(before), "after": label_of(after)})

    # --- the list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """Payloads are big, so they are read on an event's page only."""
        events = super().get_queryset(request).select_related("installation")
        return events.defer("payload", "installation__merchant_client_secret")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's rows, with what is shown beside them. It is read for these rows only: the list's own query would
        read it of every row that it sorts."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = arrange(changelist.result_list)
        names = skeletons([row.pk for row in changelist.result_list])
        for row in changelist.result_list:
            row.__dict__["skeleton"] = names.get(row.pk)
        return changelist

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list. "Try all now" keeps its filters, and is there only if it has an unprocessed event."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", {})
        if "cl" in context:
            tries_all = reverse("admin:webhooks_webhookevent_reprocess_all")
            shown = context["cl"]
            seen = any(not event.processed for event in shown.result_list)
            has_some = seen or shown.queryset.filter(processed=False).exists()
            links = [link for link in context["actions_list"] if has_some or link["path"] != tries_all]
            for link in links:
                link["path"] += f"?{request.GET.urlencode()}" if link["path"] == tries_all else ""
            context["actions_list"] = links
        return response

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The event's page, with the one button that can do something, if there is one."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        context = getattr(response, "context_data", {})
        event = context.get("original")
        if event is not None:
            foreseen = event.__dict__["foreseen"]
            useful = set() if event.processed else {"reprocess_one"}
            useful |= {"replay_one"} if foreseen and foreseen.changes_something else set()
            paths = {reverse(f"admin:webhooks_webhookevent_{name}", args=[event.pk]) for name in useful}
            context["actions_detail"] = [link for link in context["actions_detail"] if link["path"] in paths]
        return response

    def action_checkbox(self, event: WebhookEvent) -> SafeString:
        """The box that chooses a row, if it can be tried."""
        return SafeString("") if event.processed else super().action_checkbox(event)

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

    def _filtered(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """The unprocessed events of the list. Raises IncorrectLookupParameters."""
        wanted: QuerySet[WebhookEvent] = self.get_changelist_instance(request).get_queryset(request)
        return wanted.filter(processed=False)


def _pks(events: QuerySet[WebhookEvent]) -> list[int]:
    """Their primary keys, oldest first, as many as can be tried at a time."""
    return list(events.order_by("pk").values_list("pk", flat=True)[: batches.MOST])
