"""The simulator as a server in a thread: alone, or as a fixture of tests."""

import logging
import threading
from types import TracebackType

from werkzeug.serving import WSGIRequestHandler, make_server

from appmax.simulator.app import create_app
from appmax.simulator.delivery import Courier
from appmax.simulator.settings import SimulatorSettings
from appmax.simulator.state import State

log = logging.getLogger("simulator")


class Handler(WSGIRequestHandler):
    """Keeps connections open, as Appmax does; logs no query, header or body."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Method, path and status."""
        log.info("%s %s %s", self.command, self.path.partition("?")[0], code)


class SimulatorServer:
    """`with SimulatorServer(settings) as simulator: ...`; port 0 picks a free one."""

    def __init__(self, settings: SimulatorSettings) -> None:
        app = create_app(settings)
        self.settings = settings
        self.state: State
        self.courier: Courier
        _, self.state, self.courier = app.extensions["simulator"]
        self._server = make_server(settings.host, settings.port, app, threaded=True, request_handler=Handler)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://{settings.host}:{self._server.port}"

    def __enter__(self) -> "SimulatorServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server and all deliveries."""
        self.courier.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
