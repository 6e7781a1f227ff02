"""The worker: PostgreSQL-backed jobs, several workers at once, without Django's pool."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection, transaction
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from dev.services import free_port
from orders import clock
from orders.models import Order, PaymentAttempt, Question
from orders.questions.why import Why
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card, ordered, post
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def work(simulator: SimulatorServer, *command: str, **variables: str) -> subprocess.Popen[str]:
    """A worker process that ends when nothing is left to do, or another command of manage.py."""
    environment = os.environ | {
        "DB_DATABASE": connection.settings_dict["NAME"],
        "APPMAX_AUTH_URL": simulator.url,
        "APPMAX_API_URL": simulator.url,
        "CACHE_DRIVER": "memory",
        **variables,
    }
    arguments = [sys.executable, "manage.py", *(command or ("procrastinate", "worker", "--one-shot"))]
    return subprocess.Popen(
        arguments, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_workers_side_by_side_settle_an_unknown_outcome_once(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault("/v1/payments/credit-card", status=504, work=True))
    post(store, "pay/credit-card", by_card(order_id))
    counter = Fault("/v1/orders/", hang=0.01, times=9)
    simulator.state.add_fault(counter)
    for number in range(4):  # that many rounds, two at a time in each worker
        app.configure_task("orders.ask_appmax", queueing_lock=str(number)).defer(timestamp=0)

    workers = [work(simulator) for _ in range(2)]
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert Order.objects.get().status == "aprovado"
    assert PaymentAttempt.objects.get().state == "succeeded"
    assert simulator.state.waiting_faults()[0].times == 8
    assert not ProcrastinateJob.objects.filter(task_name="orders.ask_appmax", status="failed").exists()


def test_what_a_job_logs_carries_its_number(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.add_fault(Fault("/v1/payments/credit-card", status=504, work=True))
    post(store, "pay/credit-card", by_card(ordered(store)))
    job = app.configure_task("orders.ask_appmax").defer(timestamp=0)

    output = work(simulator, LOG_FORMAT="json").communicate(timeout=60)[0]

    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    numbers = {line["request_id"] for line in lines if line["event"] in ("appmax.call", "question.answered")}
    assert numbers == {f"job-{job}"}


def test_a_worker_shows_its_figures_and_stops_when_told(simulator: SimulatorServer) -> None:
    port = str(free_port())
    app.configure_task("orders.forget_idempotency_keys").defer(timestamp=0)

    with work(simulator, "worker", WORKER_METRICS_PORT=port) as worker:
        text = wait_until(lambda: fetched(f"http://127.0.0.1:{port}/metrics"))
        wait_until(lambda: not ProcrastinateJob.objects.exists())  # it is at work
        worker.terminate()

        assert worker.wait(timeout=30) == 0
    assert "appmax_call_seconds" in text


def fetched(url: str) -> str | None:
    try:
        return requests.get(url, timeout=5).text
    except requests.ConnectionError:
        return None


def test_what_the_worker_does_periodically_is_registered() -> None:
    periodic = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}

    assert periodic["orders.ask_appmax"] == "* * * * * */3"
    assert periodic["orders.put_overdue"] == "* * * * *"
    assert {"orders.forget_idempotency_keys", "jobs.give_up_stalled", "jobs.forget_failed"} <= set(periodic)


def test_a_job_commits_with_the_data_or_not_at_all(store: Client) -> None:
    with transaction.atomic():
        app.configure_task("orders.ask_appmax").defer(timestamp=0)
        transaction.set_rollback(True)

    assert not ProcrastinateJob.objects.exists()


def test_a_round_that_waits_already_is_not_queued_twice() -> None:
    app.configure_task("orders.ask_appmax").defer(timestamp=0)
    with pytest.raises(AlreadyEnqueued):
        app.configure_task("orders.ask_appmax").defer(timestamp=15)


def test_an_attempt_whose_process_died_is_found_while_rounds_are_left_out(
    store: Client, simulator: SimulatorServer
) -> None:
    """Of rounds that take longer than the time between them, any may be left out, the one of the full minute too."""
    post(store, "pay/credit-card", by_card(ordered(store)))
    PaymentAttempt.objects.update(state="started", settled_at=None, started_at=clock.now() - timedelta(seconds=61))
    app.configure_task("orders.ask_appmax").defer(timestamp=57)
    for name in ("orders.ask_appmax", "orders.put_overdue"):
        with suppress(AlreadyEnqueued):
            app.configure_task(name).defer(timestamp=60)

    work(simulator).communicate(timeout=60)

    assert Question.objects.get().why == Why.PAYMENT_UNKNOWN


def test_the_job_of_a_worker_that_was_killed_is_given_up(store: Client) -> None:
    job_id = app.configure_task("orders.ask_appmax").defer(timestamp=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT worker_id FROM procrastinate_register_worker_v1()")
        worker_id = cursor.fetchone()[0]
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [worker_id])

    app.configure_task("jobs.give_up_stalled").defer(timestamp=0)
    run_jobs()

    assert ProcrastinateJob.objects.get(pk=job_id).status == "failed"


def run_jobs() -> None:
    """Everything that is queued, in a worker of this process."""
    import asyncio

    connector: Any = app.connector
    with app.replace_connector(connector.get_worker_connector()) as worker_app:

        async def run() -> None:
            async with worker_app.open_async():
                await worker_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

        asyncio.run(run())


def test_management_commands_use_no_pool() -> None:
    code = "from django.conf import settings; print('pool' in settings.DATABASES['default']['OPTIONS'])"

    result = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "False"


def test_a_worker_whose_port_is_taken_says_so_in_one_line(simulator: SimulatorServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        worker = work(simulator, "worker", WORKER_METRICS_PORT=str(port))
        output = worker.communicate(timeout=60)[0]

    assert worker.returncode == 1
    assert f"CommandError: WORKER_METRICS_PORT {port}: " in output
    assert "Traceback" not in output
