"""The only place that builds an `appmax.client.AppmaxClient`, with the credentials of the app or of a merchant."""

import functools
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils import timezone

from appmax.client import AppmaxClient
from appmax.errors import AppmaxError
from appmax.tokens import Credentials
from appmax.transport import Transport
from installations import limits
from installations.fields import DecryptionFailed, decrypted, fernet
from installations.models import Installation
from observability.logs import tell
from observability.middleware import current_request_id

log = structlog.stdlib.get_logger(__name__)

_APP_TOKEN_KEY = "app_token"  # noqa: S105 - a cache key


class NotConfigured(Exception):
    """Variables whose values Appmax mails are still blank. The message names them."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"{', '.join(names)} not configured")


def require_configured(*names: str) -> None:
    """Raises NotConfigured if one of the settings is blank."""
    if missing := [name for name in names if not getattr(settings, name)]:
        raise NotConfigured(missing)


def app_client() -> AppmaxClient:
    """The client that acts as the app, for `authorize` and `generate` only. Raises NotConfigured."""
    require_configured("APPMAX_CLIENT_ID", "APPMAX_CLIENT_SECRET")
    credentials = Credentials(client_id=settings.APPMAX_CLIENT_ID, client_secret=settings.APPMAX_CLIENT_SECRET)
    return _client(credentials, _SealedTokens(credentials.client_id), _APP_TOKEN_KEY)


def client_for(installation: Installation, *, calls: int = 1, is_question: bool = False) -> AppmaxClient:
    """The client that acts as this merchant, for so many /v1 calls. It is noted at the installation if Appmax refuses
    its credentials, or accepts them again.

    If the merchant's calls come faster than Appmax allows, this waits for up to 2 seconds, before anything is sent. A
    question never waits (limits.admit). Raises TooFast, CredentialsUnreadable.
    """
    credentials = installation.credentials
    token_key = _merchant_token_key(installation)
    sealed = None
    if calls:
        admitted = limits.admit(installation, calls=calls, is_question=is_question, also=token_key)
        sealed = admitted.found
        if admitted.wait:
            _release_database_connection()
            time.sleep(admitted.wait)
    return _client(
        credentials,
        _SealedTokens(credentials.client_id, {token_key: sealed}),
        token_key,
        refusal_key=_refusal_key(installation),
        heard=functools.partial(_note, installation),
    )


def try_refused(installation: Installation) -> None:
    """Ask Appmax once more with credentials that it has refused: for a token, and with it for what costs nothing and
    changes nothing, the price of R$ 10.00 in one part. Raises AppmaxError; the answer is noted at the installation."""
    cache.delete(_refusal_key(installation))
    client_for(installation, is_question=True).installments(total_value=1000, installments=1)


def forget_token(installation: Installation) -> None:
    """Drop the merchant's cached token, which is needed when its credentials have been replaced."""
    cache.delete(_merchant_token_key(installation))


class Verdict(Enum):
    """What Appmax's auth server says of credentials."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_ANSWER = "no answer"
    """Nothing is known of the credentials: the auth server was down or slow, or a firewall answered."""


def verdict_on(credentials: Credentials) -> Verdict:
    """Try these merchant credentials. It takes 3 s at most, because the installation callback that waits for it must be
    answered within 5 s."""
    try:
        check(credentials, timeout=1.5)  # seconds for connecting, and again for the answer
    except AppmaxError as error:
        return Verdict.REFUSED if error.status in (400, 401) else Verdict.NO_ANSWER
    return Verdict.ACCEPTED


def check(credentials: Credentials, *, timeout: float = 2.0) -> None:
    """Raises AppmaxError unless Appmax's auth server gives a token for these merchant credentials.

    `timeout` is in seconds, and counts once for connecting and once for the answer.
    """
    _client(credentials, _SealedTokens(credentials.client_id), token_key="").fetch_token(timeout=timeout)


def _note(installation: Installation, are_accepted: bool) -> None:
    """Only what is new is written, and only of the credentials that were tried: others may have come meanwhile. The
    answer of Appmax's counts more than this note, so a database that is away doesn't stop it."""
    if are_accepted == (installation.refused_since is None):
        return
    since = None if are_accepted else timezone.now()
    same = Installation.objects.filter(pk=installation.pk, installed_at=installation.installed_at)
    try:
        is_new = same.filter(refused_since__isnull=not are_accepted).update(refused_since=since)
    except DatabaseError as error:
        log.error("installation.not_noted", installation=installation.pk, error=type(error).__name__)
        return
    installation.refused_since = since
    if is_new:
        name = "installation.credentials_accepted" if are_accepted else "installation.credentials_refused"
        log.warning(name, installation=installation.pk)


def _refusal_key(installation: Installation) -> str:
    """Of these credentials alone: those that come later are asked for a token at once."""
    return f"credentials_refused:{installation.pk}:{installation.installed_at.timestamp()}"


def _merchant_token_key(installation: Installation) -> str:
    return f"merchant_token:{installation.pk}"


class _SealedTokens:
    """The cache, in which tokens are encrypted with FIELD_ENCRYPTION_KEYS. Otherwise somebody who reads Redis, or the
    snapshots that it writes to disk, could act for every merchant.

    A token is used only with the `client_id` that it was fetched with. A request that began before a merchant's
    credentials were replaced may store its token after `forget_token`, and payments would go to the former account.

    `found` is what the cache has just been found to hold, which isn't asked for once more.
    """

    def __init__(self, client_id: str, found: Mapping[str, Any] | None = None) -> None:
        self._mark = f"{client_id}\n"
        self._found = dict(found or {})

    def get(self, key: str) -> str | None:
        """The token. None if there is none, if no key decrypts it, or if it is another client's, so that the client
        fetches a new one."""
        sealed = self._found.pop(key, None) or cache.get(key)
        try:
            opened = decrypted(sealed, key) if isinstance(sealed, str) else ""
        except DecryptionFailed:
            return None
        return opened.removeprefix(self._mark) if opened.startswith(self._mark) else None

    def set(self, key: str, value: str, timeout: int) -> None:
        cache.set(key, fernet().encrypt((self._mark + value).encode()).decode(), timeout)

    def delete(self, key: str) -> None:
        cache.delete(key)


def _client(
    credentials: Credentials,
    tokens: _SealedTokens,
    token_key: str,
    *,
    refusal_key: str = "",
    heard: Callable[[bool], None] = lambda are_accepted: None,
) -> AppmaxClient:
    return AppmaxClient(
        _transport(),
        auth_url=settings.APPMAX_AUTH_URL,
        api_url=settings.APPMAX_API_URL,
        credentials=credentials,
        cache=tokens,
        token_key=token_key,
        timezone=settings.APPMAX_TIMEZONE,
        refusal_key=refusal_key,
        heard=heard,
    )


@functools.cache
def _transport() -> Transport:
    """The process's only transport, so that its connections to Appmax are kept and shared."""
    return Transport(
        read_timeout=settings.APPMAX_TIMEOUT,
        pool_size=settings.WEB_THREADS,
        before_send=_release_database_connection,
        request_id=current_request_id,
        tell=tell,
    )


def _release_database_connection() -> None:
    """Give the thread's connection back to the pool before it waits for Appmax.

    Raises RuntimeError inside a transaction, which would hold its connection and locks until Appmax answers.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Appmax must not be called inside a database transaction")
    connection.close()
