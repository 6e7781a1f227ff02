"""Order: what was sold through us, one row per Appmax order. PaymentAttempt: each time we asked Appmax for money."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter
from psycopg.types.json import Jsonb

from installations.models import Installation
from orders import clock
from orders.status import RESTARTABLE, UNDECIDED, OrderStatus, PaymentMethod, advances

_payments = Counter("checkout_payments", "Payment attempts, by method and the state they came to", ["method", "state"])

_LOCK_CLASS = 0x0A99  # the advisory locks "all that happens to one Appmax order"


_CODES: dict[str, tuple[str, ...]] = {
    PaymentMethod.PIX: ("pix_qr_code", "pix_emv"),
    PaymentMethod.BOLETO: ("boleto_pdf_url", "boleto_digitavel"),
}


_LOCKED_BY_NUMBER = """
    SELECT orders.id, orders.status, orders.installation_id, installations.external_key
      FROM orders JOIN installations ON installations.id = orders.installation_id
     WHERE orders.appmax_order_id = %s
       FOR NO KEY UPDATE OF orders
"""


_STATUS_OF = "SELECT status FROM orders WHERE appmax_order_id = %s AND installation_id = %s"


class OrderQuerySet(models.QuerySet["Order"]):
    """What is asked of, and done to, orders as a whole."""

    def lock_appmax_order(self, appmax_order_id: int) -> None:
        """Serialise all that happens to this Appmax order until the transaction ends, whether we have a row of it or
        not: a row that isn't there yet can't be locked. Must be called first in the transaction, before row locks."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, appmax_order_id])

    def with_merchant(self) -> "OrderQuerySet":
        """With their installations, but without the secret, which is decrypted (or fails to be) when it is used, and
        without the big column."""
        return self.select_related("installation").defer("pix_qr_code", "installation__merchant_client_secret")

    def locked_by_number(self, appmax_order_id: int) -> "Order | None":
        """The order with this id at Appmax and its merchant's external_key, locked until the transaction ends. All else
        of both is read when it is asked for. Plain SQL: each webhook begins with it."""
        with connection.cursor() as cursor:
            cursor.execute(_LOCKED_BY_NUMBER, [appmax_order_id])
            row = cursor.fetchone()
        if row is None:
            return None
        pk, status, installation_id, external_key = row
        names = ["id", "installation_id", "appmax_order_id", "status"]
        order = Order.from_db(self.db, names, [pk, installation_id, appmax_order_id, status])
        merchant = ["id", "external_key"]
        order.installation = Installation.from_db(self.db, merchant, [installation_id, external_key])
        return order

    def status_of(self, installation_id: int, appmax_order_id: int) -> str | None:
        """Of this merchant's order; None if it has no such order. Plain SQL: what storefronts ask most."""
        with connection.cursor() as cursor:
            cursor.execute(_STATUS_OF, [appmax_order_id, installation_id])
            row = cursor.fetchone()
        return None if row is None else str(row[0])

    def locked(self, pk: int) -> "Order":
        """The order's row, locked until the transaction ends; before the rows that belong to it. Its key never changes:
        rows that refer to it may be inserted beside the lock, so that they can't wait for it in a circle. In plain SQL,
        as each payment does it twice."""
        names = [field.attname for field in Order._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(names)} FROM orders WHERE id = %s FOR NO KEY UPDATE",  # noqa: S608 # nosec B608
                [pk],
            )
            row = cursor.fetchone()
        if row is None:
            raise Order.DoesNotExist
        return Order.from_db(self.db, names, row)


