from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from installations.models import ApiKey
from observability.middleware import current_request_id
from orders.models.order import Order
from orders.status import RefundState

_SETTLED = (RefundState.CONFIRMED, RefundState.REFUSED)


class Refund(models.Model):
    """A refund that we asked Appmax for. It is recorded before the call and begins as `unknown`, which is still true if
    the process dies during the call."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("order"))
    amount_cents = models.IntegerField(_("amount (cents)"), db_comment="What is to go back, in cents")
    reason = models.CharField(
        _("reason"), max_length=255, db_default="", blank=True, db_comment="Why, in the words of who asked for it"
    )
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=RefundState.choices,
        db_default=RefundState.UNKNOWN,
        db_comment="What became of it; unknown: Appmax may have taken it",
    )
    # Who wanted it: one of staff, or a storefront with its key. Neither: the API is open to anybody.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked by"),
        db_comment="The member of staff who asked for it",
    )
    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        to_field="prefix",
        db_column="api_key_prefix",
        verbose_name=_("API key"),
        db_comment="Prefix of the API key that asked for it; with asked_by null too, the API was open to anybody",
    )
    idempotency_key = models.CharField(
        _("idempotency key"),
        max_length=255,
        null=True,
        blank=True,
        db_comment="Idempotency-Key of the storefront's request",
    )
    request_id = models.CharField(
        _("request id"),
        max_length=64,
        null=True,
        blank=True,
        editable=False,
        default=current_request_id,
        db_comment="X-Request-ID of the request that asked for it",
    )
    asked_at = models.DateTimeField(
        _("asked at"), db_default=TransactionNow(), editable=False, db_comment="When Appmax was about to be asked"
    )
    settled_at = models.DateTimeField(
        _("settled at"), null=True, blank=True, db_comment="When it was confirmed or refused"
    )

    class Meta:
        db_table = "refunds"
        db_table_comment = (
            "A refund: recorded before Appmax is asked for it, with its amount, who wanted it, and what became of it"
        )
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        indexes = [
            models.Index(fields=["request_id"], condition=Q(request_id__isnull=False), name="refunds_request_id"),
            # for the back office, which shows how much money is in doubt; few are
            models.Index(fields=["order"], condition=Q(state=RefundState.UNKNOWN), name="refunds_unknown"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="refunds_known_state"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="refunds_pay_something_back"),
            models.CheckConstraint(
                condition=Q(state__in=_SETTLED, settled_at__isnull=False)
                | ~Q(state__in=_SETTLED) & Q(settled_at__isnull=True),
                name="refunds_settled_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} of {self.order_id}"
