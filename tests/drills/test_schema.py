"""A DB_SCHEMA with capitals, spaces and quotes: migrations, the web and the worker find their tables in it alone."""

import subprocess
from collections.abc import Callable

import pytest
import requests
from django.db import connection
from psycopg import sql

from tests.drills.conftest import manage
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = 'My "Shop"\\1'


def test_everything_is_ready_in_it(
    environment: dict[str, str],
    gunicorn: Callable[..., str],
    worker: Callable[..., subprocess.Popen[bytes]],
) -> None:
    quoted = sql.Identifier(SCHEMA).as_string(None)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted}")
    variables = environment | {"DB_SCHEMA": SCHEMA}
    try:
        manage(variables, "migrate")
        url = gunicorn(**variables)
        worker(**variables)

        wait_until(
            lambda: requests.get(f"{url}/health/ready", timeout=20).json()["checks"]["worker"] == "ok", seconds=30
        )

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [SCHEMA])
            in_it = cursor.fetchone()[0]
            cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            assert in_it == cursor.fetchone()[0] > 20
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")
            cursor.execute(f"DROP SCHEMA {quoted} CASCADE")
            cursor.execute("RESET lock_timeout")
