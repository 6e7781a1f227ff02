"""PaymentAttempt: a call to Appmax that charges a shopper, or asks for a Pix or boleto."""

from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models, transaction
from django.db.models import Exists, Func, OuterRef, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce, Left, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter
from psycopg.types.json import Jsonb

from appmax.transport import TRACE_HEADERS
from observability.middleware import current_request_id
from orders.models.order import Order
from orders.status import AttemptMethod, OrderStatus

_payments = Counter("checkout_payments", "Payment attempts, by method and the state they came to", ["method", "state"])


class AttemptState(models.TextChoices):
    """The first two states are open: the money may have moved, and no other attempt may begin."""

    STARTED = "started", _("Started")
    UNKNOWN = "unknown", _("Outcome unknown")
    SUCCEEDED = "succeeded", _("Accepted by Appmax")
    DECLINED = "declined", _("Declined")
    FAILED = "failed", _("Failed: nothing was charged")


OPEN = (AttemptState.STARTED, AttemptState.UNKNOWN)


# Each payment makes these statements. Through the ORM they took four times as many calls.
_STARTED = """
    INSERT INTO payment_attempts (order_id, method, idempotency_key, fingerprint, restarted_from, request_id)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING {columns}
"""
_SETTLED = "UPDATE payment_attempts SET state = %s, answer = %s, settled_at = %s WHERE id = %s"
_IF_OPEN = " AND state IN ({})".format(", ".join(f"'{state}'" for state in OPEN))


