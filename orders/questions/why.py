"""Why Appmax is asked about an order."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Why(models.TextChoices):
    """The reasons, the most important first."""

    PAYMENT_UNKNOWN = "payment_unknown", _("A payment's outcome is unknown")
    MONEY = "money", _("A webhook told of money")
    CANCELLATION = "cancellation", _("A webhook told of a cancellation")
    IGNORED_MONEY = "ignored_money", _("A webhook told of money, and moved nothing")
    PAID_TWICE = "paid_twice", _("Paid twice?")
    OTHER_MERCHANT = "other_merchant", _("A webhook named another merchant")
    NO_STATUS = "no_status", _("A webhook told of something without a status of its own")
    ORDER_MISSING = "order_missing", _("A webhook told of an order that is not there")
    CONTRADICTED = "contradicted", _("What we know contradicts itself")
    CORRECTED = "corrected", _("Appmax contradicted what we knew, and is asked once more")
    SETTLED_BY_HAND = "settled_by_hand", _("Staff said what became of a payment")
    PENDING = "pending", _("Pending for long")
    CHARGEBACK = "chargeback", _("In a chargeback")
