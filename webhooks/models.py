"""WebhookEvent: an event as Appmax posted it, and its outcome. ClaimSource: an address that sent false ones."""

from datetime import timedelta

from django.contrib.postgres.functions import TransactionNow
from django.db import connection, models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from installations.models import Installation
from orders.status import OrderStatus
from webhooks.decide import SET_ASIDE, UNPROCESSED, Decision, Outcome

HANDLED = Q(processed=True) & ~Q(outcome__in=SET_ASIDE)
"""The events of which a later one of the same name and order is a duplicate. The condition names the outcomes that
don't count, so that a row which is marked as processed with plain SQL counts too."""


_WAITS_FOR = "SELECT EXISTS (SELECT FROM webhook_events WHERE appmax_order_id = %s AND NOT processed)"


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def waiting(self) -> "WebhookEventQuerySet":
        """Events that are kept and not handled yet, oldest first: we don't have the order, Appmax hasn't confirmed the
        event, or handling failed."""
        return self.filter(processed=False).order_by("pk")

    def latest_received(self) -> "WebhookEvent | None":
        """The event that came in last, without its payload."""
        return self.only("event", "appmax_order_id", "created_at").order_by("-pk").first()

    def waits_for(self, appmax_order_id: int) -> bool:
        """Whether an event waits for this order, which is rare. Each new order asks, and through the ORM it took six
        times as many calls."""
        with connection.cursor() as cursor:
            cursor.execute(_WAITS_FOR, [appmax_order_id])
            return bool(cursor.fetchone()[0])

    def of_order(self, appmax_order_id: int) -> "WebhookEventQuerySet":
        """All events of an order. The condition is split so that PostgreSQL can use the two partial indexes."""
        return self.filter(
            Q(appmax_order_id=appmax_order_id, processed=True) | Q(appmax_order_id=appmax_order_id, processed=False)
        )


