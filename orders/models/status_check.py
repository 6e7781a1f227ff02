"""StatusCheck: what Appmax was asked about an order."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order


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
