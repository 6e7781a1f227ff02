"""Order: what was sold through us, one row per Appmax order."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.contrib.postgres.functions import TransactionNow
from django.db import connection, models
from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce, Now
from django.db.transaction import TransactionManagementError
from django.utils.translation import gettext_lazy as _

from installations.models import Installation
from observability.middleware import current_request_id
from orders.status import (
    GONE,
    OPEN_REFUNDS,
    PAID_AND_KEPT,
    UNDECIDED,
    OrderStatus,
    PaymentMethod,
    RefundState,
    is_paid,
)

_LOCK_CLASS = 0x0A99  # the first number of the advisory locks for Appmax's orders


_CODES: dict[str, tuple[str, ...]] = {
    PaymentMethod.PIX: ("pix_emv",),
    PaymentMethod.BOLETO: ("boleto_digitavel", "boleto_pdf_url"),
}
"""With one of these the shopper can pay. Each method of PAID_LATER has some."""

_BESIDE_CODES: dict[str, tuple[str, ...]] = {
    PaymentMethod.PIX: ("pix_qr_code", "pix_expires_at"),
    PaymentMethod.BOLETO: ("boleto_due_date",),
}


STATUS_OF = "(SELECT status FROM orders WHERE appmax_order_id = %(order)s AND installation_id = installations.id)"
"""The status of an order as a column of a statement about its merchant. Storefronts ask it more often than anything
else, so it is read together with their key: one statement instead of two."""


# A payment makes two of these statements. Through the ORM they took six times as many calls, a seventh of all.
_LOCK_NUMBER = "SELECT pg_advisory_xact_lock(%s, %s)"
_INSERTED = f"""
    WITH number AS MATERIALIZED ({_LOCK_NUMBER})
    INSERT INTO orders (installation_id, appmax_customer_id, appmax_order_id, total_cents, request_id)
    SELECT %s, %s, %s, %s, %s FROM number
    ON CONFLICT (appmax_order_id) DO NOTHING RETURNING {{columns}}
