"""Connections whose time-outs are kept: `requests` counts its read time-out from byte to byte, so an answer that drips
would never end, and it takes a TLS handshake that failed for a request that may have arrived."""

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
    """The read time-out (seconds) is that of the whole answer, and what fails before the request is sent counts as no
    connection: NewConnectionError or ConnectTimeoutError."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by HTTPAdapter's own constructor."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Reader(io.RawIOBase):
    """What the socket still sends in the time that one read of it may take."""

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
        """Also the TLS handshake, after which the request is sent."""
        try:
            super().connect()
        except TimeoutError:
            raise ConnectTimeoutError(self, "the TLS handshake took too long") from None
        except OSError as error:  # a wrong certificate (ssl.SSLError) or a connection that was cut
            raise NewConnectionError(self, f"the TLS handshake failed: {type(error).__name__}") from None


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
