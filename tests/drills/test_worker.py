"""The worker is killed in the middle of a job: another one does the work, once, and nothing waits for the dead one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from installations.models import Installation
from orders.models import Order, PaymentAttempt
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card
from tests.support.factories import api_key
from tests.support.processes import ROOT, kill, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_killed_while_it_asks_appmax_about_a_payment(
    gunicorn: Callable[..., str],
    worker: Callable[..., subprocess.Popen[bytes]],
    environment: dict[str, str],
    shop: Installation,
    simulator: SimulatorServer,
    report: Any,
) -> None:
    headers = {"Authorization": f"Api-Key {api_key(shop)}"}
    simulator.state.switch(webhook_hold=True)
    simulator.state.add_fault(Fault("/v1/payments/credit-card", status=504, work=True))
    pay = f"{gunicorn(**environment)}/checkout/shop/pay/credit-card"
    answer = requests.post(pay, json=by_card(None), headers=headers, timeout=20)
    simulator.state.add_fault(Fault("/v1/orders/", method="GET", hang=600))

    first = worker(**environment)
    wait_until(lambda: not simulator.state.waiting_faults(), seconds=30)  # it has asked, and waits
    kill(first)
    killed = time.monotonic()
    [stalled] = ProcrastinateJob.objects.filter(task_name="orders.ask_appmax", status="doing")
    worker(**environment)
    wait_until(lambda: Order.objects.get().status == "aprovado", seconds=45)
    settled = time.monotonic() - killed

    # Nobody waited for the dead worker's job. A round every 5 minutes gives up jobs without a heartbeat for half a
    # minute; it may have come by now, and else is had here.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s'"
            " WHERE id = (SELECT worker_id FROM procrastinate_jobs WHERE id = %s)",
            [stalled.pk],
        )
    app.configure_task("jobs.give_up_stalled").defer(timestamp=0)
    wait_until(lambda: ProcrastinateJob.objects.get(pk=stalled.pk).status == "failed")

    charges = [len(order.charges) for order in simulator.state.latest_orders()]
    report(
        "worker: kill -9 while it asks Appmax about a payment",
        sent="1 payment, answered 504 by Appmax; 1 question of the worker",
        answered=f"{answer.status_code} to the shopper",
        tables=f"order aprovado {settled:.0f} s after the kill, attempt succeeded, {sum(charges)} charge; "
        "the dead worker's job given up",
    )
    assert answer.status_code == 502
    assert PaymentAttempt.objects.get().state == "succeeded"
    assert charges == [1]


def test_a_worker_that_works_gives_a_sign_of_life(
    worker: Callable[..., subprocess.Popen[bytes]], environment: dict[str, str], shop: Installation, tmp_path: Path
) -> None:
    sign = tmp_path / "sign"

    worker(**environment, WORKER_SIGN=str(sign))

    wait_until(sign.exists, seconds=30)
    began = sign.stat().st_mtime
    wait_until(lambda: sign.stat().st_mtime > began, seconds=30)


def test_every_line_of_a_worker_is_json(environment: dict[str, str], shop: Installation, tmp_path: Path) -> None:
    command, log = [sys.executable, "manage.py", "worker"], tmp_path / "log"
    variables = os.environ | environment | {"LOG_FORMAT": "json"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=out)
    try:
        wait_until(lambda: "Launching a worker" in log.read_text(), seconds=30)
    finally:
        process.terminate()
        process.wait(timeout=60)

    assert all(json.loads(line)["event"] for line in log.read_text().splitlines())
