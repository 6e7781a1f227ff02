"""The installation of the app by a merchant (contract, 4 and 4.1).

1. `begin` (/install/start) asks Appmax for a hash, and sends the merchant to Appmax's panel to authorise.
2. `confirm_by_browser`: the merchant comes back with the hash, with which we ask Appmax for the credentials.
3. `confirm_by_appmax`: while that call is open, Appmax posts its callback, which may hold the credentials too.

The two confirmations may come in any order, at once and repeatedly, so no lock or connection is held over a call to
Appmax. Nobody proves who they are on these routes. What keeps a stranger from taking over an existing merchant's
payments is in reconnect.py, which `begin`, `_finish` and `_take_credentials` ask.
"""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from prometheus_client import Counter

from appmax.errors import AppmaxError, CredentialsUnreadable, Rejected, TooFast
from appmax.tokens import Credentials
from installations import clients, domains, identities, keys, reconnect
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
from installations.signals import handed_over

log = structlog.stdlib.get_logger(__name__)

_credentials = Counter(
    "checkout_install_credentials", "Credentials of merchants that were replaced or refused", ["outcome"]
)

CALLBACK_PATH = "/integrations/appmax/callback/install"
UNDER_WAY_SECONDS = 3600
MOST_A_ROUND = 20  # installations that the worker asks Appmax about
PROBE_APP_ID = "DEMO_APP_ID"  # the app_id that Appmax's URL validator sends


@dataclass(frozen=True)
class Callback:
    """The body of Appmax's installation callback. Only `app_id` is certain to be there."""

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


def begin(
    *, app_id: str, external_key: str, public_url: str, reconnect: str = "", domain_names: Sequence[str] = ()
) -> str:
    """Start an installation; returns Appmax's hash, for `panel_url`.

    `public_url` is our own, without a trailing slash. `reconnect` is the token of a reconnect link, which is needed for
    the external_key of a confirmed installation. Without `domain_names` Appmax is told of those that are kept for it.
    Raises NotConfigured, InvalidAppId, AlreadyConfirmed, InitiationFailed, CacheAway.
    """
    clients.require_configured("APPMAX_APP_ID_UUID")
    _check_uuid(app_id)
    link_id = _link_needed(external_key, reconnect)
    domain_names = domain_names or domains.names_of(external_key)
    try:
        token = clients.app_client().authorize(
            app_id=app_id,
            external_key=external_key,
            callback_url=public_url + CALLBACK_PATH,
            domain_names=domain_names,
        )
    except Rejected as error:
        raise InitiationFailed(error.message) from error
    except AppmaxError as error:
        raise InitiationFailed from error
    started: dict[str, Any] = {"app_id": app_id, "external_key": external_key}
    if link_id is not None:
        started["reconnect_link"] = link_id
    if domain_names:
        started["domain_names"] = domain_names
    cache.set(_started_key(token), started, UNDER_WAY_SECONDS)
    cache.set(_under_way_key(external_key), True, UNDER_WAY_SECONDS)
    if link_id is not None and cache.get(_started_key(token)) is None:
        raise CacheAway
    log.info("install.begun", link=link_id)
    return token


def panel_url(token: str) -> str:
    """Where in Appmax's panel the merchant authorises the installation of this hash."""
    return f"{settings.APPMAX_ADMIN_URL}/appstore/integration/{quote(token, safe='')}"


def _link_needed(external_key: str, reconnect_token: str) -> int | None:
    """The id of the reconnect link; None if this external_key needs none. Raises AlreadyConfirmed if it needs one and
    the token isn't valid."""
    known = Installation.objects.named(external_key)
    if known is None or not known.is_confirmed:
        return None
    link = reconnect.opened(known, reconnect_token)
    if link is None:
        raise _refused(known, LinkSpent if reconnect_token else AlreadyConfirmed)
    return link.pk


@dataclass(frozen=True)
class CameBack:
    """What became of an installation when the merchant came back from Appmax.

    `installation` is None if the hash is unknown or used, because Appmax's own callback then does or did the work.
    `is_proven`: Appmax has just given the credentials that it holds for the hash, so who came back has authorised it.
    """

    installation: Installation | None
    is_proven: bool = False


def confirm_by_browser(*, token: str) -> CameBack:
    """Ask Appmax for the credentials of the merchant who came back with this hash, and keep them.

    Raises InvalidAppId, NotConfigured, GenerationFailed, AlreadyConfirmed.
    """
    started = _take(_started_key(token))
    if started is None:
        return CameBack(None)
    _check_uuid(started["app_id"])
    external_key = started["external_key"]
    try:
        with identities.generating(external_key):
            credentials = clients.app_client().generate_merchant_credentials(token=token)
    except AppmaxError as error:
        log.warning("install.generate_failed", error=type(error).__name__, **error.trace)
        # Appmax may have given up on our call after its callback had delivered the credentials. A callback can't
        # deliver those of a reconnecting merchant.
        confirmed = Installation.objects.named(external_key)
        if confirmed is None or "reconnect_link" in started:
            raise GenerationFailed from error
        return CameBack(confirmed)
    installation = _finish(started, credentials)
    cache.delete(_under_way_key(external_key))
    cache.set(_done_key(token), installation.pk, UNDER_WAY_SECONDS)
    return CameBack(installation, is_proven=True)


def already_done(*, token: str) -> Installation | None:
    """The installation that this hash was used for within the last hour, for a browser that reloads the last page."""
    return Installation.objects.without_secret().filter(pk=cache.get(_done_key(token))).first()


def others_of_this_merchant(installation: Installation) -> list[str]:
    """Other external_keys under which the same Appmax account has installed the app."""
    same = Installation.objects.filter(merchant_client_id=installation.merchant_client_id).exclude(pk=installation.pk)
    return list(same.order_by("pk").values_list("external_key", flat=True)[:5])


