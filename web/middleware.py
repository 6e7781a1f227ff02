"""Middleware that only pages need, which requests of programs skip; and health probes, which may ask under any name."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation
from django_otp.middleware import OTPMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

from web.api import wants_page


class _ForPages:
    """A middleware that requests of programs go past: they have no session, no user and no form."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        """As the middleware's own, for a page."""
        return self.get_response(request) if is_of_program(request) else super().__call__(request)  # type: ignore[misc]


_API = ("/checkout/", "/installations/")
_POSTED = ("/webhooks/", "/integrations/")  # GET is a page


def is_read_by_api(request: HttpRequest) -> bool:
    """Whether the body, if there is one, is read by the API's parser, which takes a mebibyte and writes no file."""
    return request.path.startswith(_API + _POSTED)


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


class Language(LocaleMiddleware):
    """Pages speak the reader's language. Programs are answered in English whatever Accept-Language says."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """A view of REST framework (it has a `cls`) answers programs, unless a browser asks for its page."""
        if hasattr(view, "cls") and (request.path.startswith(_API) or not wants_page(request)):
            translation.activate("en")


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


class MendsAddresses:
    """What Appmax posts to was typed into its panel: a slash too many, a space or a capital there must not lose events.
    So `//webhooks/appmax`, `/webhooks/appmax/` and `/Webhooks/appmax%20` are `/webhooks/appmax` from here on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Paths of other routes stay as they came: an external_key may have slashes, and capitals of its own."""
        parts = [part.strip() for part in request.path_info.lower().split("/")]
        mended = "/" + "/".join(part for part in parts if part)
        if mended.startswith(_POSTED):
            request.path = request.path_info = mended
        return self.get_response(request)


class KeepsMethod:
    """Who posts over http is sent to https by Django with 301, after which most clients ask with GET: a webhook would
    be lost. 308 has them post the same again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Every permanent redirect of a request that isn't a mere reading."""
        response = self.get_response(request)
        if response.status_code == HTTPStatus.MOVED_PERMANENTLY and request.method not in ("GET", "HEAD"):
            response.status_code = HTTPStatus.PERMANENT_REDIRECT
        return response
