"""gunicorn gets a worker process for each processor that it may use, as far as the database's connections reach."""

import os
from pathlib import Path

import pytest

from checkout_project import cpus
from tests.checkout_project.test_settings import settings_of


@pytest.mark.parametrize(("limit", "count"), [("max 100000", 8), ("150000 100000", 2), ("900000 100000", 8)])
def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, count: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    (tmp_path / "cpu.max").write_text(limit + "\n")

    assert cpus.usable(tmp_path / "cpu.max") == count
    assert cpus.usable(tmp_path / "no container") == 8


@pytest.mark.parametrize(
    ("usable", "connections", "processes"), [(1, 19, 2), (3, 19, 3), (16, 19, 4), (16, 94, 8), (2, 3, 1), (2, 0, 1)]
)
def test_each_process_has_four_connections(usable: int, connections: int, processes: int) -> None:
    assert cpus.web_processes(usable, connections) == processes


def test_without_a_word_of_the_operator_this_machines_processors_count() -> None:
    found = settings_of("WEB_CONCURRENCY", DB_MAX_OPEN_CONNS="25")

    assert found["WEB_CONCURRENCY"] == cpus.web_processes(cpus.usable(), 19)
