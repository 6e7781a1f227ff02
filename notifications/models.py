"""Where a storefront wants to be told, and what it is told: the outbox, which is also the log of deliveries."""

import base64
import secrets
import uuid
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from installations.fields import EncryptedTextField
from installations.models import Installation

OLD_SECRET_VALID = timedelta(days=1)
"""For so long after a rotation messages are signed with both secrets."""


class EventType(models.TextChoices):
    """What storefronts can be told. A type is never renamed, because merchants' programs compare it."""

    ORDER_CREATED = "order.created", "order.created"
    ORDER_STATUS_CHANGED = "order.status_changed", "order.status_changed"
    ORDER_PAID = "order.paid", "order.paid"
    PAYMENT_DECLINED = "payment.declined", "payment.declined"
    PAYMENT_UNKNOWN = "payment.unknown", "payment.unknown"
    REFUND_REQUESTED = "refund.requested", "refund.requested"
    REFUND_COMPLETED = "refund.completed", "refund.completed"
    CHARGEBACK_OPENED = "chargeback.opened", "chargeback.opened"
    CHARGEBACK_CLOSED = "chargeback.closed", "chargeback.closed"
    SUBSCRIPTION_CREATED = "subscription.created", "subscription.created"
    SUBSCRIPTION_RENEWED = "subscription.renewed", "subscription.renewed"
    SUBSCRIPTION_CHARGE_FAILED = "subscription.charge_failed", "subscription.charge_failed"
    SUBSCRIPTION_PAUSED = "subscription.paused", "subscription.paused"
    SUBSCRIPTION_REACTIVATED = "subscription.reactivated", "subscription.reactivated"
    SUBSCRIPTION_CANCELLED = "subscription.cancelled", "subscription.cancelled"


TEST = "test"
"""The type of a message that somebody has asked for. It goes to every endpoint, whatever it subscribes to."""


class DisabledWhy(models.TextChoices):
    BY_MERCHANT = "by_merchant", _("Switched off by the merchant")
    BY_STAFF = "by_staff", _("Switched off by staff")
    GONE = "gone", _("It answered 410: nobody wants it any more")
    FAILING = "failing", _("It has failed for five days")
    HANDED_OVER = "handed_over", _("The shop was connected to another Appmax account")
    DELETED = "deleted", _("Deleted")


class State(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    GIVEN_UP = "given_up", _("Given up")


def new_secret() -> str:
    """A signing secret as the Standard Webhooks specification writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def new_message_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


_LISTENING = "SELECT id, event_types FROM notification_endpoints WHERE installation_id = %s AND enabled ORDER BY id"


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def listening(self, installation_id: int) -> list[tuple[int, list[str]]]:
        """The ids of the installation's endpoints that are enabled, oldest first, each with the types of events that it
        wants. Each new order asks for them, and through the ORM it took seven times as many calls."""
        with connection.cursor() as cursor:
            cursor.execute(_LISTENING, [installation_id])
            return list(cursor.fetchall())

    def of(self, installation_id: int) -> "EndpointQuerySet":
        """The installation's endpoints, oldest first, without those that were deleted. Secrets are read and decrypted
        only when they are used."""
        kept = self.filter(installation=installation_id).exclude(disabled_why=DisabledWhy.DELETED)
        return kept.defer("secret", "old_secret").order_by("pk")


class Endpoint(models.Model):
    """A URL of a storefront's server that is told what becomes of the orders of an installation."""

    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("merchant"),
        db_index=False,  # notification_endpoints_enabled and _installation serve
        db_comment="Whose orders it is told of",
    )
    url = models.CharField(_("URL"), max_length=2000, db_comment="Where messages are posted to")
    event_types = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("event types"),
        default=list,
        blank=True,
        help_text=_("Empty: all of them, also those that come later"),
        db_comment="Which types of events it is told; empty: all of them",
    )
    secret = EncryptedTextField(
        _("secret"), db_comment="The secret that messages are signed with, encrypted with FIELD_ENCRYPTION_KEYS"
    )
    old_secret = EncryptedTextField(
        _("secret before"),
        default="",
        db_comment="The secret before it, encrypted, with which messages are signed too; an empty text: none",
    )
    old_secret_until = models.DateTimeField(
        _("secret before, valid until"), null=True, db_comment="Until when they are signed with the secret before"
    )
    enabled = models.BooleanField(_("enabled"), default=True, db_comment="Whether anything is told to it")
    disabled_why = models.CharField(
        _("switched off because"),
        max_length=16,
        choices=DisabledWhy.choices,
        blank=True,
        db_default="",
        db_comment="Why it is switched off, if it is",
    )
    failures = models.IntegerField(
        _("failures in a row"), db_default=0, db_comment="How many deliveries have failed since one was taken"
    )
    failing_since = models.DateTimeField(
        _("failing since"), null=True, blank=True, db_comment="Since when every delivery has failed; null: none has"
    )
    held_until = models.DateTimeField(
        _("left alone until"), null=True, blank=True, db_comment="Nothing is sent to it until then, as it fails"
    )
    created_at = models.DateTimeField(
        _("created at"), db_default=TransactionNow(), editable=False, db_comment="When it was registered"
    )
    updated_at = models.DateTimeField(
        _("updated at"), db_default=TransactionNow(), auto_now=True, db_comment="When its settings were last changed"
    )

    objects = EndpointQuerySet.as_manager()

    class Meta:
        db_table = "notification_endpoints"
        db_table_comment = "A URL of a storefront's server that is told what becomes of an installation's orders"
        verbose_name = _("endpoint of a storefront")
        verbose_name_plural = _("endpoints of storefronts")
        indexes = [
            models.Index(fields=["installation"], name="notification_endpoints_inst"),
            # asked by each webhook that moves an order
            models.Index(fields=["installation"], condition=Q(enabled=True), name="notification_endpoints_enabled"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(enabled=True, disabled_why="") | Q(enabled=False, disabled_why__in=DisabledWhy.values),
                name="notification_endpoints_off_has_reason",
            ),
        ]
        permissions = [("manage_endpoint", _("Can manage endpoints of storefronts"))]

    def __str__(self) -> str:
        return self.url