def _finish(started: dict[str, Any], credentials: Credentials) -> Installation:
    """Keep the credentials that Appmax itself has given for the installation under way.

    They win over credentials that a POST brought. Those of a confirmed installation are replaced only if it was begun
    with an unused reconnect link, which is then used up. Raises AlreadyConfirmed.
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
        is_handed_over = replaces and current.merchant_client_id != credentials.client_id
        current.confirm(credentials)
        identities.adopt(current)
        if is_handed_over and link_id is not None and not reconnect.keeps_access(link_id):
            _take_access_away(current)
        if names := started.get("domain_names"):
            domains.told(current, names)
    clients.forget_token(current)
    if replaces:
        _credentials.labels("replaced").inc()
        log.warning("install.credentials_replaced", installation=current.pk, link=link_id)
    log.info("install.confirmed", by="browser", installation=current.pk)
    return current


def _take_access_away(installation: Installation) -> None:
    """Another Appmax account has taken the place of the one before, whose keys and endpoints would otherwise open the
    new one's orders and credentials."""
    keys.revoke_all(installation)
    handed_over.send(sender=Installation, installation=installation)


def confirm_by_appmax(callback: Callback) -> uuid.UUID:
    """Handle Appmax's installation callback; returns the external_id to answer.

    Raises InvalidAppId, CredentialsRefused, AlreadyConfirmed.
    """
    if not settings.APPMAX_APP_ID_NUMERIC or callback.app_id == PROBE_APP_ID:
        return uuid.uuid4()  # Appmax's URL validator asks, so nothing is stored.
    if callback.app_id != settings.APPMAX_APP_ID_NUMERIC:
        raise InvalidAppId(
            callback.app_id,
            other_id=settings.APPMAX_APP_ID_UUID,
            hint="this is the app's UUID; the callback carries its numeric id (APPMAX_APP_ID_NUMERIC)",
        )
    if not callback.external_key:
        # Appmax posts this while our call to /app/client/generate is open.
        external_key = identities.key_being_generated()
        return identities.tell(external_key) if external_key else uuid.uuid4()
    if callback.credentials is None:
        return identities.tell(callback.external_key)
    return _take_credentials(callback, callback.credentials)


def _take_credentials(callback: Callback, credentials: Credentials) -> uuid.UUID:
    """Keep the credentials that a POST brought, which anybody can send; returns the external_id to answer.

    1. Those of a confirmed installation are never replaced here. A repeat of the same ones is fine.
    2. Appmax's auth server is asked about any others. Refused ones are not kept. If it gives no answer, they are kept
       as unverified for a new external_key only, and the worker asks again.
    3. The row is inserted or locked. Another callback may have made it meanwhile, so the rules are applied again to the
       row as it is now.

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
        # Appmax ends an installation whose callback isn't answered with 200. These credentials may be a stranger's, so
        # they aren't kept: those count that Appmax gives us when we ask.
        return identities.tell(external_key)

    # Nothing is asked about a repeat. The worker may be removing the row right now, so that this makes a new one.
    verdict = Verdict.NO_ANSWER if is_repeat else clients.verdict_on(credentials)
    if verdict is Verdict.REFUSED or (verdict is Verdict.NO_ANSWER and known is not None and not is_repeat):
        log.warning("install.credentials_refused", verdict=verdict.value)
        _credentials.labels("refused").inc()
        if not cache.get(_under_way_key(external_key)):
            raise CredentialsRefused
        # Appmax may have given credentials that its own auth server doesn't know yet. We get them again when we ask.
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
    """Ask Appmax's auth server again about the credentials that were kept unverified.

    Accepted ones are confirmed. An installation whose credentials are refused is deleted, so that the merchant can
    install again.
    """
    unverified = Installation.objects.filter(unverified_since__isnull=False)
    # The order is random, so that one without an answer doesn't block the others.
    for kept in unverified.order_by("?")[:MOST_A_ROUND]:
        credentials = kept.credentials
        verdict = clients.verdict_on(credentials)
        if verdict is Verdict.NO_ANSWER:
            return
        with transaction.atomic():
            current = Installation.objects.without_secret().select_for_update().filter(pk=kept.pk).first()
            if current is None or current.is_confirmed or not current.holds(credentials):
                continue  # Better ones have come meanwhile.
            if verdict is Verdict.ACCEPTED:
                current.confirm(credentials)
                log.info("install.confirmed", by="worker", installation=current.pk)
                continue
            with suppress(ProtectedError):  # An installation that has orders stays, unverified.
                current.delete()
            log.warning("install.kept_credentials_refused", installation=kept.pk, removed=current.pk is None)


def try_refused_credentials(at: datetime) -> None:
    """Ask Appmax again about credentials that it refuses: for an hour at each call of this, later once an hour. A shop
    that has uninstalled the app stays refused for ever."""
    refused = Installation.objects.without_secret().filter(refused_since__isnull=False)
    if at.minute >= 5:
        refused = refused.filter(refused_since__gt=at - timedelta(hours=1))
    for installation in refused.order_by("?")[:MOST_A_ROUND]:
        try:
            clients.try_refused(installation)
        except AppmaxError as error:
            log.info("install.refused_again", installation=installation.pk, error=type(error).__name__)
            if error.status is None and not isinstance(error, CredentialsUnreadable | TooFast):
                return  # Appmax gives no answer


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
    """Read a value and delete it. Of several readers at once, only the one whose delete succeeded gets the value."""
    value: dict[str, Any] | None = cache.get(key)
    return value if value is not None and cache.delete(key) else None