class WebhookEvent(models.Model):
    """An event is written once and then marked processed, so there is no updated_at."""

    event = models.CharField(_("event"), max_length=64, db_comment="Event name, such as OrderPaid or order_paid")
    event_type = models.CharField(
        _("event type"),
        max_length=32,
        db_comment="Event category, such as order or subscription; empty if Appmax named none",
    )
    appmax_order_id = models.IntegerField(
        _("Appmax order id"),
        null=True,
        blank=True,
        db_comment="Id of the order at Appmax; null for events without an order",
    )
    # Without a foreign key in the database, as its check would lock the merchant's row once for each webhook.
    installation = models.ForeignKey(
        Installation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("merchant"),
        db_constraint=False,
        db_index=False,
        db_comment="The order's merchant, or without an order the merchant that the envelope names; null: unknown",
    )
    payload = models.JSONField(_("payload"), db_comment="Full webhook payload")
    processed = models.BooleanField(_("processed"), db_default=False, db_comment="Whether the event has been handled")
    processed_at = models.DateTimeField(
        _("processed at"), null=True, blank=True, db_comment="When the event was processed"
    )
    error_message = models.TextField(
        _("error message"),
        null=True,
        blank=True,
        db_comment="Details if processing failed, or why the event changed nothing: prose for people",
    )
    tries = models.IntegerField(
        _("failed tries"),
        db_default=0,
        editable=False,
        db_comment="How often handling it failed with an error of ours",
    )
    outcome = models.CharField(
        _("outcome"),
        max_length=16,
        choices=Outcome.choices,
        db_default=Outcome.WAITING,
        editable=False,
        db_comment="What became of the event",
    )
    order_status = models.CharField(
        _("order's status before"),
        max_length=32,
        choices=OrderStatus.choices,
        null=True,
        blank=True,
        editable=False,
        db_comment="The order's status when the outcome was decided; null: no order, or older than this column",
    )
    source = models.GenericIPAddressField(
        _("sent from"), null=True, blank=True, editable=False, db_comment="Address that the event was sent from"
    )
    created_at = models.DateTimeField(
        _("received at"), db_default=TransactionNow(), editable=False, db_comment="When the event was received"
    )

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        db_table = "webhook_events"
        db_table_comment = "An event as Appmax posted it, and what became of it"
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
            models.CheckConstraint(
                condition=Q(order_status__in=OrderStatus.values), name="webhook_events_known_order_status"
            ),
            # The duplicate rule: the database decides which of two events was first.
            models.UniqueConstraint(
                fields=["appmax_order_id", "event"], condition=HANDLED, name="webhook_events_handled_once"
            ),
        ]
        indexes = [
            # for an order's events, on its page and when Appmax contradicts some of them
            models.Index(fields=["appmax_order_id"], condition=Q(processed=True), name="webhook_events_of_order"),
            # for events that wait for a new order, and for the worker and the admin's filter; both indexes are small
            models.Index(fields=["appmax_order_id"], condition=Q(processed=False), name="webhook_events_waiting"),
            models.Index(fields=["id"], condition=Q(processed=False), name="webhook_events_oldest_waiting"),
            # for the back office's list, which shows the newest first, with its filters, and for its hourly figures
            models.Index(fields=["created_at"], name="webhook_events_created_at"),
            models.Index(fields=["event", "created_at"], name="webhook_events_event"),
            models.Index(fields=["outcome", "event", "created_at"], name="webhook_events_outcome_event"),
            models.Index(fields=["outcome", "created_at"], name="webhook_events_outcome_time"),
            # for a merchant's events, newest first
            models.Index(fields=["installation", "created_at"], name="webhook_events_of_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"

    def take(self, decision: Decision, order_status: OrderStatus | None, installation_id: int | None) -> None:
        """Set the columns that the decision is about, and the merchant if it is known, without saving the row.
        `order_status` is what the decision found."""
        self.installation_id = installation_id or self.installation_id
        self.outcome = decision.outcome
        self.order_status = order_status
        self.error_message = decision.reason or None
        self.processed = decision.outcome not in UNPROCESSED
        self.processed_at = timezone.now() if self.processed else None

    def save_outcome(self) -> None:
        """Write the columns that `take` has set."""
        self.save(
            update_fields=["installation", "processed", "processed_at", "error_message", "outcome", "order_status"]
        )


class ClaimSource(models.Model):
    """An address that sent claims which Appmax has refuted."""

    MANY = 3
    """So many refuted claims make an address suspect. A single one may come from a read at Appmax that lags behind its
    webhooks."""
    SUSPECT_FOR = timedelta(hours=1)

    address = models.GenericIPAddressField(primary_key=True, db_comment="Address that claims came from")
    refuted = models.IntegerField(db_comment="How many of its claims Appmax has refuted lately")
    refuted_at = models.DateTimeField(db_comment="When Appmax last refuted one")

    class Meta:
        db_table = "webhook_claim_sources"
        db_table_comment = "Addresses from which claims came that Appmax has refuted"

    def __str__(self) -> str:
        return self.address

    @classmethod
    def count_refuted(cls, address: str) -> None:
        """Count one more refuted claim. The count begins anew if the last one was SUSPECT_FOR ago."""
        cls.objects.get_or_create(address=address, defaults={"refuted": 0, "refuted_at": Now()})
        is_forgotten = When(refuted_at__lt=Now() - cls.SUSPECT_FOR, then=1)
        cls.objects.filter(address=address).update(
            refuted=Case(is_forgotten, default=F("refuted") + 1), refuted_at=Now()
        )


class Progress(models.Model):
    """The position of a job that goes through all events in the order of their ids."""

    job = models.CharField(max_length=32, primary_key=True, db_comment="Name of the job")
    position = models.BigIntegerField(db_comment="Id of the last event that needs no further look")

    class Meta:
        db_table = "webhook_progress"
        db_table_comment = "How far a job that goes through all events has come"

    def __str__(self) -> str:
        return f"{self.job}: {self.position}"

    @classmethod
    def of(cls, job: str) -> int:
        """The job's position; 0 at first."""
        return cls.objects.filter(job=job).values_list("position", flat=True).first() or 0

    @classmethod
    def advance(cls, job: str, position: int) -> None:
        """Move the position forwards. If another process was faster, it stays."""
        cls.objects.get_or_create(job=job, defaults={"position": 0})
        cls.objects.filter(job=job, position__lt=position).update(position=position)
