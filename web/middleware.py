"""Middleware: what mends requests on their way in, and the short chain that programs' requests take."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string

from web.api import wants_page

_API = ("/checkout/", "/installations/")
_POSTED = ("/webhooks/", "/integrations/")  # A POST to these is a program's, and a GET asks for a page.


def is_read_by_api(request: HttpRequest) -> bool:
    """Whether the API's parser reads the body. It takes MAX_BODY_BYTES at most, and writes no file."""
    return request.path.startswith(_API + _POSTED)


def is_of_program(request: HttpRequest) -> bool:
    """Whether a program calls a route of the API, so that every answer must be JSON."""
    is_api = request.path.startswith(_API) or (request.method == "POST" and request.path.startswith(_POSTED))
    return is_api and not wants_page(request)


class ProgramsSkipPages:
    """Sends programs' requests through PROGRAM_MIDDLEWARE, and past all that follows this one in MIDDLEWARE: programs
    have no session, user or form, and need no policies for browsers. That is a fifth of a webhook's processor time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._short = _innermost(get_response)
        for name in reversed(settings.PROGRAM_MIDDLEWARE):
            self._short = convert_exception_to_response(import_string(name)(self._short))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._short(request) if is_of_program(request) else self.get_response(request)


def _innermost(get_response: Any) -> Any:
    """What Django's chain of middleware leads to: the handler that resolves the URL and calls the view. Each layer is
    wrapped by `convert_exception_to_response`, and has the next one as its `get_response`."""
    while layer := getattr(getattr(get_response, "__wrapped__", None), "get_response", None):
        get_response = layer
    return get_response


class SecurityForPrograms(SecurityMiddleware):
    """Redirects to https and sets the headers that concern any client. The two that tell a browser how to treat a page
    are left out."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.referrer_policy = self.cross_origin_opener_policy = None


class SpeaksEnglish:
    """Programs are answered in English."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        translation.activate("en")
        return self.get_response(request)


class Language(LocaleMiddleware):
    """Pages are in the reader's language, which Accept-Language tells."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """A view of REST framework, which has a `cls`, answers programs, unless a browser asks for its page. Django
        calls this for all requests, and those of PROGRAM_MIDDLEWARE, which have no LANGUAGE_CODE, are in English."""
        is_chosen = hasattr(request, "LANGUAGE_CODE")
        if is_chosen and hasattr(view, "cls") and (request.path.startswith(_API) or not wants_page(request)):
            translation.activate("en")


class ProbesUnderAnyName:
    """Answers /health, /health/ready and /metrics whatever the Host header says.

    A load balancer, a supervisor and Prometheus know a process by its address, which ALLOWED_HOSTS can't name. The
    answers don't contain the host.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._paths = {reverse(name) for name in ("health", "ready", "metrics")}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Gives these requests the first of ALLOWED_HOSTS as their host."""
        if request.path in self._paths:
            request.get_host = lambda: settings.ALLOWED_HOSTS[0]  # type: ignore[method-assign]
        return self.get_response(request)


class MendsAddresses:
    """Corrects paths that Appmax posts to. Somebody typed them into its panel, and a slash too many, a space or a
    capital must not lose events: `//webhooks/appmax`, `/webhooks/appmax/` and `/Webhooks/appmax%20` all become
    `/webhooks/appmax`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Paths of other routes aren't changed, because an external_key may hold slashes and capitals."""
        parts = [part.strip() for part in request.path_info.lower().split("/")]
        mended = "/" + "/".join(part for part in parts if part)
        if mended.startswith(_POSTED):
            request.path = request.path_info = mended
        return self.get_response(request)


class KeepsMethod:
    """Redirects a POST with 308 instead of 301, so that the client posts the same again.

    Django redirects http to https with 301, after which most clients send a GET, and a webhook would be lost.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Changes every permanent redirect of a request other than GET and HEAD."""
        response = self.get_response(request)
        if response.status_code == HTTPStatus.MOVED_PERMANENTLY and request.method not in ("GET", "HEAD"):
            response.status_code = HTTPStatus.PERMANENT_REDIRECT
        return response