class Notification(models.Model):
    """A message for one endpoint. The row is written in the transaction of what it tells of, and stays as the log of
    its delivery."""

    endpoint = models.ForeignKey(
        Endpoint,
        on_delete=models.CASCADE,
        related_name="notifications",
        verbose_name=_("endpoint"),
        db_index=False,  # notifications_endpoint serves
        db_comment="Whom it is for",
    )
    message_id = models.CharField(
        _("message id"),
        max_length=64,
        default=new_message_id,
        db_comment="webhook-id: the same for each endpoint and each try",
    )
    type = models.CharField(_("type"), max_length=64, db_comment="What it tells: order.paid, ...")
    appmax_order_id = models.IntegerField(
        _("Appmax order id"), null=True, blank=True, db_comment="Id at Appmax of the order it is about; null: a test"
    )
    data = models.JSONField(
        _("data"), db_comment="What is told: the order as its route answered at that moment, without card data"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False, db_comment="When it happened")
    is_again = models.BooleanField(
        _("sent again"), default=False, db_comment="Whether somebody had it sent again; it waits for no other message"
    )
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=State.choices,
        default=State.WAITING,
        db_comment="What became of it: waiting, delivered or given_up",
    )
    tries = models.SmallIntegerField(_("tries"), db_default=0, db_comment="How often it was sent, this time included")
    due_at = models.DateTimeField(_("next try at"), db_default=Now(), db_comment="When it is sent next, while it waits")
    leased_until = models.DateTimeField(
        _("being sent until"), null=True, blank=True, db_comment="Until when a worker has it, which is sending it"
    )
    tried_at = models.DateTimeField(_("last try at"), null=True, blank=True, db_comment="When it was last sent")
    took_ms = models.IntegerField(
        _("last try took (ms)"), null=True, blank=True, db_comment="How long the last try took, in milliseconds"
    )
    answer_status = models.SmallIntegerField(
        _("answer"), null=True, blank=True, db_comment="HTTP status of the last try; null: there was no answer"
    )
    answer_text = models.TextField(
        _("answer's text"), blank=True, db_default="", db_comment="The first 500 characters of that answer"
    )
    error = models.CharField(
        _("failure"),
        max_length=200,
        blank=True,
        db_default="",
        db_comment="Why there was no answer: the kind of failure, or why the URL is not allowed",
    )

    class Meta:
        db_table = "notifications"
        db_table_comment = "A message for a storefront: the outbox, and the log of its delivery"
        verbose_name = _("message to a storefront")
        verbose_name_plural = _("messages to storefronts")
        indexes = [
            # what is to be sent next, and what it has to wait for
            models.Index(fields=["endpoint", "due_at"], condition=Q(state=State.WAITING), name="notifications_due"),
            models.Index(
                fields=["endpoint", "appmax_order_id", "id"],
                condition=Q(state=State.WAITING),
                name="notifications_waiting",
            ),
            # the log of an endpoint, and of an order, the newest first
            models.Index(fields=["endpoint", "id"], name="notifications_endpoint"),
            models.Index(fields=["appmax_order_id"], name="notifications_order"),
            # what is given up, which is counted, and what is old, which is deleted
            models.Index(fields=["created_at", "state"], name="notifications_created_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="notifications_known_state"),
        ]
        permissions = [("send_notification", _("Can send messages to storefronts again, and tests"))]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"
