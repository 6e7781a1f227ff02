"""The tables of orders and payments, with a module for each."""

from orders.models.attempt import OPEN, AttemptState, PaymentAttempt
from orders.models.idempotent_request import IdempotentRequest
from orders.models.order import Order, OrderQuerySet
from orders.models.question import Question, Quota
from orders.models.refund import Refund
from orders.models.shopper import CodeKind, OrderCode, Shopper
from orders.models.subscription import Interval, Subscription, SubscriptionQuestion, SubscriptionStatus
from orders.status import AttemptMethod

__all__ = [
    "OPEN",
    "AttemptMethod",
    "AttemptState",
    "CodeKind",
    "IdempotentRequest",
    "Interval",
    "Order",
    "OrderCode",
    "OrderQuerySet",
    "PaymentAttempt",
    "Question",
    "Quota",
    "Refund",
    "Shopper",
    "Subscription",
    "SubscriptionQuestion",
    "SubscriptionStatus",
]
