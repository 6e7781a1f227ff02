"""The simulator as a server in a thread: alone, or as a fixture of tests.

    @pytest.fixture
    def simulator() -> Iterator[SimulatorServer]:
        identity = SimulatorSettings("app-client", "app-secret", "the-uuid", "4242", seed="seed", webhook_url=OURS)
        with SimulatorServer(identity) as simulator:  # on a free port
            yield simulator

The product under test is given `simulator.url` as APPMAX_AUTH_URL, APPMAX_API_URL and APPMAX_ADMIN_URL.
`simulator.state` arranges situations and looks into them: `add_fault(Fault("/v1/payments/pix", status=504))`,
`orders[5].status = "aprovado"`, `switch(webhook_model="standard", webhook_copies=2)`; `merchant_credentials("shop")` is
what an installed merchant has. `clock_speed=1e9` tries webhooks again at once.
"""

import io
import logging
import re
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import quote

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from simulator import housekeeping
from simulator.app import create_app
from simulator.context import Simulation
from simulator.faults import CUT
from simulator.settings import SimulatorSettings

log = logging.getLogger("simulator")

MOST_BODY = 1024 * 1024  # bytes of a request
WITHOUT_BODY = (204, 304)


class Handler(WSGIRequestHandler):
    """HTTP/1.1 that keeps connections open, as Appmax does; logs no query, header, body or hash."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes

    def run_wsgi(self) -> None:
        """One request. Werkzeug's own closes the connection, because it can't tell where the next request begins.

        Here the body is read first, so it is known.
        """
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return self.send_error(411)
        if int(length) > MOST_BODY:
            return self.send_error(413)
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(length)))
        cut = environ[CUT] = threading.Event()
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        body, code = b"".join(chunks), int(status.partition(" ")[0])
        if cut.is_set():
            self.close_connection = True
            self.log_request("cut")
            return None
        self.send_response(code)
        for name, value in headers:
            if name != "Content-Length":
                self.send_header(name, value)
        if code not in WITHOUT_BODY:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and code not in WITHOUT_BODY:
            self.wfile.write(body)
        return None

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = re.sub("(?<=^/appstore/integration/).+", "...", self.path.partition("?")[0])
        log.info("%s %s %s", self.command, quote(path, safe="/%."), code)

    def log_error(self, format: str, *args: Any) -> None:
        """Does nothing, because log_request has logged the request."""


class _Server(ThreadedWSGIServer):
    """Knows its open connections, so that it can end the threads that serve them."""

    daemon_threads = False  # server_close waits for them

    def __init__(self, settings: SimulatorSettings, app: Any) -> None:
        self._lock = threading.Lock()
        self._connections: set[Any] = set()
        super().__init__(settings.host, settings.port, app, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Stops reading from all connections. The idle ones would wait for a next request for ever."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)


class SimulatorServer:
    """`with SimulatorServer(settings) as simulator: ...`; `simulator.url` is its origin."""

    def __init__(self, settings: SimulatorSettings) -> None:
        app = create_app(settings)
        self._simulation: Simulation = app.extensions["simulator"]
        self.settings = settings
        self.state = self._simulation.state
        self.courier = self._simulation.courier
        self._server = _Server(settings, app)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="simulator", daemon=True)
        self.url = f"http://{settings.host}:{self._server.port}"

    def __enter__(self) -> "SimulatorServer":
        self._thread.start()
        self._housekeeping = housekeeping.start(self._simulation)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server, all deliveries and all threads; a call under way is answered first."""
        self._simulation.stopping.set()
        self._simulation.courier.stop()
        if self._thread.ident is not None:
            self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        if self._thread.ident is not None:
            self._thread.join(timeout=10)
            self._housekeeping.join(timeout=10)
