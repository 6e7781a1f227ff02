"""Every error that the API answers: its code, its HTTP status and its message.

docs/api.md lists the same codes and what to do about each. The OpenAPI schema takes them from here.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A code is never renamed, because merchants' programs compare it.

    `statuses` are its HTTP statuses; if there are several, the error says which. `message` is English whatever
    Accept-Language says. An error may have a message of its own, and if it always has one, this is "".
    """

    statuses: tuple[int, ...]
    message: str

    def __new__(cls, code: str, statuses: int | tuple[int, ...], message: str = "") -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.statuses = (statuses,) if isinstance(statuses, int) else statuses
        member.message = message
        return member

    # The request itself is at fault.
    INVALID_REQUEST_BODY = "invalid_request_body", 400, "invalid request body"
    INVALID_FIELDS = "invalid_fields", 400
    INVALID_ORDER_ID = "invalid_order_id", 400, "invalid order_id"
    INVALID_IDEMPOTENCY_KEY = (
        "invalid_idempotency_key",
        400,
        "invalid Idempotency-Key: 1 to 255 visible ASCII characters",
    )
    WRONG_CUSTOMER = "wrong_customer", 400, "customer_id is not this order's customer"
    UNKNOWN_CURSOR = "unknown_cursor", 400, "unknown cursor"
    BAD_REQUEST = "bad_request", 400, "bad request"
    REQUEST_TIMEOUT = "request_timeout", 408, "the request body did not arrive in time"
    LENGTH_REQUIRED = "length_required", 411, "Content-Length is required"
    BODY_TOO_LARGE = "body_too_large", 413, "request body is too large"
    TOO_MANY_REQUESTS = "too_many_requests", 429, "too many requests, try again later"

    APPMAX_LIMIT_REACHED = (
        "appmax_limit_reached",
        429,
        "this merchant's requests come faster than Appmax allows, try again later; nothing was sent to Appmax",
    )

    # The caller may not do this, or names something that doesn't exist.
    INVALID_API_KEY = "invalid_api_key", 401, "invalid or missing API key"
    INSTALLATION_DISABLED = "installation_disabled", 403, "installation disabled"
    OWN_KEY_REQUIRED = "own_key_required", 403, "an API key of this installation's own is required"
    INVALID_WEBHOOK_TOKEN = "invalid_webhook_token", 403, "invalid or missing token"
    FIRST_KEY_REFUSED = (
        "first_key_refused",
        403,
        "only the browser that installed the app can make the first API key, within an hour",
    )
    FORM_EXPIRED = "form_expired", 403, "the form has expired, load it again"
    FORBIDDEN = "forbidden", 403, "forbidden"
    INSTALLATION_NOT_FOUND = "installation_not_found", 404, "installation not found"
    ORDER_NOT_FOUND = "order_not_found", 404, "order not found"
    SUBSCRIPTION_NOT_FOUND = "subscription_not_found", 404, "subscription not found"
    ENDPOINT_NOT_FOUND = "endpoint_not_found", 404, "endpoint not found"
    DELIVERY_NOT_FOUND = "delivery_not_found", 404, "delivery not found"
    API_KEY_NOT_FOUND = "api_key_not_found", 404, "API key not found"
    NOT_FOUND = "not_found", 404, "not found"
    METHOD_NOT_ALLOWED = "method_not_allowed", 405

    # The request would do something twice, or contradicts what is there.
    ALREADY_PAID = "already_paid", 409, "the order is already paid"
    PAYMENT_EXAMINED = "payment_examined", 409, "a card payment of this order was accepted, and is being examined"
    PAYMENT_UNDER_WAY = (
        "payment_under_way",
        409,
        "a payment of this order is under way; ask for the status before trying again",
    )
    PAYMENT_PENDING = "payment_pending", 409
    REFUND_EXCEEDS_PAYMENT = "refund_exceeds_payment", 409, "nothing of this order is left to be paid back"
    ORDER_NUMBER_TAKEN = "order_number_taken", 409
    ORDER_NOT_RENEWABLE = (
        "order_not_renewable",
        409,
        "only an order that is aprovado or integrado, and was paid by card or Pix, can be renewed",
    )
    ORDER_ALREADY_RENEWED = (
        "order_already_renewed",
        409,
        "the order has a subscription that is not cancelled, or Appmax may be making one",
    )
    SUBSCRIPTION_CANCELLED = "subscription_cancelled", 409, "the subscription is cancelled, which is for good"
    TOO_MANY_ENDPOINTS = "too_many_endpoints", 409, "the installation has 10 endpoints, which is the most"
    FIRST_KEY_MADE = "first_key_made", 409, "the installation's first API key was made before"
    TOO_MANY_API_KEYS = "too_many_api_keys", 409, "the installation has 20 API keys, which is the most"
    KEY_REVOKES_ITSELF = "key_revokes_itself", 409, "an API key can't revoke itself; revoke it with another one"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use", 409, "a request with this Idempotency-Key is still running"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused", 422, "this Idempotency-Key was used for another request"

    # Appmax refused the request, or gave no usable answer.
    PAYMENT_DECLINED = "payment_declined", 422, "payment declined"
    APPMAX_REFUSED = "appmax_refused", (400, 404, 409, 422)
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        (502, 504),
        "Appmax did not confirm the outcome; it is not known yet, ask for the status before trying again",
    )
    CREDENTIALS_REFUSED = "credentials_refused", 502, "Appmax refused this installation's credentials"
    CREDENTIALS_UNREADABLE = (
        "credentials_unreadable",
        502,
        "this installation's credentials can't be read; nothing was sent to Appmax",
    )
    APPMAX_UNAVAILABLE = "appmax_unavailable", 502, "Appmax is not available"
    APPMAX_RATE_LIMITED = "appmax_rate_limited", 503, "Appmax asks to slow down, try again later"
    APPMAX_TIMEOUT = "appmax_timeout", 504, "Appmax did not answer in time"

    # The installation.
    INVALID_APP_ID = "invalid_app_id", 400, "invalid app_id"
    TOKEN_REQUIRED = "token_required", 400, "token is required"
    INVALID_CREDENTIALS = "invalid_credentials", 400, "Appmax refuses client_id and client_secret"
    INSTALLATION_ALREADY_CONFIRMED = "installation_already_confirmed", 409, "installation already confirmed"
    RECONNECT_LINK_SPENT = "reconnect_link_spent", 409, "installation already confirmed"
    INITIATION_FAILED = "initiation_failed", 502, "failed to initiate installation"
    GENERATION_FAILED = "generation_failed", 502, "failed to generate merchant credentials"
    RECONNECTING_UNAVAILABLE = (
        "reconnecting_unavailable",
        503,
        "reconnecting is not possible just now, try again later",
    )
    NOT_CONFIGURED = "not_configured", 503

    # Something is wrong on our side.
    INTERNAL_ERROR = "internal_error", 500, "internal server error"
    SERVER_BUSY = "server_busy", 503, "too many requests wait for Appmax, try again later; nothing was done"
    DATABASE_UNAVAILABLE = "database_unavailable", 503, "the database is not available, try again"
    NOT_READY = "not_ready", 503, "not ready"

    @property
    def status(self) -> int:
        """The first of the statuses."""
        return self.statuses[0]
