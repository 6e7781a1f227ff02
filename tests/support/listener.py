"""A storefront's endpoint: keeps what is posted to it, and answers as it is told."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Post:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> dict[str, Any]:
        """The message, verified by the specification's own library. Raises WebhookVerificationError."""
        message: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return message


@dataclass
class Listener:
    """A running endpoint. `answer` says the status and the headers of each answer."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    answer: Callable[[Post], tuple[int, dict[str, str]]] = lambda post: (200, {})
    text: bytes = b"thank you"


@contextmanager
def listening(certificate: tuple[str, str] | None = None) -> Iterator[Listener]:
    """An endpoint on a port of its own. With the files of a certificate and its key it speaks TLS."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            post = Post(self.path, dict(self.headers), body)
            listener.posts.append(post)
            status, headers = listener.answer(post)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(listener.text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(listener.text)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    listener.url = f"{scheme}://127.0.0.1:{server.server_port}/told"
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
