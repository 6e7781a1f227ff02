"""Every event that Appmax may post, in both spellings, and the sequences in which events typically come."""

from collections.abc import Mapping
from dataclasses import dataclass

ORDER, CUSTOMER, PAYMENT, SUBSCRIPTION = ABOUT = ("order", "customer", "payment", "subscription")


@dataclass(frozen=True)
class Event:
    """`about` is the app-store model's event_type. A spelling is empty if Appmax's lists have only the other one.

    `declined`: the panel's models add a reason to its name.
    """

    about: str
    pascal: str
    snake: str
    declined: bool = False

    @property
    def name(self) -> str:
        """The snake spelling, or the only one."""
        return self.snake or self.pascal

    def spelled(self, *, pascal: bool) -> str:
        """The spelling of a model, or the only one."""
        return (self.pascal if pascal else self.snake) or self.pascal or self.snake


EVENTS = (
    Event(ORDER, "OrderAuthorized", "order_authorized"),
    Event(ORDER, "OrderAuthorizedWithDelay", "order_authorized_with_delay"),
    Event(PAYMENT, "", "payment_authorized_with_delay"),
    Event(ORDER, "OrderApproved", "order_approved"),
    Event(ORDER, "OrderPaid", "order_paid"),
    Event(ORDER, "OrderPaidByPix", "order_paid_by_pix"),
    Event(ORDER, "OrderUpSold", "order_up_sold"),
    Event(ORDER, "", "split_orders"),
    Event(ORDER, "OrderBilletCreated", "order_billet_created"),
    Event(ORDER, "OrderPixCreated", "order_pix_created"),
    Event(ORDER, "OrderPendingIntegration", "order_pending_integration"),
    Event(ORDER, "OrderIntegrated", "order_integrated"),
    Event(ORDER, "OrderRefund", "order_refund"),
    Event(ORDER, "OrderPartialRefund", "order_partial_refund"),
    Event(ORDER, "OrderPixExpired", "order_pix_expired"),
    Event(ORDER, "OrderBilletOverdue", "order_billet_overdue"),
    Event(PAYMENT, "PaymentNotAuthorized", "payment_not_authorized", declined=True),
    Event(PAYMENT, "PaymentNotAuthorizedWithDelay", "", declined=True),
    Event(ORDER, "OrderRefusedByRisk", "order_refused_by_risk"),
    Event(ORDER, "OrderChargeBackInTreatment", "order_chargeback_in_treatment"),
    Event(ORDER, "OrderChargeBackGain", "order_charge_back_gain"),
    Event(ORDER, "", "order_chargeback_gain"),  # written so, too
    Event(ORDER, "OrderChargeBackLost", "order_chargeback_lost"),
    Event(ORDER, "OrderCanceled", "order_canceled"),
    Event(CUSTOMER, "CustomerCreated", "customer_created"),
    Event(CUSTOMER, "CustomerInterested", "customer_interested"),
    Event(CUSTOMER, "CustomerContacted", "customer_contacted"),
    Event(SUBSCRIPTION, "CreatedSubscription", "subscription_created"),
    Event(SUBSCRIPTION, "SubscriptionCancellationEvent", "subscription_cancelation"),
    Event(SUBSCRIPTION, "SubscriptionDelayedEvent", "subscription_delayed"),
    Event(SUBSCRIPTION, "CanceledSubscription", ""),
    Event(SUBSCRIPTION, "ChargeSuccess", "subscription_charge_success"),
    Event(SUBSCRIPTION, "ChargeFailed", "subscription_charge_failed"),
)

_BY_SPELLING = {spelling: event for event in EVENTS for spelling in (event.pascal, event.snake) if spelling}

_PAID = ("order_approved", "order_paid")
SEQUENCES: Mapping[str, tuple[str, ...]] = {
    "card": ("order_authorized", "order_approved", "order_paid", "order_integrated"),
    "pix_paid": ("order_pix_created", "order_paid_by_pix", "order_approved", "order_integrated"),
    "pix_expired": ("order_pix_created", "order_pix_expired"),
    "boleto_paid": ("order_billet_created", "order_paid", "order_approved", "order_integrated"),
    "boleto_overdue": ("order_billet_created", "order_billet_overdue"),
    "refund": (*_PAID, "order_refund"),
    "chargeback_won": (*_PAID, "order_chargeback_in_treatment", "order_charge_back_gain"),
}


def find(name: str) -> Event:
    """The event of this name in either spelling; one that isn't Appmax's is taken as it stands."""
    prefix = name.partition("_")[0]
    return _BY_SPELLING.get(name) or Event(prefix if prefix in ABOUT else ORDER, name, name)
