"""Who goes first when a process has more to do than its processor can.

A webhook or a status read is over in milliseconds; a request that asks Appmax is waited for by a shopper for seconds
anyway. The latter work one at a time, and let the former pass; while they wait for Appmax they are in nobody's way.
docs/performance.md has the figures. Every wait here is bounded: whoever has waited long enough goes without a turn.
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
PAUSE_SECONDS = 0.003  # between two quick requests; only a longer one shows that there is nothing to give way to
PATIENCE_SECONDS = 0.2  # a turn, or giving way, that takes longer (a row lock, say) holds nobody up
# A Pix begins once and returns from Appmax four times (a token, three calls), which gunicorn.conf.py's graceful_timeout
# leaves room for; each repeat of a call is one return more.
LONGEST_TO_BEGIN_SECONDS = 5.0  # nothing has been done yet
LONGEST_TO_RETURN_SECONDS = 1.0  # Appmax's answer is there, and not in the tables yet
KEPT_FREE = 8  # threads that slow requests never take; half of them if there are few


class Turns:
    """Of the slow requests of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._quick = 0  # at work
        self._passed = 0  # since the last turn
        self._last_quick = 0.0  # when one ended
        self._holder: threading.Semaphore | None = None  # whose turn it is, by the gate that he came through
        self._since = 0.0  # the last turn began, or the first of those who wait became the first
        self._beginning: deque[threading.Semaphore] = deque()
        self._returning: deque[threading.Semaphore] = deque()  # they go first
        self._mine = threading.local()  # .gate: what this thread came through, while it takes turns

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
                self._last_quick = time.monotonic()
                self._passed += 1
                self._let_next_go()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """For a slow request's work; waits until it may begin."""
        self._take(self._beginning, LONGEST_TO_BEGIN_SECONDS)
        try:
            yield
        finally:
            self._give()
            self._mine.gate = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """While this thread waits for somebody else, its turn is another's; nothing for a thread that takes none."""
        if getattr(self._mine, "gate", None) is None:
            yield
            return
        self._give()
        try:
            yield
        finally:
            self._take(self._returning, LONGEST_TO_RETURN_SECONDS)

    def _take(self, queue: deque[threading.Semaphore], longest: float) -> None:
        self._mine.gate = gate = threading.Semaphore(0)  # released for whoever waits there to look again
        until = time.monotonic() + longest
        with self._lock:
            if self._holder is None and not self._beginning and not self._returning:
                self._since, self._passed = time.monotonic(), 0
            queue.append(gate)
        while True:
            with self._lock:
                if gate in queue:
                    self._let_next_go()
                if gate not in queue:
                    return
                if time.monotonic() > until:
                    queue.remove(gate)
                    _look_again(queue)
                    return
                is_first = queue[0] is gate
            gate.acquire(timeout=PAUSE_SECONDS if is_first else PATIENCE_SECONDS)

    def _give(self) -> None:
        with self._lock:
            if self._holder is self._mine.gate:
                self._holder = None
            self._let_next_go()

    def _let_next_go(self) -> None:
        """If there is one, and it is time. The lock must be held."""
        queue = self._returning or self._beginning
        if not queue:
            return
        is_held = self._holder is not None
        now = time.monotonic()
        gives_way = (self._quick > 0 or now - self._last_quick < PAUSE_SECONDS) and self._passed < PASSED
        if not (is_held or gives_way) or now - self._since > PATIENCE_SECONDS:
            self._holder, self._since, self._passed = queue.popleft(), now, 0
            self._holder.release()
            _look_again(queue)


def _look_again(queue: deque[threading.Semaphore]) -> None:
    """Who has become the first sleeps for less time."""
    if queue:
        queue[0].release()


turns = Turns()


class TakesTurns:
    """Webhooks and status reads pass by. All else of storefronts may ask Appmax, and takes turns. That, and what
    merchants install with, may not take all threads: one request too many is refused before anything is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        kept_free = min(KEPT_FREE, settings.WEB_THREADS // 2)
        self._free = threading.BoundedSemaphore(settings.WEB_THREADS - kept_free)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """503 with Retry-After for a request too many."""
        _, room, *rest = request.path.split("/")
        if room == "webhooks" or (room == "checkout" and rest[1:2] == ["status"]):
            with turns.pass_by():
                return self.get_response(request)
        if room not in _MAY_ASK_APPMAX:
            return self.get_response(request)
        if not self._free.acquire(blocking=False):
            log.warning("request.refused", reason="too many wait for Appmax")
            return JsonResponse(_TOO_MANY, status=503, headers={"Retry-After": "5"})
        try:
            if room != "checkout":  # Appmax's own callback has five seconds
                return self.get_response(request)
            with turns.turn():
                return self.get_response(request)
        finally:
            self._free.release()


_MAY_ASK_APPMAX = ("checkout", "install", "installations", "integrations")
_TOO_MANY = {"message": "too many requests wait for Appmax, try again later; nothing was done"}
