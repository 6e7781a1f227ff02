"""Turns exceptions into answers `{"code", "message"}`, which is done nowhere else.

Errors of the use cases have their codes in each app's `errors.py`, which the app's views name as `error_codes`. Errors
of libraries and of the gateway have theirs here. The codes themselves are in `web/codes.py`.
"""

import sys
from collections.abc import ItemsView, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any

import psycopg
import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.debug import SafeExceptionReporterFilter
from rest_framework.exceptions import (
    AuthenticationFailed,
    MethodNotAllowed,
    NotFound,
    ParseError,
    PermissionDenied,
    Throttled,
    ValidationError,
)
from rest_framework.response import Response

from appmax import failures
from appmax.errors import (
    AppmaxError,
    CredentialsRefused,
    CredentialsUnreadable,
    Declined,
    OutcomeUnknown,
    Rejected,
    TooFast,
    Unavailable,
)
from web.api import BodyTooLarge, wants_page
from web.codes import Code
from web.pages import FORM_EXPIRED, ErrorText, error_page

log = structlog.stdlib.get_logger(__name__)

ErrorCodes = Mapping[type[Exception], Code]

_OF_LIBRARIES: ErrorCodes = {
    AuthenticationFailed: Code.INVALID_API_KEY,
    ParseError: Code.INVALID_REQUEST_BODY,
    BodyTooLarge: Code.BODY_TOO_LARGE,
    ValidationError: Code.INVALID_FIELDS,
    Throttled: Code.TOO_MANY_REQUESTS,
    MethodNotAllowed: Code.METHOD_NOT_ALLOWED,
    PermissionDenied: Code.FORBIDDEN,
    DjangoPermissionDenied: Code.FORBIDDEN,
    NotFound: Code.NOT_FOUND,
    Http404: Code.NOT_FOUND,
    OperationalError: Code.DATABASE_UNAVAILABLE,
    InterfaceError: Code.DATABASE_UNAVAILABLE,
}


@dataclass(frozen=True)
class ErrorAnswer:
    """An error as it is answered. `status` and `message` are the code's unless they are given. `details` are further
    fields of the body."""

    code: Code
    status: int = 0
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def status_code(self) -> int:
        return self.status or self.code.status

    @property
    def body(self) -> dict[str, Any]:
        return {"code": self.code.value, "message": self.message or self.code.message, **self.details}


DATABASE_AWAY = ErrorAnswer(Code.DATABASE_UNAVAILABLE, headers={"Retry-After": "5"})


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | HttpResponse | None:
    """REST framework calls this for every exception. None lets it go on to Django's 500."""
    view, request = context["view"], context["request"]
    answer = _answer(exc, getattr(view, "error_codes", {}))
    if answer is None:
        return None
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(exc, AppmaxError):
        route = request.resolver_match.route if request.resolver_match else "-"
        told = {"status": answer.status_code, "code": answer.code.value}
        log.warning("request.failed", route=route, **told, error=type(exc).__name__, **getattr(exc, "trace", {}))
    if getattr(view, "has_pages", False) and request.method in ("GET", "HEAD") and wants_page(request):
        text = getattr(view, "error_pages", {}).get(answer.code)
        return error_page(request._request, answer.status_code, answer.body["message"], answer.headers, text)
    return Response(_encodable(answer.body), status=answer.status_code, headers=answer.headers)


def _answer(exc: Exception, codes_of_view: ErrorCodes) -> ErrorAnswer | None:
    """The answer to the exception; None if it is a bug.

    If an app's own error is also one of the gateway's, the app's code counts. An app's error may name the `field` that
    is at fault, and have `hints` beside its message.
    """
    if code := _code(exc, codes_of_view):
        message, name = str(exc) or code.message, getattr(exc, "field", None)
        errors = {name: [message, *getattr(exc, "hints", ())]} if name else None
        return ErrorAnswer(code, message=message, details={"errors": errors} if errors else {})
    if isinstance(exc, AppmaxError):
        return _of_gateway(exc)
    return _of_library(exc)


def _code(exc: Exception, codes: ErrorCodes) -> Code | None:
    """The code of the exception's class, or of the nearest class above it."""
    return next((codes[each] for each in type(exc).__mro__ if each in codes), None)


