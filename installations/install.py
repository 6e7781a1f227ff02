"""The installation of the app by a merchant: begun at /install/start, confirmed by browser or by Appmax itself.

Both confirmations may come in any order, at once and repeatedly (contract, 4 and 4.1). Appmax calls the second while
the first waits for its answer, so nothing here holds a lock or a connection over a call to Appmax.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import quote

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError

from appmax.errors import AppmaxError, Rejected
from appmax.tokens import Credentials
from installations import gateway
from installations.models import Installation, external_id_for
from web.pages import ErrorText

log = structlog.stdlib.get_logger(__name__)

CALLBACK_PATH = "/integrations/appmax/callback/install"
UNDER_WAY_SECONDS = 3600
PROBE_APP_ID = "DEMO_APP_ID"  # what Appmax's URL validator sends


class InvalidAppId(ValidationError):
    """400: the app_id isn't ours; says so when it is the app's other id, the classic mistake."""

    page = ErrorText(_("This link is for another app"), _("Its app_id is not this app's. Please start from here."))

    def __init__(self, app_id: str, *, other_id: str, hint: str) -> None:
        super().__init__({"app_id": ["invalid app_id", *([hint] if other_id and app_id == other_id else [])]})


class TokenRequired(APIException):
    """400: the browser came back without the hash."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "token is required"
    page = ErrorText(
        _("This is where Appmax brings you back to"),
        _("The address works only when you come from Appmax's page, after pressing Salvar there. Please start there."),
    )


class InitiationFailed(APIException):
    """502: Appmax gave no hash."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "failed to initiate installation"
    page = ErrorText(
        _("Appmax did not begin the installation"), _("Nothing has been changed. Try again in a minute."), again=True
    )


class GenerationFailed(APIException):
    """502: Appmax gave no credentials, and the installation has none yet."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "failed to generate merchant credentials"
    page = ErrorText(
        _("Appmax didn't complete the installation"),
        _("The app is not installed yet, and your shop is as it was. Please install it once more from the start."),
    )


class AlreadyConfirmed(APIException):
    """409: somebody who isn't proven to be Appmax wants to replace a merchant's credentials."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "installation already confirmed"


@dataclass(frozen=True)
class Callback:
    """The body of Appmax's installation callback; only app_id is certain to be there."""

    app_id: str
    external_key: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    @property
    def credentials(self) -> Credentials | None:
        """None unless both halves are there."""
        if not (self.client_id and self.client_secret):
            return None
        return Credentials(client_id=self.client_id, client_secret=self.client_secret)


def begin(*, app_id: str, external_key: str, public_url: str) -> str:
    """Start an installation; returns the URL in Appmax's panel where the merchant authorises it.

    `public_url`: where Appmax finds us, without a trailing slash. Raises NotConfigured, InvalidAppId, InitiationFailed.
    """
    gateway.require_configured("APPMAX_CLIENT_ID", "APPMAX_CLIENT_SECRET", "APPMAX_APP_ID_UUID")
    _check_uuid(app_id)
    try:
        token = gateway.app_client().authorize(
            app_id=app_id, external_key=external_key, callback_url=public_url + CALLBACK_PATH
        )
    except Rejected as error:
        raise InitiationFailed(error.message) from error
    except AppmaxError as error:
        raise InitiationFailed from error
    cache.set(_started_key(token), {"app_id": app_id, "external_key": external_key}, UNDER_WAY_SECONDS)
    cache.set(_under_way_key(external_key), True, UNDER_WAY_SECONDS)
    log.info("install.begun")
    return f"{settings.APPMAX_ADMIN_URL}/appstore/integration/{quote(token, safe='')}"


def confirm_by_browser(*, token: str) -> Installation | None:
    """The merchant came back with the hash: fetch the credentials and keep them.

    None if the hash is unknown or used: Appmax's own callback does or did the work. Raises InvalidAppId, NotConfigured,
    GenerationFailed.
    """
    started = _take(_started_key(token))
    if started is None:
        return None
    _check_uuid(started["app_id"])
    external_key = started["external_key"]
    try:
        credentials = gateway.app_client().generate_merchant_credentials(token=token)
    except AppmaxError as error:
        log.warning("install.generate_failed", error=type(error).__name__, **error.trace)
        # Appmax may have given up on our call after its own callback had delivered the credentials.
        if confirmed := Installation.objects.filter(external_key=external_key).first():
            return confirmed
        raise GenerationFailed from error
    installation = Installation.objects.upsert(
        external_key=external_key, app_id=started["app_id"], credentials=credentials
    )
    gateway.forget_token(installation)
    cache.delete(_under_way_key(external_key))
    log.info("install.confirmed", by="browser", installation=installation.pk)
    return installation


def confirm_by_appmax(callback: Callback) -> uuid.UUID:
    """Appmax's installation callback; returns the external_id to answer. Raises InvalidAppId, AlreadyConfirmed."""
    if not settings.APPMAX_APP_ID_NUMERIC or callback.app_id == PROBE_APP_ID:
        return uuid.uuid4()  # nothing is stored: this is a URL validator's visit
    if callback.app_id != settings.APPMAX_APP_ID_NUMERIC:
        raise InvalidAppId(
            callback.app_id,
            other_id=settings.APPMAX_APP_ID_UUID,
            hint="this is the app's UUID; the callback carries its numeric id (APPMAX_APP_ID_NUMERIC)",
        )
    if not callback.external_key:
        return uuid.uuid4()
    if callback.credentials is None:
        known = Installation.objects.filter(external_key=callback.external_key).values_list("external_id", flat=True)
        return known.first() or external_id_for(callback.external_key)

    with transaction.atomic():
        current = Installation.objects.insert_or_lock(
            external_key=callback.external_key, app_id=callback.app_id, credentials=callback.credentials
        )
        if current.holds(callback.credentials):
            current.confirm(callback.credentials)
            log.info("install.confirmed", by="appmax", installation=current.pk)
            return current.external_id
    return _replace(current, callback.credentials)


def _replace(seen: Installation, credentials: Credentials) -> uuid.UUID:
    """Nobody proves who they are on this route: other credentials count only while an installation begun by us is under
    way, if Appmax's auth server accepts them, and if nobody else has replaced them meanwhile (contract, 4.1)."""
    if not (cache.get(_under_way_key(seen.external_key)) and gateway.accepts(credentials)):
        _refuse(seen)
    with transaction.atomic():
        current = Installation.objects.select_for_update().get(pk=seen.pk)
        if not (current.holds(seen.credentials) or current.holds(credentials)):
            _refuse(seen)
        current.confirm(credentials)
    gateway.forget_token(current)
    log.info("install.credentials_replaced", by="appmax", installation=current.pk)
    return current.external_id


def _refuse(installation: Installation) -> NoReturn:
    log.warning("install.replacement_refused", installation=installation.pk)
    raise AlreadyConfirmed


def _check_uuid(app_id: str) -> None:
    if app_id != settings.APPMAX_APP_ID_UUID:
        raise InvalidAppId(
            app_id,
            other_id=settings.APPMAX_APP_ID_NUMERIC,
            hint="this is the app's numeric id; the installation starts with its UUID (APPMAX_APP_ID_UUID)",
        )


def _started_key(token: str) -> str:
    return f"install:{token}"


def _under_way_key(external_key: str) -> str:
    return f"install_under_way:{external_key}"


def _take(key: str) -> dict[str, Any] | None:
    """Read once, then gone: of several readers, the one whose delete counted gets the value."""
    value: dict[str, Any] | None = cache.get(key)
    return value if value is not None and cache.delete(key) else None
