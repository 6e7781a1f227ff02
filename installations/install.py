"""The installation of the app by a merchant: begun at /install/start, confirmed by browser or by Appmax itself.

Both confirmations may come in any order, at once and repeatedly (contract, 4 and 4.1). Appmax calls the second while
the first waits for its answer, so nothing here holds a lock or a connection over a call to Appmax.

Nobody proves who they are on these routes. What stops a stranger from taking an existing merchant's payments is in
reconnect.py, and three functions here ask it: `begin`, `_finish` and `_take_credentials`.
"""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from prometheus_client import Counter

from appmax.errors import AppmaxError, Rejected
from appmax.tokens import Credentials
from installations import clients, identities, reconnect
from installations.clients import Verdict
from installations.models import Installation
from installations.refusals import (
    AlreadyConfirmed,
    CacheAway,
    CredentialsRefused,
    GenerationFailed,
    InitiationFailed,
    InvalidAppId,
    LinkSpent,
)

log = structlog.stdlib.get_logger(__name__)

_credentials = Counter(
    "checkout_install_credentials", "Credentials of merchants that were replaced or refused", ["outcome"]
)

CALLBACK_PATH = "/integrations/appmax/callback/install"
UNDER_WAY_SECONDS = 3600
MOST_A_ROUND = 20  # installations that the worker asks Appmax about
PROBE_APP_ID = "DEMO_APP_ID"  # what Appmax's URL validator sends


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


def begin(*, app_id: str, external_key: str, public_url: str, reconnect: str = "") -> str:
    """Start an installation; returns the URL in Appmax's panel where the merchant authorises it.

    `public_url`: where Appmax finds us, without a trailing slash. `reconnect`: the token of a reconnect link, which the
    external_key of a confirmed installation needs. Raises NotConfigured, InvalidAppId, AlreadyConfirmed,
    InitiationFailed, CacheAway.
    """
    clients.require_configured("APPMAX_CLIENT_ID", "APPMAX_CLIENT_SECRET", "APPMAX_APP_ID_UUID")
    _check_uuid(app_id)
    link_id = _link_needed(external_key, reconnect)
    try:
        token = clients.app_client().authorize(
            app_id=app_id, external_key=external_key, callback_url=public_url + CALLBACK_PATH
        )
    except Rejected as error:
        raise InitiationFailed(error.message) from error
    except AppmaxError as error:
        raise InitiationFailed from error
    started: dict[str, Any] = {"app_id": app_id, "external_key": external_key}
    if link_id is not None:
        started["reconnect_link"] = link_id
    cache.set(_started_key(token), started, UNDER_WAY_SECONDS)
    cache.set(_under_way_key(external_key), True, UNDER_WAY_SECONDS)
    if link_id is not None and cache.get(_started_key(token)) is None:
        raise CacheAway
    log.info("install.begun", link=link_id)
    return f"{settings.APPMAX_ADMIN_URL}/appstore/integration/{quote(token, safe='')}"


def _link_needed(external_key: str, reconnect_token: str) -> int | None:
    """The id of the reconnect link; None if this external_key needs none. Raises AlreadyConfirmed."""
    known = Installation.objects.named(external_key)
    if known is None or not known.is_confirmed:
        return None
    link = reconnect.opened(known, reconnect_token)
    if link is None:
        raise _refused(known, LinkSpent if reconnect_token else AlreadyConfirmed)
    return link.pk


def confirm_by_browser(*, token: str) -> Installation | None:
    """The merchant came back with the hash: fetch the credentials and keep them.

    None if the hash is unknown or used: Appmax's own callback does or did the work. Raises InvalidAppId, NotConfigured,
    GenerationFailed, AlreadyConfirmed.
    """
    started = _take(_started_key(token))
    if started is None:
        return None
    _check_uuid(started["app_id"])
    external_key = started["external_key"]
    try:
        with identities.generating(external_key):
            credentials = clients.app_client().generate_merchant_credentials(token=token)
    except AppmaxError as error:
        log.warning("install.generate_failed", error=type(error).__name__, **error.trace)
        # Appmax may have given up on our call after its own callback had delivered the credentials; not those of a
        # reconnecting merchant, which only this call brings.
        confirmed = Installation.objects.named(external_key)
        if confirmed is None or "reconnect_link" in started:
            raise GenerationFailed from error
        return confirmed
    installation = _finish(started, credentials)
    cache.delete(_under_way_key(external_key))
    cache.set(_done_key(token), installation.pk, UNDER_WAY_SECONDS)
    return installation


def already_done(*, token: str) -> Installation | None:
    """The installation that this hash was used for within the last hour: for who loads the last page once more."""
    return Installation.objects.without_secret().filter(pk=cache.get(_done_key(token)) or 0).first()


def others_of_this_merchant(installation: Installation) -> list[str]:
    """The external_keys under which the same Appmax account has installed the app besides."""
    same = Installation.objects.filter(merchant_client_id=installation.merchant_client_id).exclude(pk=installation.pk)
    return list(same.order_by("pk").values_list("external_key", flat=True)[:5])


