"""Connections that keep their time-outs, and tell a request that was never sent from one that may have arrived.

`requests` alone does neither. Its read time-out starts anew with each byte, so an answer that comes byte by byte never
ends. And it reports a failed TLS handshake as if the request had been sent.

What `requests` does for browsers (cookies, redirects, guessed encodings, a look at the environment) is left out, as it
was two thirds of a call's processor time. It still says which proxy and which certificates the environment names, and
speaks to proxies.
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3 import Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError


class Received(NamedTuple):
    """A complete answer, with the names that `requests` has for its parts."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class BoundedAdapter(HTTPAdapter):
    """The read time-out (seconds) is the limit for the whole answer. A failure before the request is sent raises
    NewConnectionError or ConnectTimeoutError."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """HTTPAdapter's constructor calls this."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": BoundedPool, "https": BoundedSecurePool}
        self._pools: dict[str, HTTPConnectionPool | None] = {}

    def exchange(
        self, request: requests.PreparedRequest, *, base_url: str, connect_timeout: float, read_timeout: float
    ) -> Received | requests.Response:
        """Send the request, whose URL begins with `base_url`, and read the answer.

        Raises an error of urllib3, or of `requests` if there is a proxy.
        """
        if base_url not in self._pools:
            self._pools[base_url] = self._direct(request, base_url)
        pool = self._pools[base_url]
        if pool is None:
            return self.send(request, timeout=(connect_timeout, read_timeout), **_environment(base_url))
        answer = pool.urlopen(
            str(request.method),
            str(request.url)[len(base_url) - len(urlsplit(base_url).path) :],
            body=request.body,
            headers=request.headers,
            retries=False,
            redirect=False,
            timeout=Timeout(connect=connect_timeout, read=read_timeout),
        )
        return Received(answer.status, answer.headers, answer.data)

    def _direct(self, request: requests.PreparedRequest, base_url: str) -> HTTPConnectionPool | None:
        """The pool of connections to this host; None if the environment names a proxy for it."""
        found = _environment(base_url)
        if select_proxy(base_url, found["proxies"]):
            return None
        pool = self.get_connection_with_tls_context(request, found["verify"], found["proxies"])
        assert isinstance(pool, HTTPConnectionPool)  # noqa: S101 - urllib3 knows no others
        self.cert_verify(pool, base_url, found["verify"], None)  # type: ignore[no-untyped-call]
        return pool


def _environment(base_url: str) -> dict[str, Any]:
    """The proxies (HTTPS_PROXY, NO_PROXY) and trusted certificates (REQUESTS_CA_BUNDLE) that the environment names for
    requests to this host."""
    found = requests.Session().merge_environment_settings(base_url, {}, None, None, None)
    return {"proxies": dict(found["proxies"]), "verify": found["verify"]}


class _Reader(io.RawIOBase):
    """The socket's bytes, all of which must arrive within the socket's time-out."""

    def __init__(self, source: Any, sock: socket.socket) -> None:
        self._source = source
        self._socket = sock
        self._until = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._socket.settimeout(left)
        count: int | None = self._source.readinto(buffer)
        return count

    def close(self) -> None:
        self._source.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if sock.gettimeout():
            self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    """Sends a request's head and body as one piece. As two, they would be two packets that wake Appmax twice, and four
    calls of the system that each let another thread go first."""

    response_class = _Response
    _held: list[bytes] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Called by the pool. Nothing is sent before all of it is there."""
        held: list[bytes] = []
        self._held = held
        try:
            super().request(*args, **kwargs)
        finally:
            self._held = None
        self.send(b"".join(held))

    def send(self, data: Any) -> None:
        """Called with each part of the request."""
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)


class _SecureConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        """Connects and does the TLS handshake. The request is sent only afterwards."""
        try:
            super().connect()
        except TimeoutError:
            raise ConnectTimeoutError(self, "the TLS handshake took too long") from None
        except OSError as error:  # The certificate is wrong (ssl.SSLError), or the connection was cut.
            raise NewConnectionError(self, f"the TLS handshake failed: {type(error).__name__}") from None


class BoundedPool(HTTPConnectionPool):
    """Connections to one host that keep their time-outs."""

    ConnectionCls = _Connection


class BoundedSecurePool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _SecureConnection
