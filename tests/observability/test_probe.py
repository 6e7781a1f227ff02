"""Health checks of containers, run as the image and Compose run them: without packages, by what the worker shows."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from dev.services import free_port
from observability import probe

ROOT = Path(__file__).resolve().parents[2]
OF_WEB = json.loads(re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0])
OF_WORKER = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]["healthcheck"]["test"][1:]


class Health(BaseHTTPRequestHandler):
    """Answers /health with the server's `status`."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/health" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """The check, with an interpreter that sees no packages, as `-IS` in the command asks."""
    assert command[:2] == ["python", "-IS"]
    result = [sys.executable, *command[1:]]
    return subprocess.run(result, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (400, 1)])
def test_the_web_is_healthy_if_it_says_so(server: Any, status: int, code: int) -> None:
    server.status = status

    assert run(OF_WEB, APP_HOST="0.0.0.0", APP_PORT=str(server.server_port)).returncode == code  # noqa: S104


def test_a_web_that_is_not_there_is_not_healthy() -> None:
    result = run(OF_WEB, APP_PORT=str(free_port()))

    assert (result.returncode, result.stderr.strip().partition(":")[0]) == (1, "no answer")


@pytest.mark.parametrize(("silent", "code"), [(0, 0), (170, 0), (190, 1)])
def test_the_worker_is_healthy_while_jobs_begin_or_end(tmp_path: Path, silent: int, code: int) -> None:
    sign = tmp_path / "sign"
    sign.touch()
    os.utime(sign, (time.time() - silent,) * 2)

    assert run(OF_WORKER, WORKER_SIGN=str(sign)).returncode == code


def test_a_worker_without_a_first_job_is_not_healthy(tmp_path: Path) -> None:
    result = run(OF_WORKER, WORKER_SIGN=str(tmp_path / "sign"))

    assert (result.returncode, result.stderr) == (1, "no job has begun yet\n")


def test_each_job_is_a_sign_when_it_begins_and_when_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = tmp_path / "sign"
    monkeypatch.setenv("WORKER_SIGN", str(sign))
    began: list[bool] = []

    async def job() -> None:
        began.append(sign.exists())
        sign.unlink()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(probe.show_life(job, None, None))

    assert began == [True]
    assert sign.exists()
    middleware: Any = settings.PROCRASTINATE_WORKER_DEFAULTS["worker_middleware"]
    assert probe.show_life in middleware


def test_a_sign_that_cannot_be_given_fails_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_SIGN", str(tmp_path / "nowhere" / "sign"))

    async def job() -> str:
        return "done"

    assert asyncio.run(probe.show_life(job, None, None)) == "done"
