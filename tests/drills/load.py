"""Many callers at once, and what each of their calls came to."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError


def says(counts: Counter[str] | Counter[int]) -> str:
    """`200: 40, 503: 2`"""
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items(), key=str)) or "nothing"


class Caller:
    """Calls whichever of the instances takes the connection, beginning with the one that took the last; never sends
    anything twice. `keeps`: one connection for all calls, or a new one for each."""

    def __init__(self, urls: list[str], *, keeps: bool) -> None:
        self._urls = urls
        self._keeps = keeps
        self._session = requests.Session()

    def call(self, method: str, path: str, **request: object) -> requests.Response:
        """The answer. Raises requests.RequestException."""
        for url in list(self._urls):
            try:
                return self._send(method, url + path, **request)
            except requests.ConnectionError as error:
                if not _was_refused(error):
                    raise
                self._urls = [*self._urls[1:], self._urls[0]]
        raise requests.ConnectionError("nobody listens")

    def _send(self, method: str, url: str, **request: object) -> requests.Response:
        if self._keeps:
            return self._session.request(method, url, timeout=20, **request)  # type: ignore[arg-type]
        return requests.request(method, url, timeout=20, **request)  # type: ignore[arg-type]


def _was_refused(error: requests.ConnectionError) -> bool:
    reason = error.args[0] if error.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)


class Load:
    """`with Load() as load: load.add("webhooks", call)` calls again and again until the end of the block."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()  # "webhooks 200", or "webhooks ConnectionError"
        self.failures: list[str] = []
        self.log: list[str] = []
        self._started = time.monotonic()
        self._said: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "Load":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=30)
        self.note("end")

    def add(self, name: str, call: Callable[[], requests.Response], *, pause: float = 0.02) -> None:
        """One more caller in a thread of its own; `pause`: seconds between its calls."""
        self._threads.append(threading.Thread(target=self._repeat, args=(name, call, pause)))
        self._threads[-1].start()

    def note(self, what: str) -> None:
        """A line of the log: what happens now, and what has been answered since the last line."""
        with self._lock:
            since = self.answers - self._said
            self._said = self.answers.copy()
        self.log.append(f"{time.monotonic() - self._started:5.1f} s  {says(since)}\n         -> {what}")

    def _repeat(self, name: str, call: Callable[[], requests.Response], pause: float) -> None:
        while not self._stopping.wait(pause):
            try:
                outcome = str(call().status_code)
            except requests.RequestException as error:
                outcome = type(error).__name__
                self.failures.append(f"{name}: {error!r}")
            with self._lock:
                self.answers[f"{name} {outcome}"] += 1