class Order(models.Model):
    """An order that Appmax has given an id."""

    installation = models.ForeignKey(
        Installation,
        on_delete=models.PROTECT,
        related_name="orders",
        verbose_name=_("installation"),
        db_index=False,  # orders_installation serves
    )
    appmax_customer_id = models.IntegerField(_("Appmax customer id"))
    appmax_order_id = models.IntegerField(_("Appmax order id"), unique=True)
    status = models.CharField(_("status"), max_length=64, choices=OrderStatus.choices, db_default=OrderStatus.PENDENTE)
    payment_method = models.CharField(
        _("payment method"), max_length=32, choices=PaymentMethod.choices, null=True, blank=True
    )
    total_cents = models.IntegerField(_("total (cents)"), db_default=0)
    pix_qr_code = models.TextField(_("Pix QR code"), null=True, blank=True)
    pix_emv = models.TextField(_("Pix copy and paste code"), null=True, blank=True)
    boleto_pdf_url = models.TextField(_("boleto PDF"), null=True, blank=True)
    boleto_digitavel = models.TextField(_("boleto digits"), null=True, blank=True)
    upsell_hash = models.CharField(_("upsell hash"), max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=TransactionNow(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), db_default=TransactionNow(), auto_now=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        db_table = "orders"
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            # what reconciliation looks for: few of all orders stay so
            models.Index(fields=["created_at"], condition=Q(status__in=UNDECIDED), name="orders_undecided"),
            # the order that an upsell belongs to
            models.Index(fields=["upsell_hash"], condition=Q(upsell_hash__isnull=False), name="orders_upsell_hash"),
            # the back office's list with its filters, newest first, and its search
            models.Index(fields=["created_at"], name="orders_created_at"),
            models.Index(fields=["status", "created_at"], name="orders_status"),
            models.Index(fields=["installation", "created_at"], name="orders_installation"),
            models.Index(fields=["appmax_customer_id"], name="orders_customer"),
        ]
        permissions = [
            ("refund_order", _("Can refund orders at Appmax")),
            ("reconcile_order", _("Can reconcile orders with Appmax")),
            ("track_order", _("Can add tracking codes to orders")),
            ("export_order", _("Can export orders")),
        ]

    def __str__(self) -> str:
        return str(self.appmax_order_id)

    # Each of these writes at once; the row must be locked.

    def advance(self, new: str) -> bool:
        """Move to the status `new` if the rank rule allows it; says whether it did."""
        if not advances(self.status, new):
            return False
        self.set_status(new)
        return True

    def restart(self) -> str | None:
        """A new payment attempt begins: cancelado and recusado_por_risco become pendente again; says what it was."""
        if self.status not in RESTARTABLE:
            return None
        before = self.status
        self.set_status(OrderStatus.PENDENTE)
        return before

    def set_status(self, new: str) -> None:
        """Whatever the ranks say: for our own checkout, and for what Appmax itself has confirmed."""
        self.status, self.updated_at = new, timezone.now()
        with connection.cursor() as cursor:  # ten times as fast as save(), and each webhook needs it
            cursor.execute(
                "UPDATE orders SET status = %s, updated_at = %s WHERE id = %s", [new, self.updated_at, self.pk]
            )

    def forget_codes(self, method: str) -> None:
        """The Pix or boleto that we know isn't, or may not be, the one that can be paid now."""
        columns = _CODES.get(method, ())
        if any(getattr(self, name) for name in columns):
            for name in columns:
                setattr(self, name, None)
            self.save(update_fields=[*columns, "updated_at"])

    def record_payment(self, method: str, **columns: str) -> None:
        """How the order is paid, with what Appmax gave for it (pix_emv, boleto_digitavel, ...). Not the status."""
        for name, value in columns.items():
            setattr(self, name, value)
        self.payment_method, self.updated_at = method, timezone.now()
        names = ["payment_method", "updated_at", *columns]
        settings = ", ".join(f"{name} = %s" for name in names)
        with connection.cursor() as cursor:  # as in set_status; each payment needs it
            cursor.execute(
                f"UPDATE orders SET {settings} WHERE id = %s",  # noqa: S608 - names of our own columns # nosec B608
                [*(getattr(self, name) for name in names), self.pk],
            )


class AttemptMethod(models.TextChoices):
    """What Appmax was asked for."""

    CREDIT_CARD = "credit_card", _("Credit card")
    PIX = "pix", _("Pix")
    BOLETO = "boleto", _("Boleto")
    UPSELL = "upsell", _("Upsell")


class AttemptState(models.TextChoices):
    """What became of it. The first two are open: the money may have moved, and no other attempt may begin."""

    STARTED = "started", _("Started")
    UNKNOWN = "unknown", _("Outcome unknown")
    SUCCEEDED = "succeeded", _("Succeeded")
    DECLINED = "declined", _("Declined")
    FAILED = "failed", _("Failed: nothing was charged")


OPEN = (AttemptState.STARTED, AttemptState.UNKNOWN)


_SETTLE = "UPDATE payment_attempts SET state = %s, answer = %s, settled_at = %s WHERE id = %s AND state = ANY(%s)"
_START = """
    INSERT INTO payment_attempts (order_id, method, state, idempotency_key, fingerprint, restarted_from)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id, started_at
"""
_STANDING = """
    SELECT id, order_id, method, state, fingerprint FROM payment_attempts
     WHERE order_id = %s AND state <> ALL(%s) ORDER BY id
"""


class PaymentAttemptQuerySet(models.QuerySet["PaymentAttempt"]):
    """Questions about attempts."""

    def standing(self, order_id: int) -> "list[PaymentAttempt]":
        """The order's attempts by which money may have moved, oldest first: what each payment must look at. Plain SQL;
        all else of them is read when it is asked for."""
        with connection.cursor() as cursor:
            cursor.execute(_STANDING, [order_id, [AttemptState.DECLINED, AttemptState.FAILED]])
            rows = cursor.fetchall()
        names = ["id", "order_id", "method", "state", "fingerprint"]
        return [PaymentAttempt.from_db(self.db, names, row) for row in rows]

    def start(
        self, order: Order, method: AttemptMethod, key: str | None, fingerprint: str, restarted_from: str | None
    ) -> "PaymentAttempt":
        """A new open attempt. Raises IntegrityError if the order has one. Plain SQL, as for each payment."""
        attempt = PaymentAttempt(
            order=order,
            method=method,
            state=AttemptState.STARTED,
            idempotency_key=key,
            fingerprint=fingerprint,
            restarted_from=restarted_from,
        )
        with connection.cursor() as cursor:
            cursor.execute(_START, [order.pk, method, AttemptState.STARTED, key, fingerprint, restarted_from])
            attempt.pk, attempt.started_at = cursor.fetchone()
        attempt._state.adding = False
        return attempt

    def open(self) -> "PaymentAttemptQuerySet":
        """Those whose outcome isn't known (yet)."""
        return self.filter(state__in=OPEN)


