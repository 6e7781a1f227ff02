"""Posting webhooks as Appmax does: 5 s for any 2xx, four tries (at once, +30 min, +2 h, +4 h), then dropped."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.outbox import Outbox
from simulator.outgoing import TIMEOUT_SECONDS, post_json
from simulator.records import Delivery, Plan, Try, arranged

log = logging.getLogger("simulator")

SCHEDULE_SECONDS = (0, 30 * 60, 2 * 3600, 4 * 3600)  # after the first try
SCHEDULE_SAYS = ("at once", "+30 min", "+2 h", "+4 h")


class Courier:
    """Delivers webhooks in threads of its own. The schedule runs `clock_speed` times faster than Appmax's."""

    def __init__(self, outbox: Outbox, clock_speed: float) -> None:
        self._outbox = outbox
        self._clock_speed = clock_speed
        self._changed = threading.Condition()
        self._cancelled = threading.Event()
        self._stopped = False
        self._urged: set[int] = set()  # deliveries whose next try is not waited for
        self._threads: list[threading.Thread] = []

    def send(self, url: str, bodies: Sequence[dict[str, Any]], plan: Plan) -> list[Delivery]:
        """Posts these bodies one after another, as planned. Each that fails is tried again without delaying the
        others."""
        copies = [body for body in bodies for _ in range(plan.copies)]
        if plan.hold:
            return self._outbox.add(url, copies, hold=True)  # arranged when they are released, all together
        deliveries = self._outbox.add(url, arranged(copies, plan.arrangement))
        self._dispatch(deliveries, plan)
        return deliveries

    def release(self, plan: Plan) -> int:
        """Sends all that is held, as planned, and returns how many that are."""
        held = arranged(self._outbox.release(), plan.arrangement)
        self._dispatch(held, plan)
        return len(held)

    def try_now(self, delivery_id: int) -> bool:
        """Ends the wait for the next try. False if the webhook doesn't wait for one."""
        with self._changed:
            delivery = self._outbox.find(delivery_id)
            if delivery is None or delivery.state != "waiting":
                return False
            self._urged.add(delivery_id)
            self._changed.notify_all()
            return True

    def cancel(self) -> None:
        """Gives up all webhooks that wait for a try. Those that are sent from now on are not concerned."""
        with self._changed:
            self._cancelled.set()
            self._cancelled = threading.Event()
            self._changed.notify_all()

    def stop(self) -> None:
        """Ends all threads. What is on its way is dropped."""
        with self._changed:
            self._stopped = True
            self._cancelled.set()
            self._changed.notify_all()
            threads = self._threads
        for thread in threads:
            thread.join(timeout=TIMEOUT_SECONDS + 1)

    def _start(self, work: Callable[[], None]) -> None:
        with self._changed:
            if self._stopped:
                return
            thread = threading.Thread(target=work, name="simulator-courier", daemon=True)
            self._threads = [running for running in self._threads if running.is_alive()] + [thread]
            thread.start()

    def _dispatch(self, deliveries: list[Delivery], plan: Plan) -> None:
        with self._changed:
            cancelled = self._cancelled
        if plan.delay or plan.pause:
            for number, delivery in enumerate(deliveries):
                self._outbox.plan_try(delivery, plan.delay + number * plan.pause)
        self._start(lambda: self._first_tries(deliveries, plan, cancelled))

    def _first_tries(self, deliveries: list[Delivery], plan: Plan, cancelled: threading.Event) -> None:
        for number, delivery in enumerate(deliveries):
            if not self._wait(plan.pause if number else plan.delay, cancelled):
                return
            started = time.monotonic()
            if not self._try(delivery, started, 0):
                self._start(lambda delivery=delivery, started=started: self._retry(delivery, started, cancelled))  # type: ignore[misc]

    def _retry(self, delivery: Delivery, started: float, cancelled: threading.Event) -> None:
        for number in range(1, len(SCHEDULE_SECONDS)):
            if not self._wait(self._seconds_to(number, started), cancelled, delivery.id):
                return
            if self._try(delivery, started, number):
                return

    def _seconds_to(self, number: int, started: float) -> float:
        return max(0.0, started + SCHEDULE_SECONDS[number] / self._clock_speed - time.monotonic())

    def _wait(self, seconds: float, cancelled: threading.Event, delivery_id: int = 0) -> bool:
        """Waits until the time is over or somebody asks for this delivery's next try. False if it is cancelled
        meanwhile."""
        with self._changed:
            self._changed.wait_for(
                lambda: cancelled.is_set() or delivery_id in self._urged, min(seconds, threading.TIMEOUT_MAX)
            )
            self._urged.discard(delivery_id)
            return not cancelled.is_set()

    def _try(self, delivery: Delivery, started: float, number: int) -> bool:
        after = time.monotonic() - started
        self._outbox.begin_try(delivery)
        status, text = post_json(delivery.url, delivery.body)
        attempt = Try(round(after, 3), status, text if status is None else "")
        is_last = number == len(SCHEDULE_SECONDS) - 1
        self._outbox.record_try(delivery, attempt, None if is_last else self._seconds_to(number + 1, started))
        log.info("webhook %s try %s: %s", delivery.body.get("event"), number + 1, attempt.answer)
        return attempt.succeeded


@dataclass(frozen=True)
class Step:
    """One of a delivery's four tries, for a page. `state`: done, due, to come, or not needed.

    `due_in`: seconds to a try that is due; `appmax_due_in`: the same on Appmax's slower clock.
    """

    says: str
    state: str
    attempt: Try | None = None
    due_at: str = ""
    due_in: float = 0.0
    appmax_due_in: float = 0.0


def steps(delivery: Delivery, clock_speed: float) -> list[Step]:
    """The four tries of this delivery: what came of them, and when the others are due."""
    over = delivery.state in ("delivered", "dropped")
    result = [Step(says, "done", attempt) for says, attempt in zip(SCHEDULE_SAYS, delivery.tries, strict=False)]
    for number in range(len(result), len(SCHEDULE_SAYS)):
        if over:
            result.append(Step(SCHEDULE_SAYS[number], "not needed"))
        elif number == len(delivery.tries) and delivery.next_try_at:
            left = max(0.0, (datetime.fromisoformat(delivery.next_try_at) - datetime.now(UTC)).total_seconds())
            slower = left * clock_speed if number else left  # the first try isn't part of the schedule
            result.append(Step(SCHEDULE_SAYS[number], "due", None, delivery.next_try_at, left, slower))
        else:
            result.append(Step(SCHEDULE_SAYS[number], "to come"))
    return result
