"""`make upgrade` under load, on one machine behind the shipped nginx: no request fails, whatever becomes of it.

dev/upgrade.py runs as it is. Its `docker` is a script that has the test do each step to real processes.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from dev import upgrade
from dev.services import free_port
from simulator.server import SimulatorServer
from tests.drills.conftest import manage
from tests.drills.load import Load
from tests.drills.test_rolling_restart import assert_nothing_was_lost, load_on, wait_for_payments
from tests.support.processes import Processes, needs_nginx

__all__ = ["load_on"]  # a fixture that is made there

pytestmark = [pytest.mark.django_db(transaction=True), needs_nginx]

SLEEPS = "migrations.RunSQL('SELECT pg_sleep(12)', '')"
FAILS = "migrations.RunSQL('SELECT 1 / 0', '')"
SETTINGS = """
from checkout_project.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "next_version"]
"""
MIGRATION = """
from django.db import migrations
class Migration(migrations.Migration):
    atomic = False
    operations = [{operation}]
"""


class Machine:
    """The two groups of the web, each in place of a container."""

    def __init__(self, start: Callable[..., str], processes: Processes, environment: dict[str, str]) -> None:
        self._start, self._processes, self._environment = start, processes, environment
        self.ports = {"quick": free_port(), "app": free_port()}
        self.replaced: list[str] = []
        self.next_version: dict[str, str] = {}
        self._of = {name: self._begin(name) for name in self.ports}

    def do(self, step: str) -> bool:
        """What docker is asked for; whether it worked."""
        match step.split():
            case [*_, "migrate"]:
                try:
                    manage(self._environment | self.next_version, "migrate")
                except subprocess.CalledProcessError:
                    return False
            case [*_, "--wait", ("quick" | "app") as name]:
                self._of[name].terminate()
                self._of[name].wait(timeout=120)
                self._of[name] = self._begin(name)
                self.replaced.append(name)
        return True

    def _begin(self, name: str) -> subprocess.Popen[bytes]:
        own = {"APP_PORT": str(self.ports[name]), "WEB_THREADS": "16"}
        self._start(**self._environment | self.next_version | own)
        return self._processes[-1]


@pytest.fixture
def machine(
    gunicorn: Callable[..., str],
    processes: Processes,
    environment: dict[str, str],
    transactional_db: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Machine]:
    made = Machine(gunicorn, processes, environment)

    class Docker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            step = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(200 if made.do(step) else 500)
            self.end_headers()
            self.wfile.write(b"0123abcd")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Docker) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        docker = tmp_path / "bin" / "docker"
        docker.parent.mkdir()
        docker.write_text(f'#!/bin/sh\nexec curl --silent --fail --data "$*" http://127.0.0.1:{server.server_port}\n')
        docker.chmod(0o755)
        monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
        yield made
        server.shutdown()
        thread.join(timeout=10)
    MigrationRecorder(connection).record_unapplied("next_version", "0001_one")


def next_version(folder: Path, operation: str) -> dict[str, str]:
    """Variables of a version of the product with one migration more."""
    (folder / "next_version" / "migrations").mkdir(parents=True)
    (folder / "next_version" / "migrations" / "__init__.py").touch()
    (folder / "next_version" / "migrations" / "0001_one.py").write_text(MIGRATION.format(operation=operation))
    (folder / "next_version" / "__init__.py").touch()
    (folder / "next_settings.py").write_text(SETTINGS)
    return {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "next_settings"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "operation", "replaced"),
    [
        ("a migration of 12 s", SLEEPS, ["quick", "app"]),
        ("a migration that fails", FAILS, []),
    ],
    ids=["sleeps", "fails"],
)
def test_no_request_fails(
    machine: Machine,
    proxy: Callable[..., Any],
    load_on: Any,
    simulator: SimulatorServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    report: Any,
    record_property: Any,
    what: str,
    operation: str,
    replaced: list[str],
) -> None:
    front = proxy(machine.ports["app"], machine.ports["quick"])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", front.certificate)
    machine.next_version = next_version(tmp_path / "next", operation)
    with Load() as load:
        load_on(load, [front.https])
        wait_for_payments(load, 4)
        load.note("make upgrade")
        code = upgrade.main(tmp_path, datetime.now(UTC))
        load.note(f"its exit code is {code}")
        wait_for_payments(load, 4)
    record_property("log", [f"make upgrade with {what}, under load", *load.log])

    assert (code == 0, machine.replaced) == (replaced != [], replaced)
    assert_nothing_was_lost(load, simulator, report, f"make upgrade with {what}, under load, behind nginx")