"""  # noqa: S608 - a fixed text # nosec B608
_LOCKED = "SELECT {columns} FROM orders WHERE id = %s FOR NO KEY UPDATE"
_PAID = "UPDATE orders SET {news}, updated_at = clock_timestamp() WHERE id = %s RETURNING {columns}"


class OrderQuerySet(models.QuerySet["Order"]):
    def insert(
        self, installation: Installation, *, appmax_customer_id: int, appmax_order_id: int, total_cents: int
    ) -> "Order | None":
        """A new order, which is pendente and of which nothing has been paid; None if we have an order with this number.
        Either way the number is locked first, as by `lock_appmax_order`."""
        values = [installation.pk, appmax_customer_id, appmax_order_id, total_cents, current_request_id()]
        try:
            order = self._returned_by(_INSERTED, [_LOCK_CLASS, appmax_order_id, *values])
        except self.model.DoesNotExist:
            return None
        order.installation = installation
        return order

    def lock_appmax_order(self, appmax_order_id: int) -> None:
        """Lock the number of an Appmax order until the transaction ends.

        An order without a row yet can't be locked by its row, so an advisory lock is taken instead, for which the ORM
        has nothing. It must be taken before any row lock.
        """
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_NUMBER, [_LOCK_CLASS, appmax_order_id])

    def note_renewal(self, pk: int, *, is_asked: bool) -> None:
        """Note that Appmax is asked to make a subscription of the order now, or that it certainly made none."""
        self.filter(pk=pk).update(renewal_asked_at=Now() if is_asked else None)

    def with_merchant(self) -> "OrderQuerySet":
        """Orders with their installations. The merchant's secret is decrypted only when it is used, and the big Pix
        image is not read."""
        return self.select_related("installation").defer("pix_qr_code", "installation__merchant_client_secret")

    def with_net(self) -> "OrderQuerySet":
        """Adds `net_cents`: what the merchant has of the order's money, in cents. That is the total of an order that
        was paid and kept, minus the refunds that Appmax has confirmed.

        A sum over a million orders takes 0.5 s with it and 0.1 s without.
        """
        refunds = apps.get_model("orders", "Refund")._default_manager  # Its module imports this one.
        confirmed = refunds.filter(order=OuterRef("pk"), state=RefundState.CONFIRMED).order_by().values("order")
        back = Subquery(confirmed.annotate(sum=Sum("amount_cents")).values("sum"))
        kept = When(status__in=PAID_AND_KEPT, then=F("total_cents") - Coalesce(back, 0))
        return self.annotate(net_cents=Case(kept, default=0, output_field=models.IntegerField()))  # type: ignore[no-redef]

    def with_shopper(self) -> "OrderQuerySet":
        """Adds `shopper_name` and `shopper_email`, a hint, which are None if nothing is kept of the shopper."""
        shoppers = apps.get_model("orders", "Shopper")._default_manager
        theirs = shoppers.filter(
            installation=OuterRef("installation"), appmax_customer_id=OuterRef("appmax_customer_id")
        )
        return self.annotate(  # type: ignore[no-redef]
            shopper_name=Subquery(theirs.values("name")), shopper_email=Subquery(theirs.values("email_shown"))
        )

    def locked_by_number(self, appmax_order_id: int) -> "Order | None":
        """The order with this id at Appmax, locked as by `locked`. Only its status is read at once."""
        return self.filter(appmax_order_id=appmax_order_id).only("status").select_for_update(no_key=True).first()

    def page(self, *, after: int | None, limit: int) -> "tuple[list[Order], int | None]":
        """The `limit` newest orders that are older than the order with the Appmax id `after`, and the `after` of the
        next page, which is None on the last page. Raises Order.DoesNotExist if there is no order `after`."""
        orders = self.order_by("-created_at", "-pk")
        if after is not None:
            created_at, pk = self.values_list("created_at", "pk").get(appmax_order_id=after)
            orders = orders.filter(created_at__lte=created_at).exclude(created_at=created_at, pk__gte=pk)
        found = list(orders.defer("pix_qr_code").prefetch_related("refunds")[: limit + 1])
        return found[:limit], found[limit - 1].appmax_order_id if len(found) > limit else None

    def locked(self, pk: int) -> "Order":
        """The order, locked until the transaction ends. It must be locked before the rows that belong to it.

        NO KEY lets others insert rows that refer to the order meanwhile, so that no circle of waits can arise. Raises
        Order.DoesNotExist, and TransactionManagementError if no transaction is open, as the lock would end at once.
        """
        if not connection.in_atomic_block:
            raise TransactionManagementError("an order is locked until the transaction ends, so one must be open")
        return self._returned_by(_LOCKED, [pk])

    def record_payment(self, pk: int, method: str, columns: Mapping[str, Any]) -> "Order":
        """The order, locked as by `locked`, after its payment method and what Appmax gave for it (pix_emv,
        boleto_due_date, ...) were written, but not its status. Raises Order.DoesNotExist."""
        news = {"payment_method": method, **columns}
        statement = _PAID.format(news=", ".join(f"{name} = %s" for name in news), columns="{columns}")
        return self._returned_by(statement, [*news.values(), pk])

    def _returned_by(self, statement: str, values: list[Any]) -> "Order":
        """The order whose row this statement returns. Raises Order.DoesNotExist if it returns none."""
        names = [field.attname for field in self.model._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute(statement.format(columns=", ".join(names)), values)
            row = cursor.fetchone()
        if row is None:
            raise self.model.DoesNotExist
        return self.model.from_db(connection.alias, names, row)


class Order(models.Model):
    """An order that Appmax has given an id."""

    installation = models.ForeignKey(
        Installation,
        on_delete=models.PROTECT,
        related_name="orders",
        verbose_name=_("merchant"),
        db_index=False,  # orders_sales_of_merchant serves
        db_comment="Owning installation",
    )
    appmax_customer_id = models.IntegerField(_("Appmax customer id"), db_comment="Id of the customer at Appmax")
    appmax_order_id = models.IntegerField(
        _("Appmax order id"), unique=True, db_comment="Id of the order at Appmax; an order has one row"
    )
    status = models.CharField(
        _("status"),
        max_length=64,
        choices=OrderStatus.choices,
        db_default=OrderStatus.PENDENTE,
        db_comment="Status in Appmax's words, moved by webhooks, payments and what Appmax answers",
    )
    payment_method = models.CharField(
        _("payment method"),
        max_length=32,
        choices=PaymentMethod.choices,
        null=True,
        blank=True,
        db_comment="credit_card, pix, boleto, google_pay or apple_pay; null until a payment was taken",
    )
    total_cents = models.IntegerField(_("total (cents)"), db_default=0, db_comment="Order total in cents")
    pix_qr_code = models.TextField(
        _("Pix QR code"), null=True, blank=True, db_comment="Image of the Pix QR code: base64, or a URL"
    )
    pix_emv = models.TextField(
        _("Pix copy and paste code"), null=True, blank=True, db_comment="Pix copy and paste code"
    )
    boleto_pdf_url = models.TextField(_("boleto PDF"), null=True, blank=True, db_comment="Where the boleto's PDF is")
    boleto_digitavel = models.TextField(_("boleto digits"), null=True, blank=True, db_comment="The boleto's digits")
    upsell_hash = models.CharField(
        _("upsell hash"),
        max_length=255,
        null=True,
        blank=True,
        db_comment="What Appmax knows the card payment by when more is sold to the same card",
    )
    created_at = models.DateTimeField(
        _("created at"), db_default=TransactionNow(), editable=False, db_comment="When the row was made"
    )
    updated_at = models.DateTimeField(
        _("updated at"), db_default=TransactionNow(), auto_now=True, db_comment="When the row was last changed"
    )

    # Beyond the seed's columns: what Appmax told of the payment.
    pix_expires_at = models.DateTimeField(
        _("Pix expires at"), null=True, blank=True, db_comment="Until when the Pix can be paid"
    )
    boleto_due_date = models.DateField(
        _("boleto due date"), null=True, blank=True, db_comment="The last day for paying the boleto"
    )
    card_brand = models.CharField(_("card brand"), max_length=32, null=True, blank=True, db_comment="Brand of the card")
    card_last_digits = models.CharField(
        _("card's last digits"),
        max_length=4,
        null=True,
        blank=True,
        db_comment="Last four digits of the card; no more of it is kept",
    )
    installments = models.SmallIntegerField(_("instalments"), null=True, blank=True, db_comment="Number of instalments")
    paid_at = models.DateTimeField(
        _("paid at"), null=True, blank=True, db_comment="When Appmax says that the order was paid"
    )

    refunded_elsewhere_at = models.DateTimeField(
        _("refunded in Appmax's panel"),
        null=True,
        blank=True,
        db_comment="When a part went back that nobody had asked for through us; only Appmax's panel tells how much",
    )
    renewal_asked_at = models.DateTimeField(
        _("renewal asked for"),
        null=True,
        blank=True,
        db_comment="When Appmax was last asked for a subscription of the order; null: never, or it made none",
    )
    request_id = models.CharField(
        _("request id"),
        max_length=64,
        null=True,
        blank=True,
        editable=False,
        default=current_request_id,
        db_comment="X-Request-ID of the request, or the job, that made the row",
    )

    objects = OrderQuerySet.as_manager()

    net_cents: int  # only of `with_net`
    shopper_name: str | None  # this and the next only of `with_shopper`
    shopper_email: str | None

    class Meta:
        db_table = "orders"
        db_table_comment = "An order that Appmax has given an id"
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            # for the worker, which asks Appmax about orders that stay undecided; they are few
            models.Index(fields=["created_at"], condition=Q(status__in=UNDECIDED), name="orders_undecided"),
            # for finding the order that an upsell belongs to
            models.Index(fields=["upsell_hash"], condition=Q(upsell_hash__isnull=False), name="orders_upsell_hash"),
            # for the back office's list, which shows the newest first, with its filters and its search
            models.Index(fields=["status", "created_at"], name="orders_status"),
            # for the list too, and for the sums of a period, which they answer without a look at the rows; the ids are
            # for counting a merchant's payment attempts
            models.Index(
                fields=["created_at"],
                include=["payment_method", "status", "total_cents"],
                name="orders_sales",
            ),
            models.Index(
                fields=["installation", "created_at"],
                include=["payment_method", "status", "total_cents", "id"],
                name="orders_sales_of_merchant",
            ),
            models.Index(fields=["appmax_customer_id"], name="orders_customer"),
            # for the amount filter, alone or with a day: of a million orders an exact amount took 0.4 s without it
            models.Index(fields=["total_cents", "created_at"], name="orders_total"),
            models.Index(fields=["request_id"], condition=Q(request_id__isnull=False), name="orders_request_id"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="orders_known_status"),
            models.CheckConstraint(
                condition=Q(payment_method__in=PaymentMethod.values), name="orders_known_payment_method"
            ),
            models.CheckConstraint(condition=Q(total_cents__gte=0), name="orders_total_not_negative"),
        ]
        permissions = [
            ("refund_order", _("Can refund orders at Appmax")),
            ("reconcile_order", _("Can reconcile orders with Appmax")),
            ("track_order", _("Can add tracking codes to orders")),
            ("export_order", _("Can export orders")),
        ]

    def __str__(self) -> str:
        return str(self.appmax_order_id)

    @property
    def refunded_cents(self) -> int:
        """What went back to the shopper, in cents: everything if the order is estornado, else the sum of the refunds
        that Appmax has confirmed."""
        if self.status == OrderStatus.ESTORNADO:
            return self.total_cents
        return sum(refund.amount_cents for refund in self.refunds.all() if refund.state == RefundState.CONFIRMED)

    @property
    def under_way_cents(self) -> int:
        """What may be on its way back, in cents: the refunds that Appmax took, or may have taken, and that it hasn't
        confirmed."""
        if self.status in GONE:
            return 0
        return sum(refund.amount_cents for refund in self.refunds.all() if refund.state in OPEN_REFUNDS)

    @property
    def refundable_cents(self) -> int:
        """What may still be refunded, in cents: the total minus all refunds that Appmax has or may have accepted.
        Nothing is left if the shopper has all of the money back, by a refund or from the bank."""
        if self.status in GONE:
            return 0
        taken = sum(refund.amount_cents for refund in self.refunds.all() if refund.state != RefundState.REFUSED)
        return max(self.total_cents - taken, 0)

    @property
    def is_refundable(self) -> bool:
        """Whether there may be money to pay back. An adopted order's total may not be known yet, and then it counts as
        refundable."""
        if not is_paid(self.status) or self.status in GONE:
            return False
        return self.refundable_cents > 0 or not self.total_cents

    def has_codes(self, method: str) -> bool:
        """Whether it is known with what the shopper pays by this method, which is one of PAID_LATER."""
        return any(getattr(self, name) for name in _CODES[method])

    # Each of these writes at once. The row must be locked. Its status is changed by orders/changes.py.

    def forget_codes(self, method: str) -> None:
        """Remove the codes of a Pix or boleto that can't or may not be paid any more."""
        columns = (*_CODES.get(method, ()), *_BESIDE_CODES.get(method, ()))
        if any(getattr(self, name) for name in columns):
            for name in columns:
                setattr(self, name, None)
            self.save(update_fields=[*columns, "updated_at"])

    def keep(self, **columns: Any) -> None:
        """Write those of the columns (paid_at, card_brand, ...) whose values are new."""
        news = {name: value for name, value in columns.items() if getattr(self, name) != value}
        if news:
            for name, value in news.items():
                setattr(self, name, value)
            self.save(update_fields=[*news, "updated_at"])
