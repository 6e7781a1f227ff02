"""What is known of every request: its number, one line in the log, and the figures of /metrics. Who may ask what under
any name."""

import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django_otp.middleware import OTPMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

from checkout_project import metrics
from checkout_project.api import wants_page
from checkout_project.errors import refusal

log = structlog.stdlib.get_logger(__name__)

_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class Observed:
    """`request.request_id` is the caller's X-Request-ID, or a new one. The answer carries it, and so do the lines
    that are logged and the calls to Appmax that are made meanwhile."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Never logs query strings (a webhook's URL may carry a token), headers or bodies."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        started = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        seconds = time.perf_counter() - started
        metrics.record_request(request, response.status_code, seconds)
        log.info(
            "request.finished",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response


@receiver(request_finished)
def _forget_number(**signal: Any) -> None:
    """Not before: Django itself logs a request that failed after all middleware."""
    structlog.contextvars.unbind_contextvars("request_id")


class _ForPages:
    """A middleware that requests of programs go past: they have no session, no user and no form."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        """As the middleware's own, for a page."""
        return self.get_response(request) if is_of_program(request) else super().__call__(request)  # type: ignore[misc]


_API = ("/checkout/", "/installations/")
_POSTED = ("/webhooks/", "/integrations/")  # GET is a page


def is_of_program(request: HttpRequest) -> bool:
    """Whether a program asks a route of the API, and gets JSON whatever happens."""
    is_api = request.path.startswith(_API) or (request.method == "POST" and request.path.startswith(_POSTED))
    return is_api and not wants_page(request)


class PageContentSecurity(_ForPages, CSPMiddleware):
    """django-csp's."""


class PagePermissions(_ForPages, PermissionsPolicyMiddleware):
    """django-permissions-policy's."""


class PageSession(_ForPages, SessionMiddleware):
    """Django's."""


class PageUser(_ForPages, AuthenticationMiddleware):
    """Django's."""


class PageSecondFactor(_ForPages, OTPMiddleware):  # type: ignore[misc]
    """django-otp's."""


class PageMessages(_ForPages, MessageMiddleware):
    """Django's."""


class ProbesUnderAnyName:
    """A load balancer, a supervisor and Prometheus know a process by its address, which no ALLOWED_HOSTS can name. What
    they ask is answered whatever its Host header says, and no answer of these holds it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._paths = {reverse(name) for name in ("health", "ready", "metrics")}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Their host is the first of ALLOWED_HOSTS."""
        if request.path in self._paths:
            request.get_host = lambda: settings.ALLOWED_HOSTS[0]  # type: ignore[method-assign]
        return self.get_response(request)


class KeepsMethod:
    """Who posts over http is sent to https by Django with 301, after which most clients ask with GET: a webhook would be
    lost. 308 has them post the same again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Every permanent redirect of a request that isn't a mere reading."""
        response = self.get_response(request)
        if response.status_code == HTTPStatus.MOVED_PERMANENTLY and request.method not in ("GET", "HEAD"):
            response.status_code = HTTPStatus.PERMANENT_REDIRECT
        return response


class LimitsBodies:
    """Refuses a body of more than MAX_BODY_BYTES before a parser sees any of it. A page's body is read here, as far as
    it may go, so that nothing of it is ever written to a temporary file; the routes of programs have a parser that
    counts by itself, once the API key is known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """413, 411 or 408, and the connection is closed with the rest of the body unread."""
        is_chunked = "Transfer-Encoding" in request.headers
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not is_chunked and (not length.isdigit() or int(length) > settings.MAX_BODY_BYTES):
            return refusal(request, 413, "request body is too large")
        if is_of_program(request):
            return self.get_response(request)
        if is_chunked:
            return refusal(request, 411, "Content-Length is required")
        if request.method == "POST":
            try:
                _ = request.body
            except UnreadablePostError:
                return refusal(request, 408, "the request body did not arrive in time")
        return self.get_response(request)


class NoFiles(FileUploadHandler):
    """The only upload handler: no page of ours takes files, so a form that brings one is 400."""

    def new_file(self, *args: Any, **options: Any) -> None:
        """Raises BadRequest."""
        raise BadRequest("files are not taken here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called."""

    def file_complete(self, file_size: int) -> None:
        """Never called."""
