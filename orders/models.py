"""Order: what was sold through us, one row per Appmax order."""

from django.contrib.postgres.functions import TransactionNow
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from installations.models import Installation
from orders.status import OrderStatus, PaymentMethod, advances

_LOCK_CLASS = 0x0A99  # the advisory locks "all that happens to one Appmax order"


class OrderQuerySet(models.QuerySet["Order"]):
    """What is asked of, and done to, orders as a whole."""

    def lock_appmax_order(self, appmax_order_id: int) -> None:
        """Serialise all that happens to this Appmax order until the transaction ends, whether we have a row of it or
        not: a row that isn't there yet can't be locked. Must be called first in the transaction, before row locks."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, appmax_order_id])


class Order(models.Model):
    """An order that Appmax has given an id."""

    installation = models.ForeignKey(
        Installation, on_delete=models.PROTECT, related_name="orders", verbose_name=_("installation")
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

    def __str__(self) -> str:
        return str(self.appmax_order_id)

    def advance(self, new: str) -> bool:
        """Move to the status `new` if the rank rule allows it; says whether it did. The row must be locked."""
        if not advances(self.status, new):
            return False
        self.status = new
        self.save(update_fields=["status", "updated_at"])
        return True

    def record_pix(self, *, qr_code: str, emv: str) -> None:
        """The Pix that Appmax made for this order. Leaves the status alone: webhooks move that."""
        self.payment_method = PaymentMethod.PIX
        self.pix_qr_code = qr_code
        self.pix_emv = emv
        self.save(update_fields=["payment_method", "pix_qr_code", "pix_emv", "updated_at"])
