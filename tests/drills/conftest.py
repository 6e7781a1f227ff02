"""The product's real processes, as an operator starts them, and the table of what the drills counted."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from simulator.server import SimulatorServer
from tests.support.processes import ROOT, Processes

WORKER = [sys.executable, "manage.py", "procrastinate", "worker"]


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """What a manage.py command printed."""
    command = [sys.executable, "manage.py", *arguments]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True)
    return result.stdout


@pytest.fixture
def worker(processes: Processes, tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a job worker with these variables on top. `worker.log` is its log."""

    def start(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [*WORKER, *arguments],
                cwd=ROOT,
                env=os.environ | variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        processes.append(process)
        return process

    return start


@pytest.fixture
def environment(simulator: SimulatorServer) -> dict[str, str]:
    """Variables that lead to the test's database and its simulated Appmax."""
    return {
        "DB_DATABASE": connection.settings_dict["NAME"],
        "WEB_CONCURRENCY": "1",
        "CACHE_DRIVER": "memory",
        "APPMAX_AUTH_URL": simulator.url,
        "APPMAX_API_URL": simulator.url,
        "APPMAX_ADMIN_URL": simulator.url,
        "APPMAX_CLIENT_ID": simulator.settings.client_id,
        "APPMAX_CLIENT_SECRET": simulator.settings.client_secret,
        "APPMAX_APP_ID_UUID": simulator.settings.app_id_uuid,
        "APPMAX_APP_ID_NUMERIC": simulator.settings.app_id_numeric,
    }


def connections() -> int:
    """How many others are connected to the test's database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Say what this drill broke, sent and saw: one row of the table at the end."""

    def keep(broken: str, *, sent: str, answered: str, tables: str) -> None:
        record_property("drill", [broken, sent, answered, tables])

    return keep


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The drills' counts as Markdown, and the logs that they kept; where tests/drills is named on the command line."""
    reports = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, [])]
    kept = [(name, value) for report in reports if report.when == "call" for name, value in report.user_properties]
    rows = sorted(value for name, value in kept if name == "drill")
    if not rows:
        return
    terminalreporter.section("drills")
    heads = [["broken", "sent", "answered", "in the tables"], ["---"] * 4]
    for row in heads + rows:
        terminalreporter.write_line("| " + " | ".join(row) + " |")
    for name, lines in kept:
        if name == "log":
            terminalreporter.write_line("")
            for line in lines:
                terminalreporter.write_line(line)
