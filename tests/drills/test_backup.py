"""Backup and restore as docs/deploy.md tells it: a dump restored into a new database, which goes on."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from demo.command import Command
from dev.services import PROGRAMS
from orders.models import Order
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.support.processes import ROOT

RESTORED = "restored"
SECRET = "what only this merchant knows"
READ_SECRET = """
from installations.models import Installation
print(Installation.objects.get(external_key="old").merchant_client_secret)
"""


def server() -> dict[str, Any]:
    settings = connection.settings_dict
    return {"host": settings["HOST"], "port": settings["PORT"], "user": settings["USER"]}


def program(name: str, *arguments: str) -> None:
    """A program of PostgreSQL, asked about the tests' server; its version is the server's."""
    found = server()
    where = [f"--host={found['host']}", f"--port={found['port']}", f"--username={found['user']}"]
    subprocess.run([PROGRAMS / name, *where, *arguments], check=True)


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """manage.py on the restored database."""
    environment = os.environ | {"DB_DATABASE": RESTORED} | variables
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def contents(database: str) -> dict[str, int]:
    """The number of rows of each table, and where each sequence stands."""
    with psycopg.connect(dbname=database, **server()) as there:
        tables = [name for (name,) in there.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        found = {}
        for name in tables:
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            found[name] = there.execute(count).fetchall()[0][0]
        sequences = there.execute("SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences").fetchall()
        return found | {f"sequence {name}": last for name, last in sequences}


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[str]:
    """A dump of a database that has been worked with, restored into a new one."""
    name = connection.settings_dict["NAME"]
    call_command(Command(), orders=60, events=300, stdout=io.StringIO())
    shop = InstallationFactory.create(external_key="old", merchant_client_secret=SECRET)
    OrderFactory.create(installation=shop, appmax_order_id=777_001)
    WebhookEventFactory.create(appmax_order_id=777_002)
    dump = str(tmp_path / "backup.dump")
    program("pg_dump", "--format=custom", f"--file={dump}", name)
    program("createdb", RESTORED)
    try:
        program("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={RESTORED}", dump)
        yield RESTORED
    finally:
        program("dropdb", "--force", RESTORED)


@pytest.mark.django_db(transaction=True)
def test_a_restored_database_is_whole_and_goes_on(restored: str, gunicorn: Callable[..., str]) -> None:
    before = contents(connection.settings_dict["NAME"])
    assert contents(restored) == before
    assert before["orders"] > 60
    assert before["webhook_events"] > 300

    assert manage("migrate", "--check").returncode == 0
    assert manage("shell", "-v", "0", "-c", READ_SECRET).stdout.strip() == SECRET
    without_the_key = manage(
        "shell", "-v", "0", "-c", READ_SECRET, FIELD_ENCRYPTION_KEYS=Fernet.generate_key().decode()
    )
    assert without_the_key.returncode != 0
    assert SECRET not in without_the_key.stdout

    url = gunicorn(DB_DATABASE=restored)
    event = {"event": "order_paid", "event_type": "order", "data": {"order_id": 777_001}}
    assert requests.post(f"{url}/webhooks/appmax", json=event, timeout=10).json() == {"message": "ok"}
    with psycopg.connect(dbname=restored, **server()) as there:
        status = there.execute("SELECT status FROM orders WHERE appmax_order_id = 777001").fetchone()
        newest = there.execute("SELECT max(id) FROM webhook_events").fetchone()
    assert status == ("aprovado",)
    assert newest == (before["sequence webhook_events_id_seq"] + 1,)
    assert Order.objects.get(appmax_order_id=777_001).status == "pendente"  # the old database heard nothing of it
