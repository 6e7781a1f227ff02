"""What the environment says of proxies counts for calls to Appmax."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from appmax.errors import Unavailable
from appmax.transport import Kind, Transport


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that answers itself: its URL, and what it was asked for."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_calls_go_through_the_proxy(proxy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, asked = proxy
    monkeypatch.setenv("http_proxy", url)

    answer = Transport().send("GET", "http://appmax.invalid", "/v1/orders/1", kind=Kind.REPEATABLE)

    assert answer.status == 200
    assert asked == ["http://appmax.invalid/v1/orders/1"]


def test_but_not_to_a_host_that_is_exempt(proxy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, asked = proxy
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    with pytest.raises(Unavailable):
        Transport(sleep=lambda _: None).send("GET", "http://127.0.0.1:1", "/v1/orders/1", kind=Kind.REPEATABLE)

    assert asked == []
