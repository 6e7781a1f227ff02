"""The second line against secrets in logs and error reports; the first is not to log them. And a request's id."""

import logging
import re
import uuid
from collections.abc import Callable, ItemsView
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.debug import SafeExceptionReporterFilter

MASK = "••••"

_NAMES = "number|cvv|expiration_(?:month|year)|holder_name|token|client_secret|merchant_client_secret|access_token"
_PATTERNS = (
    # card numbers: 13 to 19 digits, with single spaces or dashes between them or none
    (re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w.-])"), MASK),
    # "cvv": "123" and the like, in JSON, Python or query strings
    (re.compile(rf"""(["']?\b(?:{_NAMES})\b["']?\s*[:=]\s*["']?)([^"',&\s}}]+)""", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(Bearer|Api-Key|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {MASK}"),
)


def scrub(text: str) -> str:
    """The text without what looks like a card number, a card's field, a token or a secret."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class RequestId:
    """Middleware: `request.request_id` is the caller's X-Request-ID, or a new one; the answer carries it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Sets it, and passes on."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class ScrubbingFormatter(logging.Formatter):
    """Scrubs the finished line, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines, without secrets."""
        return scrub(super().format(record))


class NoVariables(SafeExceptionReporterFilter):
    """Error reports, the page of APP_DEBUG included, show no values of variables: a card number may be among them."""

    def is_active(self, request: HttpRequest | None) -> bool:
        """Debugging or not."""
        return True

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> ItemsView[str, Any]:
        """Names only."""
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
