"""A primary and its standby, both named: the one that takes writes is found, and the other once it is promoted."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from dev import services
from tests.drills import servers
from tests.drills.conftest import manage
from tests.support.processes import wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    with services.temporary_folder() as folder:
        folder.chmod(0o755)
        yield folder


def copied(primary: servers.Cluster, folder: Path) -> servers.Cluster:
    """A standby of it, not yet started."""
    folder.mkdir()
    servers.give(folder)
    standby = servers.Cluster(folder, services.free_port(), primary.programs)
    source = f"host={primary.folder} port={primary.port} user=postgres"
    standby.run(
        "pg_basebackup", f"--dbname={source}", f"--pgdata={folder}/data", "--write-recovery-conf", "--checkpoint=fast"
    )
    return standby


def test_the_one_that_takes_writes_is_found(
    folder: Path, environment: dict[str, str], gunicorn: Callable[..., str], report: Any
) -> None:
    (folder / "one").mkdir()
    primary = servers.cluster(folder / "one", services.PROGRAMS)
    with ExitStack() as stack:
        stop_primary = stack.enter_context(ExitStack())
        stop_primary.enter_context(servers.running(primary))
        primary.execute("CREATE ROLE appmax LOGIN")
        primary.execute("CREATE DATABASE appmax_checkout OWNER appmax")
        standby = copied(primary, folder / "two")
        stack.enter_context(servers.running(standby))
        assert standby.ask("SELECT pg_is_in_recovery()") == "True"
        variables = environment | {
            "DB_HOST": "localhost,localhost",
            "DB_PORT": f"{standby.port},{primary.port}",
            "DB_DATABASE": "appmax_checkout",
            "DB_USERNAME": "appmax",
        }
        manage(variables, "migrate")
        url = gunicorn(**variables)

        before = requests.get(f"{url}/health/ready", timeout=20).json()["checks"]["database"]
        wait_until(lambda: standby.ask("SELECT pg_last_wal_replay_lsn()") == primary.ask("SELECT pg_current_wal_lsn()"))
        stop_primary.close()
        away = requests.get(f"{url}/health/ready", timeout=20).status_code
        standby.run("pg_ctl", "promote", f"--pgdata={standby.folder}/data")
        promoted = time.monotonic()
        wait_until(lambda: requests.get(f"{url}/health/ready", timeout=20).status_code == 200)
        seconds = time.monotonic() - promoted

        event = {"event": "order_paid", "event_type": "order", "data": {"order_id": 1}}
        kept = requests.post(f"{url}/webhooks/appmax", json=event, timeout=20).status_code
        events = standby.ask("SELECT count(*) FROM webhook_events", "appmax_checkout")

        report(
            "PostgreSQL: the primary stopped, its standby promoted",
            sent="GET /health/ready before, between and after; 1 webhook after",
            answered=f"200, {away}, 200 {seconds:.1f} s after the promotion, by the same processes; webhook {kept}",
            tables=f"{events} event",
        )
        assert (before, away, kept, events) == ("ok", 503, 200, "1")
