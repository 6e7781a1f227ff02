"""Connections that keep their time-outs, and tell a request that was never sent from one that may have arrived.

`requests` alone does neither. Its read time-out starts anew with each byte, so an answer that comes byte by byte never
ends. And it reports a failed TLS handshake as if the request had been sent.
"""

import http.client
import io
import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError


class BoundedAdapter(HTTPAdapter):
    """The read time-out (seconds) is the limit for the whole answer. A failure before the request is sent raises
    NewConnectionError or ConnectTimeoutError."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """HTTPAdapter's constructor calls this."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": BoundedPool, "https": BoundedSecurePool}


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
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response

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