class PaymentAttemptQuerySet(models.QuerySet["PaymentAttempt"]):
    def start(
        self, order: Order, method: AttemptMethod, *, key: str | None, fingerprint: str, restarted_from: str | None
    ) -> "PaymentAttempt":
        """A new attempt, which is started. Raises IntegrityError if the order has one that is open."""
        values: list[Any] = [order.pk, method.value, key, fingerprint, restarted_from, current_request_id()]
        names = [field.attname for field in self.model._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute(_STARTED.format(columns=", ".join(names)), values)
            attempt = self.model.from_db(connection.alias, names, cursor.fetchone())
        attempt.order = order
        return attempt

    def standing(self, order_id: int) -> "list[PaymentAttempt]":
        """The order's attempts by which money may have moved, oldest first, without Appmax's answers. Each new payment
        must look at these."""
        attempts = self.filter(order=order_id).exclude(state__in=[AttemptState.DECLINED, AttemptState.FAILED])
        return list(attempts.defer("answer").order_by("pk"))

    def with_overtaken(self) -> "PaymentAttemptQuerySet":
        """Adds `is_overtaken`: whether a later payment of the same order succeeded, so that the order's status is about
        that one. An upsell pays another order."""
        later = PaymentAttempt.objects.filter(
            order=OuterRef("order"), pk__gt=OuterRef("pk"), state=AttemptState.SUCCEEDED
        )
        return self.annotate(is_overtaken=Exists(later.exclude(method=AttemptMethod.UPSELL)))  # type: ignore[no-redef]

    def with_reason(self) -> "PaymentAttemptQuerySet":
        """Adds `reason`: what Appmax wrote when it declined, so that texts that differ by an order's number alone are
        one reason: in small letters, with # for digits, without the spaces and full stops around it, and no longer than
        60 characters; "" if it wrote nothing."""
        message = Coalesce(KeyTextTransform("message", "answer"), Value(""), output_field=TextField())
        digits = Func(Lower(message), Value(r"\d+"), Value("#"), Value("g"), function="regexp_replace")
        spaces = Func(digits, Value(r"^[\s.]+|[\s.]+$"), Value(""), Value("g"), function="regexp_replace")
        return self.annotate(reason=Left(spaces, 60, output_field=TextField()))  # type: ignore[no-redef]

    def traced(self, trace_id: str) -> "PaymentAttemptQuerySet":
        """The attempts that Appmax answered with this id of its own. An index finds them."""
        is_its = Q()
        for header in TRACE_HEADERS:
            is_its |= Q(answer__trace__contains={header: trace_id})
        return self.filter(is_its)

    def open(self) -> "PaymentAttemptQuerySet":
        """The attempts of which it isn't known yet what became of them."""
        return self.filter(state__in=OPEN)


class PaymentAttempt(models.Model):
    """One payment call, which is recorded before it is sent and settled afterwards. It holds no card data."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("order"))
    method = models.CharField(
        _("method"),
        max_length=32,
        choices=AttemptMethod.choices,
        db_comment="What Appmax was asked for: credit_card, pix, boleto, google_pay, apple_pay or upsell",
    )
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=AttemptState.choices,
        db_default=AttemptState.STARTED,
        db_comment="What became of it; started and unknown are open, and the money may have moved",
    )
    idempotency_key = models.CharField(
        _("idempotency key"),
        max_length=255,
        null=True,
        blank=True,
        db_comment="Idempotency-Key of the storefront's request",
    )
    fingerprint = models.CharField(
        _("request fingerprint"), max_length=64, db_comment="Keyed hash of the storefront's request, without card data"
    )
    restarted_from = models.CharField(
        _("order's status before"),
        max_length=64,
        choices=OrderStatus.choices,
        null=True,
        blank=True,
        db_comment="The order's status before this attempt started it again",
    )
    answer = models.JSONField(_("answer"), null=True, blank=True, db_comment="What Appmax said, without card data")
    started_at = models.DateTimeField(
        _("started at"), db_default=TransactionNow(), editable=False, db_comment="When Appmax was about to be asked"
    )
    settled_at = models.DateTimeField(
        _("settled at"), null=True, blank=True, db_comment="When the outcome was known; null while the attempt is open"
    )

    request_id = models.CharField(
        _("request id"),
        max_length=64,
        null=True,
        blank=True,
        editable=False,
        default=current_request_id,
        db_comment="X-Request-ID of the storefront's request",
    )

    objects = PaymentAttemptQuerySet.as_manager()

    is_overtaken: bool  # only of `with_overtaken`
    reason: str  # only of `with_reason`

    class Meta:
        db_table = "payment_attempts"
        db_table_comment = "A payment call: recorded before it is sent, settled after it; no card data"
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        indexes = [
            # for the worker, which looks for orders that somebody has tried to pay lately, and for the back office,
            # which counts the attempts of a period without a look at the rows
            models.Index(fields=["started_at"], include=["state", "method", "order"], name="payment_attempts_started"),
            # for the back office's filter and search
            models.Index(fields=["state", "method", "started_at"], name="payment_attempts_state"),
            models.Index(
                fields=["idempotency_key"], condition=Q(idempotency_key__isnull=False), name="payment_attempts_key"
            ),
            models.Index(
                fields=["request_id"], condition=Q(request_id__isnull=False), name="payment_attempts_request_id"
            ),
            GinIndex(KeyTransform("trace", "answer"), name="payment_attempts_trace"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(method__in=AttemptMethod.values), name="payment_attempts_known_method"),
            models.CheckConstraint(condition=Q(state__in=AttemptState.values), name="payment_attempts_known_state"),
            models.CheckConstraint(
                condition=Q(restarted_from__in=OrderStatus.values), name="payment_attempts_known_restarted_from"
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(state__in=OPEN), name="payment_attempts_one_open_per_order"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, settled_at__isnull=True) | ~Q(state__in=OPEN) & Q(settled_at__isnull=False),
                name="payment_attempts_settled_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} #{self.pk}"

    def settle(self, state: AttemptState, answer: dict[str, Any]) -> bool:
        """Give an open attempt its final state, and keep Appmax's `answer`; False if it wasn't open any more.
        (UNKNOWN isn't final, and leaves it open.) The order's row must be locked."""
        return self._write(_SETTLED + _IF_OPEN, state, answer)

    def settle_as_answered(self, answer: dict[str, Any]) -> None:
        """Settle the attempt as succeeded, because Appmax took the payment. That counts over what somebody who asked
        Appmax meanwhile has written."""
        self._write(_SETTLED, AttemptState.SUCCEEDED, answer)

    def _write(self, statement: str, state: AttemptState, answer: dict[str, Any]) -> bool:
        """Write the attempt if the statement finds it; returns whether it did. Appmax's ids of the call stay with it,
        whatever is written later."""
        settled_at = None if state in OPEN else timezone.now()
        if trace := (self.answer or {}).get("trace"):
            answer = {"trace": trace, **answer}
        values: list[Any] = [state.value, Jsonb(answer), settled_at, self.pk]
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            if not cursor.rowcount:
                return False
        self.state, self.answer, self.settled_at = state, answer, settled_at
        transaction.on_commit(_payments.labels(self.method, state).inc, robust=True)
        return True
