"""WebhookEvent: what Appmax told us, word for word, and what became of it."""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db import connection, models
from django.db.models import F, Q, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left, Lower, Replace
from django.db.models.lookups import In
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from psycopg.types.json import Jsonb

from webhooks import payload

# What became of an event is in `processed` and `error_message`: how the latter begins, or all of it.
DUPLICATE = "duplicate"
IGNORED = "ignored: "
UNKNOWN = "unknown event"
NOT_BELIEVED = "not believed: "
NOT_FOUND = "order not found"
FAILED = "processing failed: "

_HEAD = 9  # characters of error_message that tell these apart, for the index


class Outcome(models.TextChoices):
    """What became of an event."""

    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Ignored")  # it would have moved the order backwards
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")  # it means no status
    DUPLICATE = "duplicate", _("Duplicate")
    REFUSED = "refused", _("Not believed")
    WAITING = "waiting", _("Waiting")  # for its order, for Appmax's confirmation, or it names no order
    CLOSED = "closed", _("Order not found")  # it waited in vain
    FAILED = "failed", _("Failed")


_NOTES = {
    Outcome.DUPLICATE: DUPLICATE,
    Outcome.IGNORED: IGNORED,
    Outcome.REFUSED: NOT_BELIEVED,
    Outcome.CLOSED: NOT_FOUND,
    Outcome.ACKNOWLEDGED: UNKNOWN,
}


