"""A client against a simulated Appmax's URL, whose answers `responses` gives, and a server that fails on the wire."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import responses

from appmax.client import AppmaxClient
from appmax.tokens import Credentials
from appmax.transport import Transport
from tests.support.appmax_mock import ADAPTER

URL = "https://appmax.test"
TOKEN_URL = f"{URL}/oauth2/token"


class MemoryCache:
    """What the token source needs of a cache; remembers the time-outs it was given."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.timeouts: dict[str, int] = {}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: Any, timeout: int) -> None:
        self.values[key] = value
        self.timeouts[key] = timeout

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


@pytest.fixture
def memory() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the transport would have slept."""
    return []


@pytest.fixture
def client_at(memory: MemoryCache, waits: list[float]) -> Callable[[str], AppmaxClient]:
    def build(url: str) -> AppmaxClient:
        return AppmaxClient(
            Transport(connect_timeout=0.5, read_timeout=0.3, sleep=waits.append),
            auth_url=url + "/",
            api_url=url + "/",
            credentials=Credentials("merchant-1", "s3cret-of-merchant"),
            cache=memory,
            token_key="merchant_token:1",
            timezone=ZoneInfo("America/Sao_Paulo"),
        )

    return build


@pytest.fixture
def client(client_at: Callable[[str], AppmaxClient]) -> AppmaxClient:
    return client_at(URL)


@pytest.fixture
def appmax() -> Iterator[responses.RequestsMock]:
    """Gives tokens t1, t2, ...; a test adds the rest. Every answer given must be asked for, the token's aside."""
    with responses.RequestsMock(assert_all_requests_are_fired=False, target=ADAPTER) as mock:
        issued = iter(range(1, 100))

        def token(request: Any) -> tuple[int, dict[str, str], str]:
            body = f'{{"access_token": "t{next(issued)}", "token_type": "Bearer", "expires_in": 3600}}'
            return 200, {}, body

        mock.add_callback(responses.POST, TOKEN_URL, token)
        yield mock


def _pieces(connection: socket.socket) -> list[bytes]:
    """The pieces in which a whole request came, head and body; none if the client sent nothing."""
    pieces: list[bytes] = []
    while b"\r\n\r\n" not in b"".join(pieces):
        if not (part := connection.recv(65536)):
            return []
        pieces.append(part)
    head = b"".join(pieces).partition(b"\r\n\r\n")[0]
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(b"".join(pieces)) < len(head) + 4 + int(length[1]):
        pieces.append(connection.recv(65536))
    return pieces


class WireServer:
    """Accepts connections, counts their requests, and lets `behave` do what it likes with each after reading one.
    `pieces` is how the last request came."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        self.requests = 0
        self.pieces: list[bytes] = []
        self._behave = behave
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%s" % self._socket.getsockname()[1]  # noqa: UP031
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                if pieces := _pieces(connection):
                    self.requests += 1
                    self.pieces = pieces
                    self._behave(connection)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)


@pytest.fixture
def wire() -> Iterator[Callable[[Callable[[socket.socket], None]], WireServer]]:
    servers: list[WireServer] = []

    def start(behave: Callable[[socket.socket], None]) -> WireServer:
        servers.append(WireServer(behave))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
