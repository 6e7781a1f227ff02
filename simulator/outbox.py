"""The webhooks that were sent, are on their way, or are held back. In memory, behind one lock."""

import copy
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from simulator.models import order_id_of
from simulator.records import Delivery, Try, iso


class Outbox:
    """The webhooks. Safe from several threads.

    What is read is a copy; `add` and `release` give the records themselves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = count(1)
        self._deliveries: dict[int, Delivery] = {}

    def clear(self) -> None:
        """Forgets all webhooks. No id is used again."""
        with self._lock:
            self._deliveries = {}

    def add(self, url: str, bodies: Sequence[dict[str, Any]], *, hold: bool = False) -> list[Delivery]:
        with self._lock:
            new = [Delivery(next(self._ids), url, body, order_id=order_id_of(body)) for body in bodies]
            for delivery in new:
                delivery.state = "held" if hold else "sending"
                self._deliveries[delivery.id] = delivery
            return new

    def release(self) -> list[Delivery]:
        """All that is held, oldest first. It counts as being sent from now on."""
        with self._lock:
            held = [delivery for delivery in self._deliveries.values() if delivery.state == "held"]
            for delivery in held:
                delivery.state = "sending"
            return held

    def plan_try(self, delivery: Delivery, seconds: float) -> None:
        """Notes that the next try is due in so many seconds."""
        with self._lock:
            delivery.next_try_at = _in(seconds)

    def begin_try(self, delivery: Delivery) -> None:
        """Notes that the webhook is being posted."""
        with self._lock:
            delivery.state, delivery.next_try_at = "sending", ""

    def record_try(self, delivery: Delivery, attempt: Try, next_in: float | None) -> None:
        """Notes what came of a POST. `next_in` is the seconds until the next one if this one failed; None after the
        last."""
        with self._lock:
            delivery.tries.append(attempt)
            failed = "dropped" if next_in is None else "waiting"
            delivery.state = "delivered" if attempt.succeeded else failed
            if delivery.state == "waiting" and next_in is not None:
                delivery.next_try_at = _in(next_in)

    def latest(self, order_id: int | None = None) -> list[Delivery]:
        """The webhooks, newest first; of one order only, if one is named."""
        with self._lock:
            found = [row for row in self._deliveries.values() if order_id is None or row.order_id == order_id]
            return [_copied(delivery) for delivery in reversed(found)]

    def find(self, delivery_id: int) -> Delivery | None:
        with self._lock:
            delivery = self._deliveries.get(delivery_id)
            return _copied(delivery) if delivery else None

    def counts(self) -> dict[str, int]:
        """How many webhooks there are, and how many of them are held."""
        with self._lock:
            rows = self._deliveries.values()
            return {"deliveries": len(rows), "held": sum(row.state == "held" for row in rows)}


def _copied(delivery: Delivery) -> Delivery:
    """Bodies aren't changed by anybody, so they needn't be copied."""
    return replace(delivery, tries=copy.deepcopy(delivery.tries))


def _in(seconds: float) -> str:
    return iso(datetime.now(UTC) + timedelta(seconds=min(seconds, 10**9)))
