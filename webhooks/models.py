"""WebhookEvent: what Appmax told us, word for word, and what became of it."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db import connection, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webhooks.decide import SET_ASIDE, UNPROCESSED, Decision, Outcome

HANDLED = Q(processed=True) & ~Q(outcome__in=SET_ASIDE)
"""What makes a later event of the same name and order a duplicate. It is told by what sets an event aside, so that a
row which somebody else marks as processed counts too."""


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    """Questions about events."""

    def waiting(self) -> "WebhookEventQuerySet":
        """Kept, but not handled yet: the order isn't there, Appmax hasn't confirmed it, or handling failed. Oldest
        first."""
        return self.filter(processed=False).order_by("pk")

    def latest_received(self) -> "WebhookEvent | None":
        """The event that came in last, without its payload."""
        return self.only("event", "appmax_order_id", "created_at").order_by("-pk").first()

    def waits_for(self, appmax_order_id: int) -> bool:
        """Whether anything does, as seldom."""
        return self.filter(appmax_order_id=appmax_order_id, processed=False).exists()

    def of_order(self, appmax_order_id: int) -> "WebhookEventQuerySet":
        """All events of an order: each half by the index that it has."""
        return self.filter(
            Q(appmax_order_id=appmax_order_id, processed=True) | Q(appmax_order_id=appmax_order_id, processed=False)
        )


class WebhookEvent(models.Model):
    """Written once, then marked processed; there is no updated_at."""

    event = models.CharField(_("event"), max_length=64)
    event_type = models.CharField(_("event type"), max_length=32)
    appmax_order_id = models.IntegerField(_("Appmax order id"), null=True, blank=True)
    payload = models.JSONField(_("payload"))
    processed = models.BooleanField(_("processed"), db_default=False)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    error_message = models.TextField(_("error message"), null=True, blank=True)  # prose: no code reads it
    outcome = models.CharField(
        _("outcome"), max_length=16, choices=Outcome.choices, db_default=Outcome.WAITING, editable=False
    )
    source = models.GenericIPAddressField(_("sent from"), null=True, blank=True, editable=False)
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
            ),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="webhook_events_outcome"),
            # the duplicate rule: the database decides which of two was first
            models.UniqueConstraint(
                fields=["appmax_order_id", "event"], condition=HANDLED, name="webhook_events_handled_once"
            ),
        ]
        indexes = [
            # an order's events, on its page and when Appmax contradicts some of them
            models.Index(fields=["appmax_order_id"], condition=Q(processed=True), name="webhook_events_of_order"),
            # what waits: for a new order; and for the worker and the admin's filter. Small, as little waits.
            models.Index(fields=["appmax_order_id"], condition=Q(processed=False), name="webhook_events_waiting"),
            models.Index(fields=["id"], condition=Q(processed=False), name="webhook_events_oldest_waiting"),
            # the back office's list and its filters, newest first; the figures per hour
            models.Index(fields=["created_at"], name="webhook_events_created_at"),
            models.Index(fields=["event", "created_at"], name="webhook_events_event"),
            models.Index(fields=["outcome", "event", "created_at"], name="webhook_events_outcome_event"),
            models.Index(fields=["outcome", "created_at"], name="webhook_events_outcome_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"

    def take(self, decision: Decision) -> None:
        """What has been decided about this event. Not saved."""
        self.outcome = decision.outcome
        self.error_message = decision.reason or None
        self.processed = decision.outcome not in UNPROCESSED
        self.processed_at = timezone.now() if self.processed else None

    def save_outcome(self) -> None:
        """Write what `take` said of a row that is in the table already."""
        self.save(update_fields=["processed", "processed_at", "error_message", "outcome"])


class ClaimSource(models.Model):
    """An address from which claims came that Appmax has refuted."""

    MANY = 3
    """So many refuted claims make an address suspect: one may be a read of Appmax's that lags behind its webhooks."""
    SUSPECT_FOR = timedelta(hours=1)

    address = models.GenericIPAddressField(primary_key=True)
    refuted = models.IntegerField()
    refuted_at = models.DateTimeField()

    class Meta:
        db_table = "webhook_claim_sources"

    def __str__(self) -> str:
        return self.address

    @classmethod
    def count_refuted(cls, address: str) -> None:
        """One more. What was long ago is forgotten."""
        values: dict[str, Any] = {"address": address, "forgotten": cls.SUSPECT_FOR}
        with connection.cursor() as cursor:
            cursor.execute(_COUNT_REFUTED, values)


_COUNT_REFUTED = """
    INSERT INTO webhook_claim_sources AS source (address, refuted, refuted_at)
    VALUES (%(address)s, 1, clock_timestamp())
        ON CONFLICT (address) DO UPDATE
       SET refuted = CASE WHEN source.refuted_at < clock_timestamp() - %(forgotten)s THEN 1 ELSE source.refuted + 1 END,
           refuted_at = clock_timestamp()
"""


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