def _of_gateway(exc: AppmaxError) -> ErrorAnswer:
    """The answer to an error of the gateway, by contract section 4.2."""
    match exc:
        case Declined():
            is_said = exc.message not in ("", failures.NO_REASON)
            return ErrorAnswer(Code.PAYMENT_DECLINED, details={"reason": exc.message} if is_said else {})
        case Rejected():
            return ErrorAnswer(Code.APPMAX_REFUSED, exc.status or 422, exc.message)
        case OutcomeUnknown(timed_out=timed_out):
            return ErrorAnswer(Code.OUTCOME_UNKNOWN, 504 if timed_out else 502)
        case TooFast(retry_after=int(seconds)):
            return ErrorAnswer(Code.APPMAX_LIMIT_REACHED, headers={"Retry-After": str(seconds)})
        case Unavailable(retry_after=int(seconds)):
            return ErrorAnswer(Code.APPMAX_RATE_LIMITED, headers={"Retry-After": str(seconds)})
        case Unavailable(timed_out=True):
            return ErrorAnswer(Code.APPMAX_TIMEOUT)
        case CredentialsUnreadable():
            return ErrorAnswer(Code.CREDENTIALS_UNREADABLE)
        case CredentialsRefused():
            return ErrorAnswer(Code.CREDENTIALS_REFUSED)
        case _:
            return ErrorAnswer(Code.APPMAX_UNAVAILABLE)


def _of_library(exc: Exception) -> ErrorAnswer | None:
    code = _code(exc, _OF_LIBRARIES)
    match exc:
        case ValidationError():
            return _of_validation(exc)
        case Throttled():
            seconds = ceil(exc.wait or 1)  # type: ignore[attr-defined] # the stubs lack it
            return ErrorAnswer(Code.TOO_MANY_REQUESTS, headers={"Retry-After": str(seconds)})
        case AuthenticationFailed():
            scheme = exc.auth_header  # type: ignore[attr-defined] # APIView.handle_exception gives it one
            return ErrorAnswer(Code.INVALID_API_KEY, headers={"WWW-Authenticate": scheme})
        case MethodNotAllowed():
            return ErrorAnswer(Code.METHOD_NOT_ALLOWED, message=str(exc.detail))
        case _ if is_database_away(exc):
            return DATABASE_AWAY
    return ErrorAnswer(code) if code else None


def is_database_away(exc: BaseException | None) -> bool:
    """Whether the database, and no fault of ours, is why this was raised.

    psycopg raises its plain InternalError if PostgreSQL ends during a COMMIT: it gets the warning and the error of the
    end as two results. A standby that isn't promoted yet refuses to write with ReadOnlySqlTransaction, an InternalError
    as well. PostgreSQL's other InternalErrors are faults of ours.
    """
    if isinstance(exc, OperationalError | InterfaceError):
        return True
    cause = exc.__cause__ if isinstance(exc, InternalError) else None
    return type(cause) is psycopg.InternalError or isinstance(cause, psycopg.errors.ReadOnlySqlTransaction)


def _of_validation(exc: ValidationError) -> ErrorAnswer:
    """The answer lists all faults as `errors` `{"order.products.0.sku": [..]}`. Its message is the first one."""
    errors = dict(_flat(exc.detail))
    name, faults = next(iter(errors.items()))
    message = faults[0] if not name or name in faults[0] else f"{name}: {faults[0]}"
    return ErrorAnswer(Code.INVALID_FIELDS, message=message, details={"errors": errors} if name else {})


def _encodable(value: Any) -> Any:
    """The value without lone surrogates, which can't be written as UTF-8. Messages may quote some from the request."""
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


def refusal(request: HttpRequest, answer: ErrorAnswer, text: ErrorText | None = None) -> HttpResponse:
    """The error page, with this text or else the status's own, or JSON for a program. This is for failures outside REST
    framework."""
    if wants_page(request):
        return error_page(request, answer.status_code, answer.body["message"], answer.headers, text)
    return JsonResponse(answer.body, status=answer.status_code, headers=answer.headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400. A body over the limit is answered 413."""
    is_too_large = isinstance(exception, RequestDataTooBig)
    return refusal(request, ErrorAnswer(Code.BODY_TOO_LARGE if is_too_large else Code.BAD_REQUEST))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return refusal(request, ErrorAnswer(Code.FORBIDDEN))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return refusal(request, ErrorAnswer(Code.NOT_FOUND))


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW, for a form that is older than the login or that another site's page has sent."""
    return refusal(request, ErrorAnswer(Code.FORM_EXPIRED), FORM_EXPIRED)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, which tells nothing of what happened. If the database is away, it answers 503."""
    return refusal(request, DATABASE_AWAY if is_database_away(sys.exception()) else ErrorAnswer(Code.INTERNAL_ERROR))


class NoVariables(SafeExceptionReporterFilter):
    """Keeps values of variables out of error reports and of the page that APP_DEBUG shows, because a card number may be
    among them."""

    def is_active(self, request: HttpRequest | None) -> bool:
        """The filter also works while debugging, unlike Django's own."""
        return True

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> ItemsView[str, Any]:
        """The variables' names, with a mask as the value of each."""
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
