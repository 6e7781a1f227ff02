"""`manage.py migrate`: a statement may take as long as it needs, a lock may not, and several at once
wait for each other."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psycopg
import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import post_migrate

from checkout_project.management.commands.migrate import LOCK

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db


def limits() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout')")
        return dict(cursor.fetchall())


@contextmanager
def during_migrate(receiver: Callable[..., Any]) -> Iterator[None]:
    post_migrate.connect(receiver)
    try:
        yield
    finally:
        post_migrate.disconnect(receiver)


def test_only_locks_have_a_limit_while_it_runs() -> None:
    seen: list[dict[str, str]] = []

    def look(**kwargs: Any) -> None:
        seen.append(limits())

    with during_migrate(look):
        call_command("migrate", verbosity=0)

    assert seen[0] == {"statement_timeout": "0", "lock_timeout": "3000"}


def test_a_schema_that_is_not_there_is_named_in_one_line(settings: Any) -> None:
    settings.DB_SCHEMA = "My Shop"

    with pytest.raises(CommandError) as caught:
        call_command("migrate", verbosity=0)

    assert str(caught.value) == 'DB_SCHEMA: "My Shop" is not in the database; make it once: CREATE SCHEMA "My Shop"'


def test_afterwards_statements_have_theirs_again() -> None:
    before = limits()

    call_command("migrate", verbosity=0)

    assert limits() == before
    assert before["statement_timeout"] == "15000"


@pytest.mark.django_db(transaction=True)
def test_several_at_once_wait_for_each_other() -> None:
    """On a database without tables, where each of them would make the same ones."""
    name = f"{connection.settings_dict['NAME']}_new"
    environment = os.environ | {"DB_DATABASE": name, "PYTHONUNBUFFERED": "1"}
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        command = [sys.executable, "manage.py", "migrate", "contenttypes"]
        with psycopg.connect(**connection.get_connection_params() | {"dbname": name}, autocommit=True) as earlier:
            earlier.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            started = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=PIPE, text=True) for _ in range(3)]
            said = [process.stdout.readline() for process in started if process.stdout]
        ended = [(process.communicate(timeout=120)[0], process.returncode) for process in started]
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    assert said == ["Another migrate is under way; this one begins when it is done.\n"] * 3
    assert [code for _, code in ended] == [0, 0, 0]
    assert sum("Applying contenttypes.0001_initial" in out for out, _ in ended) == 1


def test_an_index_that_was_left_half_built_is_dropped_before_it_is_built_again() -> None:
    loader = MigrationLoader(None)
    for name, migration in loader.disk_migrations.items():
        before: Any = None
        for operation in migration.operations:
            if isinstance(operation, AddIndexConcurrently):
                wanted = f"DROP INDEX CONCURRENTLY IF EXISTS {operation.index.name}"
                assert getattr(before, "sql", None) == wanted, name
            before = operation
