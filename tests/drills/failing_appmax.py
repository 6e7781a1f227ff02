"""A server in Appmax's place that answers every request badly, in a way that can be changed while it runs."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
JSON = HEAD + b"application/json\r\n"


def says(answer: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """These bytes, and then it hangs up."""
    return lambda connection, stopping: connection.sendall(answer)


def hangs(connection: socket.socket, stopping: threading.Event) -> None:
    """Nothing at all, and the connection stays open."""
    stopping.wait()


def drips(connection: socket.socket, stopping: threading.Event) -> None:
    """A byte every tenth of a second, for ever."""
    connection.sendall(JSON + b"Content-Length: 100000\r\n\r\n")
    while not stopping.wait(0.1):
        connection.sendall(b" ")


WAYS: dict[str, Callable[[socket.socket, threading.Event], None]] = {
    "hangs": hangs,
    "drips": drips,
    "hangs up": says(b""),
    "200 with HTML": says(HEAD + b"text/html\r\nContent-Length: 13\r\n\r\n<h1>Oops</h1>"),
    "cut body": says(JSON + b'Content-Length: 500\r\n\r\n{"data": {"pay'),
    "length too short": says(JSON + b'Content-Length: 5\r\n\r\n{"data": {}}'),
    "no HTTP": says(b"\x16\x03\x01 what?\r\n\r\n"),
}


class FailingAppmax:
    """`with FailingAppmax() as appmax: appmax.way = "hangs"`. `appmax.url` is its address, and `secure_url` the same
    with https, which it doesn't speak. `requests` counts them."""

    def __init__(self) -> None:
        self.way = "hangs"
        self.requests = 0
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        port = self._listener.getsockname()[1]
        self.url, self.secure_url = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}"
        self._threads: list[threading.Thread] = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "FailingAppmax":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection = self._listener.accept()[0]
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            connection.recv(65536)
            self.requests += 1
            WAYS[self.way](connection, self._stopping)
            time.sleep(0.05)  # or the close may overtake what was sent