class PaymentAttempt(models.Model):
    """One payment call: recorded before it is sent, settled when its outcome is known. Holds no card data."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("order"))
    method = models.CharField(_("method"), max_length=32, choices=AttemptMethod.choices)
    state = models.CharField(_("state"), max_length=16, choices=AttemptState.choices, db_default=AttemptState.STARTED)
    idempotency_key = models.CharField(_("idempotency key"), max_length=255, null=True, blank=True)
    fingerprint = models.CharField(_("request fingerprint"), max_length=64)
    restarted_from = models.CharField(
        _("order's status before"), max_length=64, choices=OrderStatus.choices, null=True, blank=True
    )
    answer = models.JSONField(_("answer"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"), db_default=TransactionNow(), editable=False)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    objects = PaymentAttemptQuerySet.as_manager()

    class Meta:
        db_table = "payment_attempts"
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        indexes = [
            # orders that somebody has tried to pay lately, for reconciliation
            models.Index(fields=["started_at"], name="payment_attempts_started_at"),
            # the back office's filter and search
            models.Index(fields=["state", "method", "started_at"], name="payment_attempts_state"),
            models.Index(
                fields=["idempotency_key"], condition=Q(idempotency_key__isnull=False), name="payment_attempts_key"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state__in=OPEN), name="payment_attempts_one_open_per_order"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, settled_at__isnull=True) | ~Q(state__in=OPEN) & Q(settled_at__isnull=False),
                name="payment_attempts_settled_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} #{self.pk}"

    def settle(self, state: AttemptState, answer: dict[str, Any]) -> bool:
        """Write what became of it, if it is still open; says whether it was. `answer` is what Appmax said. The order's
        row must be locked."""
        return self._write(state, answer, only_open=True)

    def settle_as_answered(self, answer: dict[str, Any]) -> None:
        """Appmax took the payment: that is true whatever somebody who asked meanwhile has made of it."""
        self._write(AttemptState.SUCCEEDED, answer, only_open=False)

    def _write(self, state: AttemptState, answer: dict[str, Any], *, only_open: bool) -> bool:
        settled_at = None if state in OPEN else timezone.now()
        allowed = OPEN if only_open else AttemptState.values
        with connection.cursor() as cursor:  # as in Order.set_status
            columns: list[Any] = [state, Jsonb(answer), settled_at]
            cursor.execute(_SETTLE, [*columns, self.pk, list(allowed)])
            if not cursor.rowcount:
                return False
        self.state, self.answer, self.settled_at = state, answer, settled_at
        transaction.on_commit(_payments.labels(self.method, state).inc, robust=True)  # a count fails no payment
        return True


class IdempotentRequest(models.Model):
    """A request that carried an Idempotency-Key, and its first answer. Kept for 24 hours."""

    KEPT = timedelta(hours=24)

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    order = models.ForeignKey(Order, on_delete=models.SET_NULL, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)  # by the request that works on it now
    status_code = models.SmallIntegerField(null=True)  # of the first answer
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False, db_index=True)

    class Meta:
        db_table = "idempotent_requests"
        constraints = [
            models.UniqueConstraint(fields=["installation", "key"], name="idempotent_requests_key_per_installation")
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def has_expired(self) -> bool:
        """Whether the key may be used again for anything."""
        return self.created_at < clock.now() - self.KEPT


class StatusCheck(models.Model):
    """When Appmax was last asked about an order, and when it is asked again. No row: never yet. With an error_message:
    flagged for staff, and asked again at `next_at` whatever the order's status."""

    order = models.OneToOneField(
        Order, on_delete=models.CASCADE, primary_key=True, related_name="status_check", verbose_name=_("order")
    )
    asked_at = models.DateTimeField(_("asked at"))
    next_at = models.DateTimeField(_("asked again at"))
    times = models.IntegerField(_("times asked"))
    error_message = models.TextField(_("error message"), null=True)  # an answer is missing, and why

    class Meta:
        db_table = "order_status_checks"
        verbose_name = _("status check")
        verbose_name_plural = _("status checks")
        indexes = [
            # questions without an answer: few
            models.Index(
                fields=["next_at"], condition=Q(error_message__isnull=False), name="order_status_checks_flagged"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} at {self.asked_at:%Y-%m-%d %H:%M:%S}"
