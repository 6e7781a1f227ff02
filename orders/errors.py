"""The codes with which the API answers the errors of the checkout."""

from installations.errors import ERROR_CODES as OF_INSTALLATIONS
from orders.attempts import AlreadyPaid, PaymentExamined, PaymentUnderWay
from orders.checkout import NumberTaken, OrderNotFound, PaymentPending, UnknownCursor, WrongCustomer
from orders.idempotency import InvalidKey, KeyReused, StillRunning
from orders.refunds import TooMuch
from orders.subscriptions.manage import AlreadyRenewed, NotRenewable, SubscriptionCancelled, SubscriptionNotFound
from web.codes import Code
from web.errors import ErrorCodes

ERROR_CODES: ErrorCodes = {
    **OF_INSTALLATIONS,
    OrderNotFound: Code.ORDER_NOT_FOUND,
    WrongCustomer: Code.WRONG_CUSTOMER,
    UnknownCursor: Code.UNKNOWN_CURSOR,
    AlreadyPaid: Code.ALREADY_PAID,
    PaymentExamined: Code.PAYMENT_EXAMINED,
    PaymentUnderWay: Code.PAYMENT_UNDER_WAY,
    PaymentPending: Code.PAYMENT_PENDING,
    NumberTaken: Code.ORDER_NUMBER_TAKEN,
    TooMuch: Code.REFUND_EXCEEDS_PAYMENT,
    SubscriptionNotFound: Code.SUBSCRIPTION_NOT_FOUND,
    SubscriptionCancelled: Code.SUBSCRIPTION_CANCELLED,
    AlreadyRenewed: Code.ORDER_ALREADY_RENEWED,
    NotRenewable: Code.ORDER_NOT_RENEWABLE,
    InvalidKey: Code.INVALID_IDEMPOTENCY_KEY,
    KeyReused: Code.IDEMPOTENCY_KEY_REUSED,
    StillRunning: Code.IDEMPOTENCY_KEY_IN_USE,
}