def _finish(started: dict[str, Any], credentials: Credentials) -> Installation:
    """Appmax itself has given these credentials for the installation under way: they win over what a POST brought,
    except that a confirmed installation's are replaced through an unused reconnect link only.

    Raises AlreadyConfirmed.
    """
    external_key, link_id = started["external_key"], started.get("reconnect_link")
    with transaction.atomic():
        current = Installation.objects.insert_or_lock(
            Installation(
                external_key=external_key,
                app_id=started["app_id"],
                merchant_client_id=credentials.client_id,
                merchant_client_secret=credentials.client_secret,
                external_id=identities.waiting_last(external_key) or uuid.uuid4(),
            )
        )
        replaces = current.is_confirmed and not current.holds(credentials)
        may_replace = link_id is not None and reconnect.use_up(link_id, replaced=replaces)
        if replaces and not may_replace:
            raise _refused(current, LinkSpent if link_id is not None else AlreadyConfirmed)
        current.confirm(credentials)
        identities.adopt(current)
    clients.forget_token(current)
    if replaces:
        _credentials.labels("replaced").inc()
        log.warning("install.credentials_replaced", installation=current.pk, link=link_id)
    log.info("install.confirmed", by="browser", installation=current.pk)
    return current


def confirm_by_appmax(callback: Callback) -> uuid.UUID:
    """Appmax's installation callback; returns the external_id to answer.

    Raises InvalidAppId, CredentialsRefused, AlreadyConfirmed.
    """
    if not settings.APPMAX_APP_ID_NUMERIC or callback.app_id == PROBE_APP_ID:
        return uuid.uuid4()  # nothing is stored: this is a URL validator's visit
    if callback.app_id != settings.APPMAX_APP_ID_NUMERIC:
        raise InvalidAppId(
            callback.app_id,
            other_id=settings.APPMAX_APP_ID_UUID,
            hint="this is the app's UUID; the callback carries its numeric id (APPMAX_APP_ID_NUMERIC)",
        )
    if not callback.external_key:
        # Appmax posts this while it works on our call to /app/client/generate.
        external_key = identities.key_being_generated()
        return identities.tell(external_key) if external_key else uuid.uuid4()
    if callback.credentials is None:
        return identities.tell(callback.external_key)
    return _take_credentials(callback, callback.credentials)


def _take_credentials(callback: Callback, credentials: Credentials) -> uuid.UUID:
    """Credentials that a POST brought: they count for a new external_key, if Appmax's auth server accepts them.

    Raises CredentialsRefused, AlreadyConfirmed.
    """
    external_key = callback.external_key
    known = Installation.objects.named(external_key)
    link = reconnect.under_way(known) if known else None
    is_repeat = known is not None and known.holds(credentials)
    is_confirmed = known is not None and known.is_confirmed
    if known is not None and is_confirmed and not is_repeat:
        if link is None:
            raise _refused(known)
        # It has to be answered with 200, or Appmax ends the installation. What counts is what Appmax gives us when we
        # ask: these credentials may be a stranger's.
        return identities.tell(external_key)

    if is_repeat:  # nothing is known of those that are kept unverified, and the worker may just be removing them
        verdict = Verdict.ACCEPTED if is_confirmed else Verdict.NO_ANSWER
    else:
        verdict = clients.verdict_on(credentials)
    if verdict is Verdict.REFUSED or (verdict is Verdict.NO_ANSWER and known is not None and not is_repeat):
        log.warning("install.credentials_refused", verdict=verdict.value)
        _credentials.labels("refused").inc()
        if not cache.get(_under_way_key(external_key)):
            raise CredentialsRefused
        # Appmax may be ahead of its own auth server, and gives them to us once more when we ask.
        return identities.tell(external_key)

    with transaction.atomic():
        new = Installation(
            external_key=external_key,
            app_id=callback.app_id,
            merchant_client_id=credentials.client_id,
            merchant_client_secret=credentials.client_secret,
            external_id=uuid.uuid4(),
            unverified_since=None if verdict is Verdict.ACCEPTED else timezone.now(),
        )
        current = Installation.objects.insert_or_lock(new)
        if current.external_id == new.external_id:
            identities.remember_first(current)
        elif current.holds(credentials):
            current.confirm_again()
        elif current.is_confirmed or verdict is not Verdict.ACCEPTED:
            raise _refused(current)
        else:
            current.confirm(credentials)
            identities.tell(external_key, current)
        told = identities.told_last(current, since=link.begun_at if link else None)
    log.info("install.confirmed", by="appmax", installation=current.pk, verified=current.is_confirmed)
    return told


def verify_kept_credentials() -> None:
    """Try the credentials that were kept unverified at Appmax's auth server again: accepted ones are confirmed; an
    installation whose credentials are refused goes, so that the merchant can install anew."""
    unverified = Installation.objects.filter(unverified_since__isnull=False)
    for kept in unverified.order_by("?")[:MOST_A_ROUND]:  # so that one that gets no answer holds up no other for ever
        credentials = kept.credentials
        verdict = clients.verdict_on(credentials)
        if verdict is Verdict.NO_ANSWER:
            return
        with transaction.atomic():
            current = Installation.objects.without_secret().select_for_update().filter(pk=kept.pk).first()
            if current is None or current.is_confirmed or not current.holds(credentials):
                continue  # somebody has brought better ones meanwhile
            if verdict is Verdict.ACCEPTED:
                current.confirm(credentials)
                log.info("install.confirmed", by="worker", installation=current.pk)
                continue
            with suppress(ProtectedError):  # one that has orders stays, unverified
                current.delete()
            log.warning("install.kept_credentials_refused", installation=kept.pk, removed=current.pk is None)


def _refused(installation: Installation, error: type[AlreadyConfirmed] = AlreadyConfirmed) -> AlreadyConfirmed:
    _credentials.labels("replacement refused").inc()
    log.warning("install.replacement_refused", installation=installation.pk)
    return error()


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


def _done_key(token: str) -> str:
    return f"install_done:{token}"


def _take(key: str) -> dict[str, Any] | None:
    """Read once, then gone: of several readers, the one whose delete counted gets the value."""
    value: dict[str, Any] | None = cache.get(key)
    return value if value is not None and cache.delete(key) else None
