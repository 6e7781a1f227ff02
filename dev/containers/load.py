"""Requests to the machine's own addresses, and many callers at once whose answers are counted."""

import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

WAIT_SECONDS = 60
CERTIFICATE = "/srv/tls/fullchain.pem"


@dataclass(frozen=True)
class Answer:
    """Its status, the header Location, and its text."""

    status: int
    location: str
    text: str

    def json(self) -> Any:
        """What the text says as JSON. Raises ValueError."""
        return json.loads(self.text)


class Caller:
    """Asks for one URL after the other over one connection for each host, or with `keeps=False` over a new one for each
    request. It follows no redirect, and sends nothing twice."""

    def __init__(self, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self._kept: dict[str, HTTPConnection] = {}

    def ask(self, method: str, url: str, body: object = None, **headers: str) -> Answer:
        """Raises OSError or HTTPException if there is no answer. In the headers' names `_` stands for `-`."""
        parts = urlsplit(url)
        connection = self._kept.get(parts.netloc) or _connect(parts.scheme, parts.netloc)
        if self._keeps:
            self._kept[parts.netloc] = connection
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named["Content-Type"] = "application/json"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, path or "/", None if body is None else json.dumps(body), named)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers.get("Location", ""), answer.read().decode())
        except (OSError, HTTPException):
            connection.close()
            raise
        finally:
            if not self._keeps:
                connection.close()


def _connect(scheme: str, netloc: str) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(netloc, timeout=WAIT_SECONDS)
    return HTTPSConnection(netloc, timeout=WAIT_SECONDS, context=ssl.create_default_context(cafile=CERTIFICATE))


class Load:
    """`with Load() as load: load.add("webhook", call)` calls again and again until the end of the block. `call` is
    given a `Caller` of its thread's own."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()  # "webhook 200", or "webhook ConnectionResetError"
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=2 * WAIT_SECONDS)

    def add(self, name: str, call: Callable[[Caller], Answer]) -> None:
        """Two more callers: one that keeps its connection, and one that makes a new one for each call."""
        for keeps in (True, False):
            self._threads.append(threading.Thread(target=self._repeat, args=(name, call, Caller(keeps=keeps))))
            self._threads[-1].start()

    def _repeat(self, name: str, call: Callable[[Caller], Answer], caller: Caller) -> None:
        while not self._stopping.wait(0.02):
            try:
                outcome = str(call(caller).status)
            except (OSError, HTTPException) as error:
                outcome = type(error).__name__
            with self._lock:
                self.answers[f"{name} {outcome}"] += 1

    def says(self) -> str:
        """`status 200: 40, webhook 200: 50`"""
        return ", ".join(f"{name}: {count}" for name, count in sorted(self.answers.items()))
