"""Bearer tokens: fetched with client credentials, cached until a minute before they expire."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from prometheus_client import Counter

from appmax.errors import CredentialsRefused

_lookups = Counter("appmax_token_lookups", "Bearer tokens asked for, by where they were found", ["found"])

MARGIN_SECONDS = 60  # contract, section 3
LEFT_ALONE_SECONDS = 60  # after a refusal: nobody asks for a token with the same credentials meanwhile


@dataclass(frozen=True)
class Credentials:
    """A client id and its secret: the app's own, or a merchant's."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Token:
    """A bearer token as Appmax issued it; `expires_in` is in seconds."""

    value: str = field(repr=False)
    expires_in: int


class TokenCache(Protocol):
    """The methods of Django's cache that are used here. A cache that can't be reached must return None, not raise."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any, timeout: int) -> Any:
        """Keep the value for `timeout` seconds."""

    def delete(self, key: str) -> Any: ...


class TokenSource:
    """The tokens of one pair of credentials, kept in `cache` under `key`. It asks the cache once, as it serves the few
    calls of one request or question.

    Under `refusal_key`, if there is one, is kept that Appmax has just refused these credentials.
    """

    def __init__(self, fetch: Callable[[], Token], cache: TokenCache, key: str, refusal_key: str = "") -> None:
        self._fetch = fetch
        self._cache = cache
        self._key = key
        self._refusal_key = refusal_key
        self._held: str | None = None

    def get(self) -> tuple[str, bool]:
        """A token, and whether it is an older one, which may have been revoked meanwhile."""
        if self._held is not None:
            return self._held, True
        cached = self._cache.get(self._key)
        is_cached = isinstance(cached, str) and bool(cached)
        _lookups.labels("cache" if is_cached else "Appmax").inc()
        if not is_cached:
            return self.renew(), False
        self._held = cached
        return cached, True

    def renew(self) -> str:
        """A new token, whatever the cache holds. Raises CredentialsRefused, without asking within a minute of the last
        refusal."""
        self._held = None
        if self._was_refused():
            raise CredentialsRefused("Appmax refused these credentials a moment ago", status=401)
        try:
            token = self._fetch()
        except CredentialsRefused:
            self._cache.delete(self._key)
            raise
        lifetime = token.expires_in - MARGIN_SECONDS
        if lifetime > 0:
            self._cache.set(self._key, token.value, lifetime)
        else:
            self._cache.delete(self._key)
        self._held = token.value
        return token.value

    def refuse(self) -> None:
        """Appmax has refused the credentials, or a new token of theirs: no other one is asked for within a minute. The
        token that is there, if there is one, is tried by each call, as Appmax may have refused that call only."""
        if self._refusal_key and not self._was_refused():
            self._cache.set(self._refusal_key, "refused", LEFT_ALONE_SECONDS)

    def _was_refused(self) -> bool:
        return bool(self._refusal_key) and self._cache.get(self._refusal_key) is not None
