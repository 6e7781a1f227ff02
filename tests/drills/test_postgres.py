"""PostgreSQL is stopped, or killed, and back in a burst of webhooks: what was answered 200 is there, none is applied
twice, gunicorn goes on without a restart, and the worker once its supervisor has started it again."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import requests

from dev import services
from tests.drills.conftest import manage
from tests.drills.load import says
from tests.support.processes import kill, wait_until

ORDERS = 150
SENDERS = 8
STATUS = {"order_pix_created": "pendente", "order_paid_by_pix": "aprovado", "order_integrated": "integrado"}


def prepare(variables: dict[str, str]) -> None:
    """Migrate, and make the orders that the events are about."""
    manage(variables, "migrate", "--verbosity", "0")
    with connect(variables) as connection:
        connection.execute(
            "INSERT INTO installations (external_key, app_id, merchant_client_id, merchant_client_secret, created_at,"
            " updated_at) VALUES ('shop', '1', 'x', 'x', now(), now())"
        )
        connection.execute(
            "INSERT INTO orders (installation_id, appmax_customer_id, appmax_order_id, created_at, updated_at)"
            " SELECT (SELECT id FROM installations), 1, n, now(), now() FROM generate_series(1, %s) n",
            [ORDERS],
        )


def connect(variables: dict[str, str]) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=variables["DB_HOST"], dbname=variables["DB_DATABASE"], user=variables["DB_USERNAME"], autocommit=True
    )


def deliver(url: str, event: str, order_id: int, answers: Counter[int]) -> bool:
    """Post until a 2xx comes, as Appmax does, only faster; whether one came."""
    body = {"event": event, "event_type": "order", "data": {"order_id": order_id}}
    for _ in range(60):
        try:
            status = requests.post(url, json=body, timeout=5).status_code
        except requests.RequestException:
            status = 0
        answers[status] += 1
        if status == 200:
            return True
        time.sleep(0.25)
    return False


@contextmanager
def supervised(start: Callable[[], subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """As Compose's `restart: unless-stopped`: whenever the worker ends it is started again. Collects its exit codes."""
    exits: list[int] = []
    stopping = threading.Event()

    def supervise() -> None:
        process = start()
        while not stopping.wait(0.1):
            if process.poll() is not None:
                exits.append(process.returncode)
                process = start()
        kill(process)

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield exits
    finally:
        stopping.set()
        thread.join(timeout=20)


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_every_event_that_was_answered_200_is_kept_and_none_is_applied_twice(
    gunicorn: Callable[..., str], worker: Callable[..., subprocess.Popen[bytes]], report: Any, way: str
) -> None:
    with services.temporary_folder() as folder, services.postgres(folder / "pg") as database:
        prepare(database.variables)
        away = {
            "CACHE_DRIVER": "memory",
            "APPMAX_AUTH_URL": "http://127.0.0.1:1",
            "APPMAX_API_URL": "http://127.0.0.1:1",
        }
        variables = database.variables | away
        url = gunicorn(**variables, WEB_CONCURRENCY="2") + "/webhooks/appmax"
        events = [(event, order_id) for order_id in range(1, ORDERS + 1) for event in STATUS]
        answers: Counter[int] = Counter()
        started = threading.Event()

        def send(event: tuple[str, int]) -> bool:
            if event[1] > ORDERS // 4:
                started.set()
            return deliver(url, *event, answers)

        with supervised(lambda: worker(**variables)) as exits, ThreadPoolExecutor(SENDERS) as pool:
            with connect(variables) as connection:
                wait_until(lambda: count(connection, "SELECT count(*) FROM procrastinate_workers"))
            results = pool.map(send, events)
            started.wait(timeout=30)
            database.stop() if way == "stopped" else database.kill()
            wait_until(lambda: answers[503] >= SENDERS)  # so long that requests don't wait for a connection any more
            database.start()
            delivered = list(results)
            with connect(variables) as connection:
                # The worker handles what was kept without being applied, within seconds.
                waiting = "SELECT count(*) FROM webhook_events WHERE NOT processed"
                wait_until(lambda: count(connection, waiting) == 0, seconds=30)
                since = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > pg_postmaster_start_time()"
                wait_until(lambda: count(connection, since), seconds=30)

        with connect(variables) as connection:
            kept = connection.execute("SELECT event, appmax_order_id, count(*) FROM webhook_events GROUP BY 1, 2")
            stored = {(event, order_id): number for event, order_id, number in kept}
            applied = connection.execute(
                "SELECT event, appmax_order_id, count(*) FROM webhook_events"
                " WHERE outcome = 'applied' GROUP BY 1, 2 HAVING count(*) > 1"
            ).fetchall()
            statuses = Counter(row[0] for row in connection.execute("SELECT status FROM orders"))
        report(
            f"PostgreSQL: {way}, back after 4 s, in a burst of {len(events)} webhooks",
            sent=f"{answers.total()} posts of {len(events)} events",
            answered=says(answers) + " (0: no answer)",
            tables=f"{sum(stored.values())} events, {len(stored)} different ones, {len(applied)} applied twice, orders "
            f"{says(statuses)}; the worker ended {len(exits)} time(s), and was started again",
        )

    assert all(delivered)
    assert answers.total() > len(events)  # some were refused meanwhile
    assert set(stored) == set(events)
    assert applied == []
    assert statuses == {"integrado": ORDERS}


def count(connection: psycopg.Connection[Any], query: str) -> int:
    [number] = connection.execute(query).fetchone() or [0]
    return int(number)
