"""Subscription: a paid order that Appmax renews. SubscriptionQuestion: one that Appmax must be asked about."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.models import F, Func, OuterRef, Q, Value
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from installations.models import Installation
from orders.models.order import Order
from orders.models.question import TAKE, take_values


class SubscriptionStatus(models.TextChoices):
    ACTIVE = "ACTIVE", pgettext_lazy("subscription", "Active")
    PAUSED = "PAUSED", _("Paused")
    CANCELLED = "CANCELLED", pgettext_lazy("subscription", "Cancelled")


class Interval(models.TextChoices):
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")
    YEAR = "year", _("Year")


def _has_charge(number: Any) -> Q:
    charge = Func(JSONObject(order_id=number), function="jsonb_build_array", output_field=models.JSONField())
    return Q(charges__contains=charge)


def _is_about(order: Any, number: Any, installation: Any) -> Q:
    return Q(first_order=order) | Q(installation=installation) & _has_charge(number)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def with_merchant(self) -> "SubscriptionQuerySet":
        """Subscriptions with their installations and first orders. The merchant's secret is decrypted only when it is
        used."""
        rows = self.select_related("installation", "first_order")
        return rows.defer("installation__merchant_client_secret", "first_order__pix_qr_code")

    def charged_in(self, number: int) -> "SubscriptionQuerySet":
        """Those that have a charge with this order of Appmax's. An index finds them."""
        return self.filter(_has_charge(Value(number)))

    def about(self, order: Order) -> "SubscriptionQuerySet":
        """The subscriptions that the order is a part of: those that began with it, and the one that it is a charge
        of."""
        return self.filter(_is_about(order.pk, Value(order.appmax_order_id), order.installation_id))

    def about_each(self) -> "SubscriptionQuerySet":
        """The same of each order of the query that this one is a part of."""
        return self.filter(_is_about(OuterRef("pk"), OuterRef("appmax_order_id"), OuterRef("installation")))

    def of_customer(self, installation_id: int, appmax_customer_id: int) -> "SubscriptionQuerySet":
        """The customer's subscriptions that may still make an order."""
        theirs = self.filter(installation=installation_id, first_order__appmax_customer_id=appmax_customer_id)
        return theirs.exclude(status=SubscriptionStatus.CANCELLED)

    def locked(self, pk: int) -> "Subscription":
        """The subscription, locked until the transaction ends. Orders are locked before it. `no_key` lets others insert
        orders that refer to it meanwhile."""
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)


class Subscription(models.Model):
    """An order that Appmax renews by itself: each renewal is a new order of Appmax's. What is here is what Appmax has
    said last, and nothing of the shopper."""

    installation = models.ForeignKey(
        Installation,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("merchant"),
        db_index=False,  # subscriptions_installation serves
        db_comment="Owning installation",
    )
    appmax_subscription_id = models.IntegerField(
        _("Appmax subscription id"), unique=True, db_comment="Id of the subscription at Appmax; it has one row"
    )
    uuid = models.CharField(
        _("uuid"),
        max_length=64,
        default="",
        db_default="",
        blank=True,
        db_comment="Appmax's other id of it, told when it is made",
    )
    panel_url = models.TextField(
        _("shopper's page"),
        default="",
        db_default="",
        blank=True,
        db_comment="Appmax's page where the shopper looks after it, told when it is made",
    )
    first_order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="subscriptions",
        verbose_name=_("first order"),
        db_comment="The order that it began with; null: one that we don't have",
    )
    status = models.CharField(
        _("status"), max_length=16, choices=SubscriptionStatus.choices, db_comment="Status in Appmax's words"
    )
    interval = models.CharField(
        _("interval"),
        max_length=16,
        choices=Interval.choices,
        default="",
        db_default="",
        blank=True,
        db_comment="week, month or year; an empty text: Appmax has not said",
    )
    interval_count = models.IntegerField(
        _("number of intervals"), null=True, blank=True, db_comment="It is charged every so many intervals"
    )
    max_cycles = models.IntegerField(
        _("most cycles"),
        null=True,
        blank=True,
        db_comment="How often it is renewed at most; null: until it is cancelled",
    )
    completed_cycles = models.IntegerField(
        _("completed cycles"), null=True, blank=True, db_comment="How often it was renewed"
    )
    current_cycle = models.IntegerField(
        _("current cycle"), null=True, blank=True, db_comment="The cycle that is due next"
    )
    value_cents = models.IntegerField(
        _("value (cents)"), null=True, blank=True, db_comment="What its products cost each time, in cents"
    )
    freight_cents = models.IntegerField(
        _("freight (cents)"), null=True, blank=True, db_comment="What sending them costs each time, in cents"
    )
    next_charge_at = models.DateTimeField(
        _("next charge"), null=True, blank=True, db_comment="When it is charged next; null: Appmax has not said"
    )
    paused_until = models.DateTimeField(
        _("paused until"), null=True, blank=True, db_comment="When its pause ends; null: it has no known end"
    )
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True, db_comment="When it was cancelled")
    card_brand = models.CharField(
        _("card brand"),
        max_length=32,
        default="",
        db_default="",
        blank=True,
        db_comment="Brand of the card that is charged",
    )
    card_last_digits = models.CharField(
        _("card's last digits"),
        max_length=4,
        default="",
        db_default="",
        blank=True,
        db_comment="Last four digits of that card; no more of it is kept",
    )
    products = models.JSONField(
        _("products"), default=list, blank=True, db_comment="What is renewed: product_id, sku, name, quantity, price"
    )
    charges = models.JSONField(
        _("charges"),
        default=list,
        blank=True,
        encoder=DjangoJSONEncoder,
        db_comment="Its charges as Appmax lists them: cycle, order_id, charged_at, value in cents, status",
    )
    asked_at = models.DateTimeField(
        _("asked at"), null=True, blank=True, db_comment="When Appmax was last asked about it"
    )
    created_at = models.DateTimeField(
        _("created at"), db_default=TransactionNow(), editable=False, db_comment="When the row was made"
    )
    updated_at = models.DateTimeField(
        _("updated at"), db_default=TransactionNow(), auto_now=True, db_comment="When the row was last changed"
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        db_table = "subscriptions"
        db_table_comment = (
            "A paid order that Appmax renews: what Appmax has said of it last, and nothing of the shopper"
        )
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        indexes = [
            # for the back office's list, the newest first, with its filters
            models.Index(fields=["created_at"], name="subscriptions_created_at"),
            models.Index(fields=["status", "created_at"], name="subscriptions_status"),
            models.Index(fields=["installation", "created_at"], name="subscriptions_installation"),
            # for the order of a renewal, which is adopted
            GinIndex(fields=["charges"], opclasses=["jsonb_path_ops"], name="subscriptions_charges"),
            # for the worker, which asks about those that should have been charged
            models.Index(
                fields=["next_charge_at"], condition=Q(status=SubscriptionStatus.ACTIVE), name="subscriptions_due"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=SubscriptionStatus.values), name="subscriptions_known_status"
            ),
            models.CheckConstraint(
                condition=Q(interval__in=["", *Interval.values]), name="subscriptions_known_interval"
            ),
        ]
        permissions = [("manage_subscription", _("Can pause, reactivate and cancel subscriptions"))]

    def __str__(self) -> str:
        return str(self.appmax_subscription_id)

    def take(self, **said: Any) -> None:
        """Set the columns to what Appmax has said, without saving the row. What was cancelled stays so, as Appmax
        promises it."""
        if self.status == SubscriptionStatus.CANCELLED:
            said |= {"status": self.status, "cancelled_at": self.cancelled_at or said["cancelled_at"]}
        for name, value in said.items():
            setattr(self, name, value)


