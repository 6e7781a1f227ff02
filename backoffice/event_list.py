"""The filters, colours and exported columns of the list of webhook events."""

from operator import attrgetter
from typing import Any

from django.db.models import F, Func, JSONField, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from backoffice.event_notes import explanation
from backoffice.kit.lists import searched
from backoffice.kit.tables import Column, Kind, Table
from orders.status import PAID_AND_KEPT
from webhooks import payload
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


def tone_of(event: WebhookEvent) -> str:
    """The colour of the event's outcome. An applied event is green only if it says that money is there."""
    if event.outcome == Outcome.APPLIED and payload.status_of(event.event) not in PAID_AND_KEPT:
        return "info"
    return OUTCOME_TONES[Outcome(event.outcome)]


_EVENT = Column(_("event"), Kind.TEXT, attrgetter("event"))
_OUTCOME = Column(_("outcome"), Kind.TEXT, lambda event: Outcome(event.outcome).label)
_MERCHANT = Column(_("merchant"), Kind.TEXT, attrgetter("installation"))
# The payload is left out of an exported file, as it holds personal data.
EXPORTED = Table(
    columns=(
        Column(_("number"), Kind.NUMBER, attrgetter("pk")),
        _EVENT,
        Column(_("event type"), Kind.TEXT, attrgetter("event_type")),
        Column(_("Appmax order id"), Kind.NUMBER, attrgetter("appmax_order_id")),
        _MERCHANT,
        _OUTCOME,
        Column(_("note"), Kind.TEXT, explanation),
        Column(_("received at"), Kind.MOMENT, attrgetter("created_at")),
        Column(_("processed at"), Kind.MOMENT, attrgetter("processed_at")),
    ),
    groups=(_OUTCOME, _EVENT, _MERCHANT),
    rows=lambda: WebhookEvent.objects.select_related("installation").defer(
        "payload", "installation__merchant_client_secret"
    ),
)


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


class OrderFilter(TextFilter):  # type: ignore[misc] # untyped
    """The events of one order, by Appmax's id. A text that is no id finds none."""

    title = _("Appmax order id")
    parameter_name = "order"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text, number = searched(self.value() or "")
        if not text:
            return queryset
        return queryset.none() if number is None else queryset.of_order(number)  # type: ignore[attr-defined]


def skeletons(pks: list[int]) -> dict[int, dict[str, Any]]:
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
