"""`python -m simulator`: runs until SIGINT or SIGTERM, then exits with 0."""

import logging
import signal
import threading
from collections.abc import Callable

from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings


def serve(settings: SimulatorSettings, announce: Callable[[str], None]) -> None:
    """Serve until told to stop; `announce` is given the simulator's origin once it listens."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with SimulatorServer(settings) as simulator:
        announce(simulator.url)
        stop.wait()


def main() -> None:
    serve(SimulatorSettings.from_env(), lambda url: logging.getLogger("simulator").info("listening on %s", url))


if __name__ == "__main__":
    main()
