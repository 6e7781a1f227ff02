"""Common failures by name, and the shapes in which Appmax writes an error."""

from collections.abc import Mapping
from typing import Any

from simulator.records import Fault

ROUTES: Mapping[str, str] = {  # the method of each
    "/oauth2/token": "POST",
    "/app/authorize": "POST",
    "/app/client/generate": "POST",
    "/v1/customers": "POST",
    "/v1/orders": "POST",
    "/v1/orders/": "GET",
    "/v1/payments/credit-card": "POST",
    "/v1/payments/google-pay": "POST",
    "/v1/payments/apple-pay": "POST",
    "/v1/payments/pix": "POST",
    "/v1/payments/boleto": "POST",
    "/v1/payments/tokenize": "POST",
    "/v1/payments/installments": "POST",
    "/v1/orders/refund-request": "POST",
    "/v1/orders/shipping-tracking-code": "POST",
    "/v1/orders/upsell": "POST",
    "/v1/subscriptions": "POST",
    "/v1/subscriptions/": "GET",
    "/v1/payment-link": "POST",
}

_STATUSES: Mapping[str, str] = {  # and what such an error says
    "400": "Bad request",
    "402": "Payment not authorized",
    "403": "Payment not authorized",
    "404": "Not found",
    "409": "Conflict",
    "422": "The given data was invalid",
    "500": "Internal server error",
    "502": "Bad gateway",
    "503": "Service unavailable",
}

_TIMEOUT = {"message": "Gateway Timeout"}
_SLOW_DOWN = {"message": "Too many requests", "retryAfter": "2 seconds"}
_JSON = {"Content-Type": "application/json"}
_PAGE = "<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>"

_BLOCKED = "<!doctype html><title>Attention Required!</title><h1>Sorry, you have been blocked</h1>"
_RESTRICTED = {
    "success": False,
    "error": "Forbidden",
    "data": {"errorCode": "RESTRICTIVE_LIST", "message": "O CPF informado está em uma lista restritiva"},
}
_NO_ACCESS = {"error": "access_denied", "error_description": "The application has been uninstalled"}

_PARTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "The work is done, and the app doesn't learn of it": {
        "504 after charging": {"status": 504, "body": _TIMEOUT, "work": True},
        "hang 40 s after charging": {"hang": 40, "work": True},
        "connection reset after charging": {"reset": True, "work": True},
        "truncated JSON after charging": {"status": 201, "body": '{"data": {"pay', "headers": _JSON, "work": True},
        "HTML instead of JSON": {"status": 200, "body": _PAGE, "work": True},
        "a firewall's page with 403 after charging": {"status": 403, "body": _BLOCKED, "work": True},
        "data: []": {"status": 200, "body": {"data": []}, "work": True},
    },
    "Nothing is done": {
        "504 before charging": {"status": 504, "body": _TIMEOUT},
        "connection reset before charging": {"reset": True},
        "401": {"status": 401, "body": {"message": "Unauthenticated."}},
        "429 with Retry-After: 2": {"status": 429, "body": _SLOW_DOWN, "headers": {"Retry-After": "2"}},
        "success: false with 200": {"status": 200, "body": {"success": False, "text": "Not possible", "data": []}},
        "HTML page with 502": {"status": 502, "body": _PAGE},
        "a firewall's page with 403": {"status": 403, "body": _BLOCKED},
        "403: the payer is on a restrictive list": {"status": 403, "body": _RESTRICTED},
        "403: an OAuth error": {"status": 403, "body": _NO_ACCESS},
    },
    "Late, then as usual": {"slow: 6 s": {"hang": 6}},
    "Nothing is done; an error in the shape chosen below": {
        f"{status} in a shape": {"status": int(status)} for status in _STATUSES
    },
}
GROUPS: Mapping[str, tuple[str, ...]] = {group: tuple(parts) for group, parts in _PARTS.items()}
_FAILURES = {name: parts for group in _PARTS.values() for name, parts in group.items()}

ERROR_SHAPES = (
    "message",
    "errors.message",
    "errors.message by field",
    "errors by field",
    "error.message",
    "error.message list",
    "data.errors.message",
    "error_description",
    "success false",
    "data.message beside error",
    "retryAfter",
)


def error_body(shape: str, text: str) -> dict[str, Any]:
    """An error with this message, in one of `ERROR_SHAPES`."""
    shapes: dict[str, dict[str, Any]] = {
        "message": {"message": text},
        "errors.message": {"errors": {"message": text}},
        "errors.message by field": {"errors": {"message": {"field": [text]}}},
        "errors by field": {"errors": {"field": [text]}},
        "error.message": {"error": {"message": text}},
        "error.message list": {"error": {"message": [text, "Please try again"]}},
        "data.errors.message": {"data": {"errors": {"message": text}}},
        "error_description": {"error": "invalid_client", "error_description": text},
        "success false": {"success": False, "text": text, "data": []},
        "data.message beside error": {
            "success": False,
            "error": "Forbidden",
            "data": {"errorCode": "SIMULATED", "message": text},
        },
        "retryAfter": {"message": text, "retryAfter": "2 seconds"},
    }
    return shapes[shape]


def faults(failure: str, route: str, times: int, shape: str) -> list[Fault]:
    """The failure of this name on this route, or on each if it is empty; `times` 0: until it is switched off.

    Raises ValueError that says which of them there is not.
    """
    if failure not in _FAILURES:
        raise ValueError(f"failure must be one of {', '.join(_FAILURES)}")
    if route and route not in ROUTES:
        raise ValueError(f"route must be one of {', '.join(ROUTES)}")
    if shape not in ERROR_SHAPES:
        raise ValueError(f"shape must be one of {', '.join(ERROR_SHAPES)}")
    if not 0 <= times <= 1000:
        raise ValueError("times must be between 0 and 1000")
    parts = dict(_FAILURES[failure])
    if failure.endswith(" in a shape"):
        parts["body"] = error_body(shape, _STATUSES[failure[:3]])
        parts["headers"] = {"Retry-After": "2"} if shape == "retryAfter" else {}
    return [Fault(path, ROUTES[path], times, **parts) for path in ([route] if route else ROUTES)]
