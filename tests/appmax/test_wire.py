"""On the wire: an answer has so much time in all, and what fails before the request is sent has not happened."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from appmax.errors import OutcomeUnknown, Unavailable
from tests.appmax.conftest import MemoryCache
from tests.appmax.test_repeats import pay


def dripping(head: bytes) -> Callable[[socket.socket], None]:
    """Sends `head`, and then a byte every 50 ms, for 10 s at most."""

    def behave(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(head)
            for _ in range(200):
                connection.sendall(b"x")
                time.sleep(0.05)

    return behave


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
def test_an_answer_that_drips_is_a_time_out(client_at: Any, memory: MemoryCache, wire: Any, head: bytes) -> None:
    memory.values["merchant_token:1"] = "cached"
    started = time.monotonic()

    with pytest.raises(OutcomeUnknown) as caught:
        pay(client_at(wire(dripping(head)).url))

    assert caught.value.timed_out
    assert time.monotonic() - started < 2  # the client waits 0.3 s


def test_a_request_is_sent_in_one_piece(client_at: Any, memory: MemoryCache, wire: Any) -> None:
    memory.values["merchant_token:1"] = "cached"
    server = wire(lambda connection: None)

    with pytest.raises(OutcomeUnknown):
        pay(client_at(server.url))

    assert len(server.pieces) == 1


@pytest.mark.parametrize(("answer", "timed_out"), [(b"", True), (b"no TLS at all\r\n\r\n", False)])
def test_a_payment_whose_tls_handshake_fails_has_not_been_sent(
    client_at: Any, memory: MemoryCache, waits: list[float], tls_less: Any, answer: bytes, timed_out: bool
) -> None:
    memory.values["merchant_token:1"] = "cached"

    with pytest.raises(Unavailable) as caught:
        pay(client_at(tls_less(answer)))

    assert caught.value.timed_out == timed_out


@pytest.fixture
def tls_less() -> Iterator[Callable[[bytes], str]]:
    """An https address where connections are accepted, and answered with these bytes or not at all."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def start(answer: bytes) -> str:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    held.append(listener.accept()[0])
                    held[-1].sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return f"https://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in held:
        connection.close()
