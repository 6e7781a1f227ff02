"""WebhookEvent: what Appmax told us, word for word, and what became of it."""

from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    """Questions about events."""

    def waiting(self) -> "WebhookEventQuerySet":
        """Kept, but not handled yet: the order isn't there, or handling failed. Oldest first."""
        return self.filter(processed=False).order_by("pk")

    def handled(self, event: str, appmax_order_id: int) -> "WebhookEventQuerySet":
        """The seed's rule for duplicates: the same event of the same order has been processed before."""
        return self.filter(event=event, appmax_order_id=appmax_order_id, processed=True)


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
            # what waits: for a new order, for the drain, for the admin's filter; small, as little waits
            models.Index(fields=["appmax_order_id"], condition=Q(processed=False), name="webhook_events_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"

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

    def save_outcome(self) -> Any:
        """Write what `close` or `keep_waiting` said of a row that is in the table already."""
        return self.save(update_fields=["processed", "processed_at", "error_message"])
