"""Appmax's rate limits: 5 requests a second (50 at once) of a merchant, and 60 a minute of a merchant on a route."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

PER_SECOND, BURST = 5, 50
PER_MINUTE, MINUTE = 60, 60.0


class Limits:
    """Counts calls. Safe from several threads; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forgets all calls."""
        self._left: dict[str, tuple[float, float]] = {}  # by merchant: calls left, and when that was so
        self._calls: dict[tuple[str, str], deque[float]] = {}  # by merchant and route: when

    def seconds_to_wait(self, merchant: str, route: str) -> int:
        """0 if the call is let through, which counts it; otherwise the whole seconds until it would be."""
        with self._lock:
            now = self._clock()
            left, since = self._left.get(merchant, (float(BURST), now))
            left = min(float(BURST), left + (now - since) * PER_SECOND)
            calls = self._calls.setdefault((merchant, route), deque())
            while calls and calls[0] <= now - MINUTE:
                calls.popleft()
            if left >= 1 and len(calls) < PER_MINUTE:
                self._left[merchant] = left - 1, now
                calls.append(now)
                return 0
            wait = (1 - left) / PER_SECOND
            if len(calls) >= PER_MINUTE:
                wait = max(wait, calls[0] + MINUTE - now)
            return max(1, math.ceil(wait))