_HANDLED = """
    SELECT FROM webhook_events
     WHERE event = %(event)s AND appmax_order_id = %(order)s AND processed
       AND (error_message IS NULL OR NOT (error_message LIKE %(not_believed)s OR error_message = %(not_found)s))
     LIMIT 1
"""
# The row may be newer than what was read of it, if somebody else has just had it: `xmin` tells, and nothing is done.
_INSERT_IF_IT_MOVES = f"""
    WITH seen AS (
        SELECT id, xmin AS version FROM orders
         WHERE appmax_order_id = %(order)s AND status = ANY(%(before)s)
           AND NOT EXISTS ({_HANDLED})
           AND NOT EXISTS (SELECT FROM installations WHERE external_key = ANY(%(merchants)s)
                                                       AND installations.id <> orders.installation_id)
    ), moved AS (
        UPDATE orders SET status = %(status)s, updated_at = clock_timestamp()
          FROM seen WHERE orders.id = seen.id AND orders.xmin = seen.version
     RETURNING appmax_order_id
    )
    INSERT INTO webhook_events (event, event_type, appmax_order_id, payload, processed, processed_at)
    SELECT %(event)s, %(type)s, appmax_order_id, %(payload)s, true, clock_timestamp() FROM moved RETURNING id
"""  # noqa: S608 - a piece of our own # nosec B608
_IN_VAIN = {"not_believed": f"{NOT_BELIEVED}%", "not_found": NOT_FOUND}
_INSERT = """
    INSERT INTO webhook_events
           (event, event_type, appmax_order_id, payload, processed, processed_at, error_message)
    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    """Questions about events."""

    def waiting(self) -> "WebhookEventQuerySet":
        """Kept, but not handled yet: the order isn't there, or handling failed. Oldest first."""
        return self.filter(processed=False).order_by("pk")

    def latest_received(self) -> "WebhookEvent | None":
        """The event that came in last, without its payload."""
        return self.only("event", "appmax_order_id", "created_at").order_by("-pk").first()

    def was_handled(self, event: str, appmax_order_id: int) -> bool:
        """The seed's rule for duplicates: the same event of the same order has been processed before. One that was
        closed in vain doesn't stand in the way of the true one. In plain SQL, as each webhook asks."""
        with connection.cursor() as cursor:
            cursor.execute(_HANDLED, {"event": event, "order": appmax_order_id, **_IN_VAIN})
            return cursor.fetchone() is not None

    def waits_for(self, appmax_order_id: int) -> bool:
        """Whether anything does, as seldom; in plain SQL, as each new order asks."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM webhook_events WHERE appmax_order_id = %s AND NOT processed LIMIT 1", [appmax_order_id]
            )
            return bool(cursor.fetchone())

    def with_outcome(self, outcome: Outcome) -> "WebhookEventQuerySet":
        """Those whose `outcome` is this one; of the acknowledged ones, those that nobody knows."""
        if outcome is Outcome.FAILED:
            return self.filter(processed=False, error_message__startswith=FAILED)
        if outcome is Outcome.WAITING:
            return self.filter(processed=False).exclude(error_message__startswith=FAILED)
        if outcome is Outcome.APPLIED:
            name = Lower(Replace("event", Value("_"), Value("")))
            closed = self.filter(processed=True, error_message=None)
            return closed.alias(folded=name).exclude(folded__in=payload.acknowledged_events())
        noted = self.filter(processed=True, error_message__isnull=False)
        return noted.alias(head=Left("error_message", _HEAD)).filter(head=_NOTES[outcome][:_HEAD])

    def of_order(self, appmax_order_id: int) -> "WebhookEventQuerySet":
        """All events of an order: each half by the index that it has."""
        return self.filter(
            Q(appmax_order_id=appmax_order_id, processed=True) | Q(appmax_order_id=appmax_order_id, processed=False)
        )

    def with_merchants(self) -> "WebhookEventQuerySet":
        """Without the payload, but with what its envelope says of the merchant: `client_key`, `external_key`."""
        keys = {key: KeyTextTransform(key, "payload") for key in ("client_key", "external_key")}
        return self.annotate(**keys).defer("payload")


class WebhookEvent(models.Model):
    """Written once, then marked processed; there is no updated_at."""

    event = models.CharField(_("event"), max_length=64)
    event_type = models.CharField(_("event type"), max_length=32)
    appmax_order_id = models.IntegerField(_("Appmax order id"), null=True, blank=True)
    payload = models.JSONField(_("payload"))
    processed = models.BooleanField(_("processed"), db_default=False)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    error_message = models.TextField(_("error message"), null=True, blank=True)
    created_at = models.DateTimeField(_("received at"), db_default=TransactionNow(), editable=False)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        db_table = "webhook_events"
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        permissions = [
            ("reprocess_webhookevent", _("Can reprocess webhook events")),
            ("export_webhookevent", _("Can export webhook events")),
            ("view_personal_data", _("Can see personal data in payloads")),
            ("view_webhook_url", _("Can see the webhook URLs with their tokens")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(processed=True, processed_at__isnull=False) | Q(processed=False, processed_at__isnull=True),
                name="webhook_events_processed_has_time",
            )
        ]
        indexes = [
            # the duplicate rule, asked once per event
            models.Index(
                fields=["appmax_order_id", "event"],
                condition=Q(processed=True),
                name="webhook_events_handled",
            ),
            # what waits: for a new order; and for the drain and the admin's filter. Small, as little waits.
            models.Index(fields=["appmax_order_id"], condition=Q(processed=False), name="webhook_events_waiting"),
            models.Index(fields=["id"], condition=Q(processed=False), name="webhook_events_oldest_waiting"),
            # the back office's list and its filters, newest first; the figures per hour
            models.Index(fields=["created_at"], name="webhook_events_created_at"),
            models.Index(fields=["event", "created_at"], name="webhook_events_event"),
            models.Index(
                Left("error_message", _HEAD),
                F("event"),
                F("created_at"),
                condition=Q(processed=True, error_message__isnull=False),
                name="webhook_events_noted",
            ),
            # few: the planner takes them for many, and would look for them among all
            models.Index(
                fields=["created_at"],
                condition=Q(In(Left("error_message", _HEAD), [text[:_HEAD] for text in (NOT_BELIEVED, NOT_FOUND)]))
                & Q(processed=True, error_message__isnull=False),
                name="webhook_events_in_vain",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        note = self.error_message or ""
        if not self.processed:
            return Outcome.FAILED if note.startswith(FAILED) else Outcome.WAITING
        for outcome, text in _NOTES.items():
            if note.startswith(text):
                return outcome
        return Outcome.ACKNOWLEDGED if note or payload.status_of(self.event) is None else Outcome.APPLIED

    def close(self, note: str | None = None) -> None:
        """Handled; `note` says why it changed nothing, if so. Not saved."""
        self.processed = True
        self.processed_at = timezone.now()
        self.error_message = note or None

    def keep_waiting(self, reason: str) -> None:
        """Not handled; `reason` says what it waits for. Not saved."""
        self.processed = False
        self.processed_at = None
        self.error_message = reason

    def insert(self) -> None:
        """A new row, in plain SQL: each webhook is one."""
        columns: list[Any] = [self.event, self.event_type, self.appmax_order_id, Jsonb(self.payload)]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [*columns, self.processed, self.processed_at, self.error_message])
            [self.pk] = cursor.fetchone()
        self._state.adding = False

    def insert_if_it_moves(self, before: Sequence[str], status: str, merchants: Sequence[str]) -> bool:
        """Move the order to `status` if it is in one of `before`, is none of another merchant than `merchants`, and the
        event is no duplicate; and insert this row, closed. Says whether; if not, nothing has been done. Everything in
        one round trip: half the time of a webhook (docs/capacity.md)."""
        values: dict[str, Any] = {
            "event": self.event,
            "type": self.event_type,
            "order": self.appmax_order_id,
            "payload": Jsonb(self.payload),
            "status": status,
            "before": list(before),
            "merchants": list(merchants),
            **_IN_VAIN,
        }
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_IF_IT_MOVES, values)
            row = cursor.fetchone()
        if row is None:
            return False
        self.close()
        [self.pk] = row
        self._state.adding = False
        return True

    def save_outcome(self) -> Any:
        """Write what `close` or `keep_waiting` said of a row that is in the table already."""
        return self.save(update_fields=["processed", "processed_at", "error_message"])


class Retry(models.Model):
    """When an event that waits is looked at again. No row: at once."""

    event = models.OneToOneField(WebhookEvent, on_delete=models.CASCADE, primary_key=True, related_name="retry")
    next_at = models.DateTimeField()
    times = models.IntegerField()

    class Meta:
        db_table = "webhook_retries"

    def __str__(self) -> str:
        return f"{self.event_id} at {self.next_at:%Y-%m-%d %H:%M:%S}"


class Progress(models.Model):
    """How far a job that goes through the events in the order of their ids has come."""

    job = models.CharField(max_length=32, primary_key=True)
    position = models.BigIntegerField()  # the last id that needs no further look

    class Meta:
        db_table = "webhook_progress"

    def __str__(self) -> str:
        return f"{self.job}: {self.position}"

    @classmethod
    def of(cls, job: str) -> int:
        """The job's position; 0 at first."""
        return cls.objects.filter(job=job).values_list("position", flat=True).first() or 0

    @classmethod
    def advance(cls, job: str, position: int) -> None:
        """Never backwards, whoever was faster."""
        cls.objects.get_or_create(job=job, defaults={"position": 0})
        cls.objects.filter(job=job, position__lt=position).update(position=position)
