"""`python -m appmax.simulator`: runs until SIGINT or SIGTERM, then exits with 0."""

import logging
import signal
import threading

from appmax.simulator.server import SimulatorServer
from appmax.simulator.settings import SimulatorSettings


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with SimulatorServer(SimulatorSettings.from_env()) as simulator:
        logging.getLogger("simulator").info("listening on %s", simulator.url)
        stop.wait()


if __name__ == "__main__":
    main()
