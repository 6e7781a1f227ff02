"""PostgreSQL is stopped and started during a burst of webhooks: what was answered 200 is there, none applied twice."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import requests

from dev import services
from tests.drills.conftest import ROOT

log = logging.getLogger("drill")

ORDERS = 400
SENDERS = 8
STATUS = {"order_pix_created": "pendente", "order_paid_by_pix": "aprovado", "order_integrated": "integrado"}


def prepare(variables: dict[str, str]) -> None:
    """Migrate, and make the orders that the events are about."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=True)
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


def process_waiting(variables: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "process_webhook_events"]
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=True, stdout=subprocess.DEVNULL)


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


def test_every_event_that_was_answered_200_is_kept_and_none_is_applied_twice(
    gunicorn: Callable[..., str],
) -> None:
    with services.temporary_folder() as folder, services.postgres(folder / "pg") as database:
        prepare(database.variables)
        url = gunicorn(**database.variables, WEB_CONCURRENCY="2", CACHE_DRIVER="memory") + "/webhooks/appmax"
        events = [(event, order_id) for order_id in range(1, ORDERS + 1) for event in STATUS]
        answers: Counter[int] = Counter()
        started = threading.Event()

        def send(event: tuple[str, int]) -> bool:
            if event[1] > ORDERS // 4:
                started.set()
            return deliver(url, *event, answers)

        with ThreadPoolExecutor(SENDERS) as pool:
            results = pool.map(send, events)
            started.wait(timeout=30)
            database.stop()
            time.sleep(4)  # longer than a request waits for a connection
            database.start()
            delivered = list(results)

        with connect(database.variables) as connection:
            count = connection.execute("SELECT event, appmax_order_id, count(*) FROM webhook_events GROUP BY 1, 2")
            stored = {(event, order_id): number for event, order_id, number in count}
            [waiting] = connection.execute("SELECT count(*) FROM webhook_events WHERE NOT processed").fetchone() or [0]
            process_waiting(database.variables)  # as the worker does within seconds
            applied = connection.execute(
                "SELECT event, appmax_order_id, count(*) FROM webhook_events"
                " WHERE processed AND error_message IS NULL GROUP BY 1, 2 HAVING count(*) > 1"
            ).fetchall()
            still_waiting = connection.execute("SELECT count(*) FROM webhook_events WHERE NOT processed").fetchone()
            statuses = Counter(row[0] for row in connection.execute("SELECT status FROM orders"))
        log.info(
            "%s sent, answers %s, %s answered 200, %s rows, %s kept unprocessed, %s applied twice, %s",
            answers.total(),
            dict(answers),
            sum(delivered),
            sum(stored.values()),
            waiting,
            len(applied),
            dict(statuses),
        )

    assert all(delivered)
    assert answers.total() > len(events)  # some were refused meanwhile
    assert set(stored) == set(events)
    assert applied == []
    assert still_waiting == (0,)
    assert statuses == {"integrado": ORDERS}
