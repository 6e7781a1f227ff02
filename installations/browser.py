"""A signed cookie that tells which installation a browser has begun, and which one it has finished.

An external_key is no secret, and an installation's hash stands in URLs. So the first API key is for the one browser
that has begun the installation, and has come back with the hash for which Appmax then gave the credentials. A cookie
tells that without Redis; whether a key was made before is known by the database.
"""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from installations.models import Installation

LASTS = timedelta(hours=1)
_NAME = "installing"
_BEGUN, _FINISHED = "installations.begun", "installations.finished"  # the signature's salt


def note_begun(response: HttpResponse, token: str) -> None:
    """`token` is Appmax's hash."""
    _keep(response, token, _BEGUN)


def has_begun(request: HttpRequest, token: str) -> bool:
    """Whether this browser began the installation of this hash, within the last hour."""
    return constant_time_compare(_kept(request, _BEGUN), token)


def note_finished(response: HttpResponse, installation: Installation) -> None:
    """This browser may make the installation's first API key."""
    _keep(response, _named(installation), _FINISHED)


def has_finished(request: HttpRequest, installation: Installation) -> bool:
    """Whether this browser installed this installation, within the last hour."""
    return constant_time_compare(_kept(request, _FINISHED), _named(installation))


def _named(installation: Installation) -> str:
    """The installation with the Appmax account that it has now. Who installed it before another account took over has
    not installed this one."""
    account = hashlib.sha256(installation.merchant_client_id.encode()).hexdigest()
    return f"{installation.pk}:{account}"


def _keep(response: HttpResponse, value: str, salt: str) -> None:
    response.set_signed_cookie(
        _NAME,
        value,
        salt=salt,
        max_age=LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # The merchant comes back by a link or a redirect from Appmax's site.
    )


def _kept(request: HttpRequest, salt: str) -> str:
    """ "" unless the cookie is there, signed with this salt, and an hour old at most."""
    return request.get_signed_cookie(_NAME, default="", salt=salt, max_age=LASTS) or ""
