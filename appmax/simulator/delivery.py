"""Posting webhooks as Appmax does: 5 s for any 2xx, four tries (at once, +30 min, +2 h, +4 h), then dropped."""

import logging
import threading
import time
from typing import Any

import requests

from appmax.simulator.state import Delivery, State, Try

log = logging.getLogger("simulator")

TIMEOUT_SECONDS = 5
SCHEDULE_SECONDS = (0, 30 * 60, 2 * 3600, 4 * 3600)  # after the first try


class Courier:
    """Delivers in threads of its own; the schedule's clock runs `clock_speed` times faster than real."""

    def __init__(self, state: State, clock_speed: float) -> None:
        self._state = state
        self._clock_speed = clock_speed
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def send(self, *bodies: dict[str, Any]) -> list[Delivery]:
        """Post these one after another; what fails is tried again on its own."""
        with self._state.lock:
            deliveries = [Delivery(id=self._state.next_id(), url=self._state.webhook_url, body=body) for body in bodies]
            self._state.deliveries.extend(deliveries)
        self._start(self._first_tries, deliveries)
        return deliveries

    def stop(self) -> None:
        """Ends all threads; what is on its way is dropped."""
        self._stopping.set()
        for thread in list(self._threads):
            thread.join(timeout=TIMEOUT_SECONDS + 1)

    def _start(self, target: Any, argument: Any) -> None:
        thread = threading.Thread(target=target, args=(argument,), daemon=True)
        self._threads = [running for running in self._threads if running.is_alive()] + [thread]
        thread.start()

    def _first_tries(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            if not self._try(delivery, time.monotonic()):
                self._start(self._retry, delivery)

    def _retry(self, delivery: Delivery) -> None:
        started = time.monotonic()
        for due in SCHEDULE_SECONDS[1:]:
            if self._stopping.wait(started + due / self._clock_speed - time.monotonic()):
                return
            if self._try(delivery, started):
                return
        delivery.state = "dropped"

    def _try(self, delivery: Delivery, started: float) -> bool:
        after = time.monotonic() - started
        try:
            with requests.post(
                delivery.url,
                json=delivery.body,
                timeout=TIMEOUT_SECONDS,
                headers={"User-Agent": "Appmax-Simulator"},
                allow_redirects=False,
            ) as response:
                answer, done = str(response.status_code), 200 <= response.status_code < 300
        except requests.RequestException as error:
            answer, done = type(error).__name__, False
        delivery.tries.append(Try(after=after, answer=answer))
        if done:
            delivery.state = "delivered"
        log.info("webhook event=%s try=%s answer=%s", delivery.body.get("event"), len(delivery.tries), answer)
        return done
