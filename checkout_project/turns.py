"""Who goes first when a process has more to do than its processor can.

A webhook or a status read is over in milliseconds; a request that asks Appmax is waited for by a shopper for seconds
anyway. The latter work one at a time, and let the former pass; while they wait for Appmax they are in nobody's way. Two
hundred slow payments once left 2 % of the webhooks that there were without them; now 80 % (docs/performance.md).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

log = structlog.stdlib.get_logger(__name__)

PASSED = 8  # quick requests go before each piece of a slow one's work
PATIENCE_SECONDS = 0.2  # a turn or a quick request that takes longer (it waits for a row lock, say) holds nobody up
KEPT_FREE = 8  # threads that slow requests never take; half of them if there are few


class Turns:
    """Of the slow requests of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._quick = 0  # at work
        self._passed = 0  # since the last turn
        self._is_taken = False
        self._taken_at = 0.0
        self._passed_at = 0.0
        self._waiting: deque[threading.Lock] = deque()
        self._mine = threading.local()

    @contextmanager
    def pass_by(self) -> Iterator[None]:
        """For a quick request's work."""
        with self._lock:
            self._quick += 1
        try:
            yield
        finally:
            with self._lock:
                self._quick -= 1
                self._passed += 1
                self._passed_at = time.monotonic()
                self._let_next_go()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """For a slow request's work; waits until it may begin."""
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def away(self) -> Iterator[None]:
        """While this thread waits for somebody else, its turn is another's, if it has one."""
        has_turn = getattr(self._mine, "has_turn", False)
        if has_turn:
            self._give()
        try:
            yield
        finally:
            if has_turn:
                self._take()

    def _take(self) -> None:
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            self._waiting.append(gate)
            self._let_next_go()
        while not gate.acquire(timeout=PATIENCE_SECONDS):
            with self._lock:
                self._let_next_go()
        self._mine.has_turn = True

    def _give(self) -> None:
        self._mine.has_turn = False
        with self._lock:
            self._is_taken = False
            self._let_next_go()

    def _let_next_go(self) -> None:
        """If there is one, and it is time. The lock must be held."""
        now = time.monotonic()
        is_held = self._is_taken and now - self._taken_at < PATIENCE_SECONDS
        gives_way = self._quick > 0 and self._passed < PASSED and now - self._passed_at < PATIENCE_SECONDS
        if self._waiting and not is_held and not gives_way:
            self._is_taken, self._taken_at, self._passed = True, now, 0
            self._waiting.popleft().release()


turns = Turns()


class TakesTurns:
    """Webhooks and status reads pass by; all other requests of storefronts may ask Appmax, and take turns. Those beyond
    the threads that they may take are refused before anything is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        kept_free = min(KEPT_FREE, settings.WEB_THREADS // 2)
        self._free = threading.BoundedSemaphore(settings.WEB_THREADS - kept_free)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """503 with Retry-After for a request too many."""
        is_checkout = request.path.startswith("/checkout/")
        if request.path.startswith("/webhooks/") or (is_checkout and "/status/" in request.path):
            with turns.pass_by():
                return self.get_response(request)
        if not is_checkout:
            return self.get_response(request)
        if not self._free.acquire(blocking=False):
            log.warning("request.refused", reason="too many wait for Appmax")
            return JsonResponse(_TOO_MANY, status=503, headers={"Retry-After": "5"})
        try:
            with turns.turn():
                return self.get_response(request)
        finally:
            self._free.release()


_TOO_MANY = {"message": "too many requests wait for Appmax, try again later; nothing was done"}
