"""The second line against secrets in logs and error reports. The first is not to log them."""

import logging
import re
from collections.abc import ItemsView
from typing import Any

from django.http import HttpRequest
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
