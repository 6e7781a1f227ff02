"""Health checks of containers. They run every few seconds, so this imports next to nothing and needs no package:
`python -IS probe.py web` asks the web, `python -IS probe.py worker` looks for the worker's sign of life.
"""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

# A job begins every 3 seconds, unless all of them wait for an Appmax that doesn't answer, which takes 99 seconds.
SILENT_SECONDS = 180
WAIT_SECONDS = 8


async def show_life(call_next: Callable[[], Awaitable[object]], context: object, worker: object) -> object:
    """Middleware of the job worker, which touches the file that WORKER_SIGN names, if any, when a job begins and when
    it ends. A worker gives no sign if its process, its database or all its jobs hang."""
    _touch()
    try:
        return await call_next()
    finally:
        _touch()


def _touch() -> None:
    if sign := os.environ.get("WORKER_SIGN"):
        with contextlib.suppress(OSError):  # A sign is not worth a job.
            Path(sign).touch()


def trouble_of_web(host: str, port: int) -> str:
    """What is wrong with the web that listens there, or a blank text."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 # nosec B104
    try:
        with socket.create_connection((own, port), timeout=WAIT_SECONDS) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            status = connection.recv(64)
    except OSError as error:
        return f"no answer: {error}"
    return "" if status.split()[1:2] == [b"200"] else f"answered {status!r}"


def trouble_of_worker(sign: str, now: float) -> str:
    """What is wrong with the worker that touches this file, or a blank text."""
    try:
        silent = now - Path(sign).stat().st_mtime
    except OSError:
        return "no job has begun yet"
    return "" if silent < SILENT_SECONDS else f"no job has begun or ended for {silent:.0f} s"


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        sys.exit(trouble_of_worker(os.environ["WORKER_SIGN"], time.time()) or 0)
    sys.exit(trouble_of_web(os.environ.get("APP_HOST") or "0.0.0.0", int(os.environ.get("APP_PORT") or 8080)) or 0)  # noqa: S104 # nosec B104
