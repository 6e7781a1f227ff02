"""The only place that builds an Appmax client: credentials and cache in, `appmax.client.AppmaxClient` out."""

import functools
from enum import Enum

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from appmax.client import AppmaxClient
from appmax.errors import AppmaxError
from appmax.tokens import Credentials
from appmax.transport import Transport
from installations.fields import DecryptionFailed, decrypted, fernet
from installations.models import Installation

_APP_TOKEN_KEY = "app_token"  # noqa: S105 - a cache key


class NotConfigured(Exception):
    """Variables that Appmax mails after registration are still blank; the message names them."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"{', '.join(names)} not configured")


def require_configured(*names: str) -> None:
    """Raises NotConfigured if one of the settings is blank."""
    if missing := [name for name in names if not getattr(settings, name)]:
        raise NotConfigured(missing)


def app_client() -> AppmaxClient:
    """The client that acts as the app: authorize and generate only. Raises NotConfigured."""
    require_configured("APPMAX_CLIENT_ID", "APPMAX_CLIENT_SECRET")
    credentials = Credentials(client_id=settings.APPMAX_CLIENT_ID, client_secret=settings.APPMAX_CLIENT_SECRET)
    return _client(credentials, _APP_TOKEN_KEY)


def client_for(installation: Installation) -> AppmaxClient:
    """The client that acts as this merchant, for every /v1 call. Raises CredentialsUnreadable."""
    return _client(installation.credentials, _merchant_token_key(installation))


def forget_token(installation: Installation) -> None:
    """Drop the merchant's cached token: its credentials were replaced."""
    cache.delete(_merchant_token_key(installation))


class Verdict(Enum):
    """What Appmax's auth server says of credentials."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_ANSWER = "no answer"  # or one about something else: it is down, slow, or a firewall speaks


def verdict_on(credentials: Credentials) -> Verdict:
    """Try these merchant credentials; takes 3 s at most, as it is asked within the 5 s of the installation callback."""
    try:
        check(credentials, timeout=1.5)  # for connecting, and again for the answer
    except AppmaxError as error:
        return Verdict.REFUSED if error.status in (400, 401) else Verdict.NO_ANSWER
    return Verdict.ACCEPTED


def check(credentials: Credentials, *, timeout: float = 2.0) -> None:
    """Raises AppmaxError unless Appmax's auth server gives a token for these merchant credentials.

    `timeout`: seconds, once for connecting and once for the answer.
    """
    _client(credentials, token_key="").fetch_token(timeout=timeout)


def _merchant_token_key(installation: Installation) -> str:
    return f"merchant_token:{installation.pk}"


class _SealedTokens:
    """The cache, with tokens that only FIELD_ENCRYPTION_KEYS opens: who reads Redis, or the snapshots that it writes to
    its disk, must not be able to act for every merchant.

    A token counts only for the `client_id` that it was fetched with. A request that began before a merchant's
    credentials were replaced may keep its token after `forget_token`, and payments would go to the former account."""

    def __init__(self, client_id: str) -> None:
        self._mark = f"{client_id}\n"

    def get(self, key: str) -> str | None:
        """None, too, for what no key opens any more or another client's: a token is then fetched anew."""
        sealed = cache.get(key)
        try:
            opened = decrypted(sealed, key) if isinstance(sealed, str) else ""
        except DecryptionFailed:
            return None
        return opened.removeprefix(self._mark) if opened.startswith(self._mark) else None

    def set(self, key: str, value: str, timeout: int) -> None:
        """For `timeout` seconds."""
        cache.set(key, fernet().encrypt((self._mark + value).encode()).decode(), timeout)

    def delete(self, key: str) -> None:
        """As the cache's."""
        cache.delete(key)


def _client(credentials: Credentials, token_key: str) -> AppmaxClient:
    return AppmaxClient(
        _transport(),
        auth_url=settings.APPMAX_AUTH_URL,
        api_url=settings.APPMAX_API_URL,
        credentials=credentials,
        cache=_SealedTokens(credentials.client_id),
        token_key=token_key,
        timezone=settings.APPMAX_TIMEZONE,
    )


@functools.cache
def _transport() -> Transport:
    """One per process, so that connections to Appmax are kept and shared."""
    return Transport(
        read_timeout=settings.APPMAX_TIMEOUT,
        pool_size=settings.WEB_THREADS,
        before_send=_release_database_connection,
        request_id=_request_id,
    )


def _request_id() -> str | None:
    """Of the request or job that this thread works for (web/middleware.py, logs.py)."""
    return structlog.contextvars.get_contextvars().get("request_id")


def _release_database_connection() -> None:
    """Give the thread's connection back to the pool before a wait for Appmax.

    Raises RuntimeError inside a transaction: it would hold its connection and locks for as long as Appmax likes.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Appmax must not be called inside a database transaction")
    connection.close()
