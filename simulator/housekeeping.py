"""What happens by itself as time goes by."""

import logging
import threading

from simulator import events
from simulator.context import Simulation

log = logging.getLogger("simulator")

TICK_SECONDS = 0.25


def start(simulation: Simulation) -> threading.Thread:
    """A thread that looks after the simulation until it is stopping."""
    thread = threading.Thread(target=_run, args=(simulation,), name="simulator-housekeeping", daemon=True)
    thread.start()
    return thread


def _run(simulation: Simulation) -> None:
    while not simulation.stopping.wait(TICK_SECONDS):
        try:
            events.expire_pix_in_time(simulation)
        except Exception:
            log.exception("housekeeping failed; it goes on")
