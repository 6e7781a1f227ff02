"""The common parts of our pages: the environment's name, the public URL, and the error page."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def environment(request: HttpRequest) -> dict[str, str]:
    """Template context that tells whether money is real (`production`, `sandbox` or `simulator`), and who helps."""
    return {
        "appmax_environment": settings.APPMAX_ENVIRONMENT,
        "support_email": settings.SUPPORT_EMAIL,
        "support_url": settings.SUPPORT_URL,
    }


def public_url(request: HttpRequest) -> str:
    """Our public URL, without a trailing slash.

    It is NGROK_URL, or else APP_URL, or else what our TRUSTED_PROXIES say, or else this machine. A Host header without
    such a proxy never counts, as anybody can send it. Raises DisallowedHost.
    """
    forwarded = settings.TRUSTED_PROXIES and "X-Forwarded-Host" in request.headers
    if settings.IS_PUBLIC_URL_NAMED or not forwarded:
        return str(settings.PUBLIC_URL)
    return f"{request.scheme}://{request.get_host()}"


@dataclass(frozen=True)
class ErrorText:
    """What a person reads in place of an API's message. `again` tells that asking for the same page once more may
    help. A view's own texts are its `error_pages`."""

    title: Promise
    advice: Promise
    again: bool = False


_BROKEN = ErrorText(_("Something broke on our side"), _("It is in our log. Please tell us the request's number below."))

FORM_EXPIRED = ErrorText(_("The form has expired"), _("Go back, load the page again and send it once more."))

_TEXTS = {
    400: ErrorText(_("This link is incomplete or wrong"), _("Please start again from the first page.")),
    403: ErrorText(_("This page is not open to you"), _("Sign in with an account that may see it.")),
    404: ErrorText(_("There is no such page"), _("Check the address, or start from the first page.")),
    405: ErrorText(_("This address can't be used like that"), _("Please start again from the first page.")),
    413: ErrorText(_("That was too much at once"), _("What was sent is larger than we take.")),
    429: ErrorText(_("That was too often"), _("Nothing has been changed. Try again in a few minutes."), again=True),
    500: _BROKEN,
    502: ErrorText(_("Appmax could not be reached"), _("Nothing has been changed. Try again in a minute."), again=True),
    503: ErrorText(_("We are not available just now"), _("Nothing is lost. Try again in a few seconds."), again=True),
    504: ErrorText(_("Appmax didn't answer"), _("Nothing has been changed. Try again in a minute."), again=True),
}


def error_page(
    request: HttpRequest, code: int, message: str, headers: dict[str, str], text: ErrorText | None = None
) -> HttpResponse:
    """The page for an error. `message` is the API's message, which the page shows small."""
    context = {"code": code, "message": message, "text": text or _TEXTS.get(code, _BROKEN)}
    page = render(request, "error.html", context, status=code)
    for name, value in headers.items():
        page[name] = value
    return page
