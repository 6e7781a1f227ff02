"""The product under its real server, as an operator starts it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from dev.services import free_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """What `gunicorn` has started, each with its workers in a process group of its own."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=20)


@pytest.fixture
def gunicorn(processes: list[subprocess.Popen[bytes]]) -> Callable[..., str]:
    """Start gunicorn with these variables on top; returns its URL once it answers."""

    def start(**variables: str) -> str:
        port = str(free_port())
        environment = os.environ | {"APP_PORT": port, "APP_URL": f"http://127.0.0.1:{port}", **variables}
        processes.append(
            subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
        )
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                requests.get(f"{url}/health", timeout=2)
            except requests.RequestException:
                continue
            return url
        raise AssertionError("gunicorn does not answer")

    return start
