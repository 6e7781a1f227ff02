"""Exception → `{"message": ...}`: the only place that says what a caller is told when something goes wrong."""

import sys
from collections.abc import ItemsView
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.debug import SafeExceptionReporterFilter
from rest_framework.exceptions import APIException, ParseError, Throttled, ValidationError
from rest_framework.response import Response

from appmax.errors import (
    AppmaxError,
    CredentialsRefused,
    CredentialsUnreadable,
    Declined,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from web.api import wants_page
from web.pages import FORM_EXPIRED, error_page

log = structlog.stdlib.get_logger(__name__)

PAYMENT_DECLINED = "payment declined"
NO_DATABASE = "the database is not available, try again"
OUTCOME_UNKNOWN = "Appmax did not confirm the outcome; it is not known yet, ask for the status before trying again"


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | HttpResponse | None:
    """DRF's hook. None lets the exception go on to Django's 500."""
    answer = _answer(exc)
    if answer is None:
        return None
    code, body, headers = answer
    request = context["request"]
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(exc, AppmaxError):
        route = request.resolver_match.route if request.resolver_match else "-"
        trace = getattr(exc, "trace", {})
        log.warning("request.failed", route=route, status=code, error=type(exc).__name__, **trace)
    if getattr(context["view"], "has_pages", False) and request.method in ("GET", "HEAD") and wants_page(request):
        return error_page(request._request, code, body["message"], headers, getattr(exc, "page", None))
    return Response(_encodable(body), status=code, headers=headers)


def _answer(exc: Exception) -> tuple[int, dict[str, Any], dict[str, str]] | None:
    """Status, body and headers for an exception; None if it is a bug."""
    if isinstance(exc, AppmaxError):
        return _appmax_answer(exc)
    if isinstance(exc, ParseError):
        return 400, {"message": "invalid request body"}, {}
    if isinstance(exc, ValidationError):
        return 400, _validation_body(exc), {}
    if isinstance(exc, Throttled):
        return 429, {"message": "too many requests, try again later"}, {"Retry-After": str(ceil(exc.wait or 1))}  # type: ignore[attr-defined] # the stubs lack it
    if isinstance(exc, APIException):
        scheme = getattr(exc, "auth_header", None)
        return exc.status_code, {"message": str(exc.detail)}, {"WWW-Authenticate": scheme} if scheme else {}
    if isinstance(exc, Http404):
        return 404, {"message": "not found"}, {}
    if isinstance(exc, PermissionDenied):
        return 403, {"message": "forbidden"}, {}
    if isinstance(exc, OperationalError | InterfaceError):
        return 503, {"message": NO_DATABASE}, {"Retry-After": "5"}
    return None


def _appmax_answer(exc: AppmaxError) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Contract, section 4.2."""
    match exc:
        case Declined():
            reason = {"reason": exc.message} if exc.message not in ("", PAYMENT_DECLINED) else {}
            return 422, {"message": PAYMENT_DECLINED, **reason}, {}
        case Rejected():
            return exc.status or 422, {"message": exc.message}, {}
        case OutcomeUnknown(timed_out=timed_out):
            return (504 if timed_out else 502), {"message": OUTCOME_UNKNOWN}, {}
        case Unavailable(retry_after=int(seconds)):
            return 503, {"message": "Appmax asks to slow down, try again later"}, {"Retry-After": str(seconds)}
        case Unavailable(timed_out=True):
            return 504, {"message": "Appmax did not answer in time"}, {}
        case CredentialsUnreadable():
            return 502, {"message": "this installation's credentials can't be read; nothing was sent to Appmax"}, {}
        case CredentialsRefused():
            return 502, {"message": "Appmax refused this installation's credentials"}, {}
        case _:
            return 502, {"message": "Appmax is not available"}, {}


def _validation_body(exc: ValidationError) -> dict[str, Any]:
    """`{"message", "errors": {"order.products.0.sku": [..]}}`; the first fault is the message."""
    errors = dict(_flat(exc.detail))
    field, faults = next(iter(errors.items()))
    message = faults[0] if not field or field in faults[0] else f"{field}: {faults[0]}"
    return {"message": message, "errors": errors} if field else {"message": message}


def _encodable(value: Any) -> Any:
    """Messages may quote what was sent, lone surrogates included, and those can't be written as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return value


def _flat(detail: Any, path: str = "") -> list[tuple[str, list[str]]]:
    """Nested error details as (dotted path, messages) pairs."""
    if isinstance(detail, dict):
        items = [(str(key), value) for key, value in detail.items()]
    elif any(isinstance(item, dict) for item in detail):
        items = [(str(index), value) for index, value in enumerate(detail) if value]
    else:
        return [(path, [str(message) for message in detail])]
    return [
        pair
        for key, value in items
        for pair in _flat(value, path if key == "non_field_errors" else f"{path}.{key}".lstrip("."))
    ]


def refusal(request: HttpRequest, code: int, message: str) -> HttpResponse:
    """The page, or `{"message"}` for a program."""
    if wants_page(request):
        return error_page(request, code, message, {})
    return JsonResponse({"message": message}, status=code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400; 413 for a body over the limit."""
    if isinstance(exception, RequestDataTooBig):
        return refusal(request, 413, "request body is too large")
    return refusal(request, 400, "bad request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return refusal(request, 403, "forbidden")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return refusal(request, 404, "not found")


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: the form is older than the login, or was sent by somebody else's page."""
    message = "the form has expired, load it again"
    if wants_page(request):
        return error_page(request, 403, message, {}, FORM_EXPIRED)
    return JsonResponse({"message": message}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: says nothing of what happened; 503 if it is the database that is away."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        response = refusal(request, 503, NO_DATABASE)
        response["Retry-After"] = "5"
        return response
    return refusal(request, 500, "internal server error")


class NoVariables(SafeExceptionReporterFilter):
    """Error reports, the page of APP_DEBUG included, show no values of variables: a card number may be among them."""

    def is_active(self, request: HttpRequest | None) -> bool:
        """Debugging or not."""
        return True

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> ItemsView[str, Any]:
        """Names only."""
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
