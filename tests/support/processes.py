"""The product's web under its real server, and the shipped nginx in front of it, as an operator starts them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from dev import nginx
from dev.services import free_port, temporary_folder

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]

Processes = list[subprocess.Popen[bytes]]

needs_nginx = pytest.mark.skipif(nginx.NGINX is None and not os.environ.get("CI"), reason="nginx is not installed")


def wait_until(condition: Callable[[], Any], *, seconds: float = 15) -> Any:
    """The first true value of the condition."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, with all its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


@contextlib.contextmanager
def ended_afterwards() -> Iterator[Processes]:
    """A list of processes, each with its children in a process group of its own, which are told to end."""
    processes: Processes = []
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


@pytest.fixture
def processes() -> Iterator[Processes]:
    """What has been started."""
    with ended_afterwards() as processes:
        yield processes


def start_gunicorn(processes: Processes, log: Path, variables: Mapping[str, str]) -> str:
    """Start it with these variables on top; returns its URL once it answers."""
    port = variables.get("APP_PORT") or str(free_port())
    environment = os.environ | {"APP_PORT": port, "APP_URL": f"http://127.0.0.1:{port}", **variables}
    with log.open("ab") as output:
        processes.append(subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stderr=output, start_new_session=True))
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            requests.get(f"{url}/health", timeout=2)
        except requests.RequestException:
            time.sleep(0.02)
            continue
        return url
    raise AssertionError("gunicorn does not answer")


@pytest.fixture
def gunicorn(processes: Processes, tmp_path: Path) -> Callable[..., str]:
    """Start gunicorn with these variables on top; returns its URL once it answers. `gunicorn.log` is its log."""
    return lambda **variables: start_gunicorn(processes, tmp_path / "gunicorn.log", variables)


@dataclass
class Proxy:
    """A running nginx."""

    http: str
    https: str
    certificate: str
    log: Path

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Over https, trusting this run's certificate, following no redirect."""
        url = self.https + path
        return requests.request(method, url, verify=self.certificate, allow_redirects=False, timeout=10, **options)

    def logs_once(self, text: str) -> bool:
        """Whether one line of the log holds this; nginx writes it after it has answered."""
        wait_until(lambda: text in self.log.read_text())
        return self.log.read_text().count(text) == 1


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def proxy() -> Iterator[Callable[..., Proxy]]:
    """Start nginx in front of one port of this machine, or of two: `quick` then gets webhooks and status reads."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        folder.chmod(0o755)

        def start(app: int, quick: int | None = None) -> Proxy:
            http, https = free_port(), free_port()
            path = nginx.configuration(folder, app=app, quick=quick or app, http=http, https=https)
            log = folder / "log"
            with log.open("wb") as output:
                command = [str(nginx.NGINX), "-c", str(path), "-g", "daemon off;"]
                process = subprocess.Popen(command, stdout=output, stderr=output)
            stack.callback(process.wait, timeout=20)
            stack.callback(process.terminate)
            deadline = time.monotonic() + 10
            while not listens(https):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            pem = str(folder / "fullchain.pem")
            return Proxy(f"http://localhost:{http}", f"https://localhost:{https}", pem, log)

        yield start