_PUT = """
    INSERT INTO subscription_questions AS q (installation_id, appmax_subscription_id, due_at)
    SELECT installation, number, clock_timestamp() + %(delay)s
      FROM unnest(%(installations)s::bigint[], %(numbers)s::integer[]) AS wanted (installation, number)
        ON CONFLICT (installation_id, appmax_subscription_id) DO UPDATE
       SET claims = q.claims + 1, due_at = least(q.due_at, excluded.due_at)
"""
"""One statement, so that a question which is answered at this moment isn't taken for one that is still to be asked."""
_TAKE = TAKE.format(table="subscription_questions", is_patient="true", first="")


class SubscriptionQuestionQuerySet(models.QuerySet["SubscriptionQuestion"]):
    def put(self, installation_id: int, number: int, *, after: timedelta = timedelta()) -> None:
        """Have the worker ask Appmax about the subscription with this id, with this merchant's credentials. However
        often one is put, it has one question."""
        self._put([(installation_id, number)], after)

    def put_all(self, subscriptions: "SubscriptionQuerySet", *, after: timedelta = timedelta()) -> int:
        """Have the worker ask Appmax about these; returns their number."""
        found = sorted(subscriptions.values_list("installation_id", "appmax_subscription_id"))
        self._put(found, after)  # in one order, so that no two wait for each other
        return len(found)

    def _put(self, wanted: list[tuple[int, int]], after: timedelta) -> None:
        values: dict[str, Any] = {
            "installations": [installation for installation, _number in wanted],
            "numbers": [number for _installation, number in wanted],
            "delay": after,
        }
        with connection.cursor() as cursor:
            cursor.execute(_PUT, values)

    def take(self) -> "SubscriptionQuestion | None":
        """The next question for this process, for which a token of its merchant's quota is taken, as for one about an
        order that may wait. None if none is due whose merchant has a token."""
        found = list(self.raw(_TAKE, take_values(None)))
        return found[0] if found else None


class SubscriptionQuestion(models.Model):
    """A subscription that Appmax must be asked about. The row is deleted when Appmax has answered."""

    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # subscription_questions_one serves
        db_comment="With whose credentials Appmax is asked",
    )
    appmax_subscription_id = models.IntegerField(
        db_comment="Id of the subscription at Appmax; there may be no row of ours"
    )
    due_at = models.DateTimeField(db_comment="When it is asked next")
    claims = models.IntegerField(db_default=1, db_comment="How often somebody wanted to know")
    times = models.IntegerField(db_default=0, db_comment="How often Appmax was asked")
    asked_at = models.DateTimeField(null=True, db_comment="When Appmax was last asked")

    objects = SubscriptionQuestionQuerySet.as_manager()

    class Meta:
        db_table = "subscription_questions"
        db_table_comment = "What Appmax is still to be asked about a subscription; deleted when it has answered"
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "appmax_subscription_id"], name="subscription_questions_one"
            ),
        ]
        indexes = [
            # the order in which questions are asked: first those never asked, then those asked longest ago
            models.Index(F("asked_at").asc(nulls_first=True), F("due_at"), name="subscription_questions_next"),
        ]

    def __str__(self) -> str:
        return str(self.appmax_subscription_id)
