"""Posting webhooks as Appmax does: 5 s for any 2xx, four tries (at once, +30 min, +2 h, +4 h), then dropped."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from appmax.simulator.outgoing import TIMEOUT_SECONDS, post_json
from appmax.simulator.records import Delivery
from appmax.simulator.state import State

log = logging.getLogger("simulator")

SCHEDULE_SECONDS = (0, 30 * 60, 2 * 3600, 4 * 3600)  # after the first try


class Courier:
    """Delivers in threads of its own; the schedule's clock runs `clock_speed` times faster than real."""

    def __init__(self, state: State, clock_speed: float) -> None:
        self._state = state
        self._clock_speed = clock_speed
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def send(self, *bodies: dict[str, Any]) -> list[Delivery]:
        """Post these one after another; what fails is tried again on its own."""
        deliveries = self._state.add_deliveries(bodies)
        with self._lock:
            cancelled = self._cancelled
        self._start(lambda: self._first_tries(deliveries, cancelled))
        return deliveries

    def cancel(self) -> None:
        """Nothing that waits is tried again; what is sent from now on is not concerned."""
        with self._lock:
            self._cancelled.set()
            self._cancelled = threading.Event()

    def stop(self) -> None:
        """Ends all threads; what is on its way is dropped."""
        with self._lock:
            self._stopped = True
            self._cancelled.set()
            threads = self._threads
        for thread in threads:
            thread.join(timeout=TIMEOUT_SECONDS + 1)

    def _start(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._stopped:
                return
            thread = threading.Thread(target=work, name="simulator-courier", daemon=True)
            self._threads = [running for running in self._threads if running.is_alive()] + [thread]
            thread.start()

    def _first_tries(self, deliveries: list[Delivery], cancelled: threading.Event) -> None:
        for delivery in deliveries:
            if cancelled.is_set():
                return
            started = time.monotonic()
            if not self._try(delivery, started, 0):
                self._start(lambda delivery=delivery, started=started: self._retry(delivery, started, cancelled))  # type: ignore[misc]

    def _retry(self, delivery: Delivery, started: float, cancelled: threading.Event) -> None:
        for number, due in enumerate(SCHEDULE_SECONDS[1:], start=1):
            if cancelled.wait(max(0.0, started + due / self._clock_speed - time.monotonic())):
                return
            if self._try(delivery, started, number):
                return

    def _try(self, delivery: Delivery, started: float, number: int) -> bool:
        after = time.monotonic() - started
        status, text = post_json(delivery.url, delivery.body)
        is_last = number == len(SCHEDULE_SECONDS) - 1
        error = text if status is None else ""
        attempt = self._state.record_try(delivery, after, status, error, is_last=is_last)
        log.info("webhook %s try %s: %s", delivery.body.get("event"), number + 1, status or error)
        return attempt.succeeded
