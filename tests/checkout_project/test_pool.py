"""The pool of connections: a restarted PostgreSQL costs no request, and one that was away is found again at once."""

import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.db import NotSupportedError, OperationalError, connection
from psycopg_pool import ConnectionPool

from checkout_project.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)

IDLE = 5


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[DatabaseWrapper]:
    """A connection of a pool of its own, which goes through a link to PostgreSQL's socket."""
    settings = deepcopy(connection.settings_dict)
    settings["HOST"] = str(tmp_path)
    settings["OPTIONS"]["pool"] |= {"min_size": IDLE, "max_size": IDLE + 1}
    settings["OPTIONS"]["application_name"] = tmp_path.name
    wrapper = DatabaseWrapper(settings, alias=f"pooled-{tmp_path.name}")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def link(folder: Path) -> None:
    name = f".s.PGSQL.{connection.settings_dict['PORT']}"
    (folder / name).symlink_to(Path(connection.settings_dict["HOST"]) / name)


def ask(pooled: DatabaseWrapper) -> None:
    """As a request does: take a connection, use it, give it back."""
    try:
        with pooled.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        pooled.close()


def test_broken_connections_cost_no_request(pooled: DatabaseWrapper, tmp_path: Path) -> None:
    link(tmp_path)
    ask(pooled)
    pooled.pool.wait(timeout=10)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = %s",
            [tmp_path.name],
        )
        assert cursor.fetchone()[0] >= IDLE

    started = time.monotonic()
    ask(pooled)

    assert time.monotonic() - started < 1


def test_after_a_longer_absence_the_next_request_finds_it_again(pooled: DatabaseWrapper, tmp_path: Path) -> None:
    for _ in range(2):  # long enough for pauses that double to be longer than a request waits
        with pytest.raises(OperationalError):
            ask(pooled)
    link(tmp_path)

    ask(pooled)


def test_a_column_that_changes_its_type_costs_a_connection_one_statement(
    pooled: DatabaseWrapper, tmp_path: Path
) -> None:
    """PostgreSQL refuses what was prepared before, again and again."""
    link(tmp_path)

    def read() -> None:
        with pooled.cursor() as cursor:
            cursor.execute("SELECT position FROM webhook_progress WHERE job = %s", ["none"])

    def change(kind: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE webhook_progress ALTER position TYPE {kind}")

    for _ in range(10):
        read()
    change("numeric")
    try:
        with pytest.raises(NotSupportedError):
            read()
        pooled.close_if_unusable_or_obsolete()  # as at the end of a request
        for _ in range(2 * IDLE):
            read()
            pooled.close()
    finally:
        change("bigint")


def test_a_connection_that_has_lain_idle_is_asked_whether_it_lives(
    pooled: DatabaseWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side may have vanished without a goodbye."""
    link(tmp_path)
    asked: list[Any] = []
    monkeypatch.setattr(ConnectionPool, "check_connection", asked.append)
    for _ in range(IDLE):
        ask(pooled)
    pooled.pool.wait(timeout=10)
    ask(pooled)
    fresh = len(asked)
    for idle in pooled.pool._pool:
        idle.given_back = time.monotonic() - 2

    ask(pooled)

    assert len(asked) == fresh + 1
