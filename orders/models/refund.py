"""Refund: each time somebody had us ask Appmax to pay a shopper back."""

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from installations.models import ApiKey
from orders.models.order import Order
from orders.status import RefundState

_SETTLED = (RefundState.CONFIRMED, RefundState.REFUSED)


class Refund(models.Model):
    """Recorded before Appmax is asked, so it begins as `unknown`: a process that dies meanwhile leaves the truth."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("order"))
    amount_cents = models.IntegerField(_("amount (cents)"))
    reason = models.CharField(_("reason"), max_length=255, db_default="", blank=True)
    state = models.CharField(_("state"), max_length=16, choices=RefundState.choices, db_default=RefundState.UNKNOWN)
    # Who wanted it: one of staff, or a storefront with its key. Neither: the API is open to anybody.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked by"),
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
    )
    idempotency_key = models.CharField(_("idempotency key"), max_length=255, null=True, blank=True)
    asked_at = models.DateTimeField(_("asked at"), db_default=TransactionNow(), editable=False)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        db_table = "refunds"
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="refunds_pay_something_back"),
            models.CheckConstraint(
                condition=Q(state__in=_SETTLED, settled_at__isnull=False)
                | ~Q(state__in=_SETTLED) & Q(settled_at__isnull=True),
                name="refunds_settled_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} of {self.order_id}"
