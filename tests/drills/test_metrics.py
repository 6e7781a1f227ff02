"""/metrics under gunicorn: the figures of all processes, whichever is asked, and of those that have ended."""

import re
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from django.db import connection

from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 60


def counted(url: str) -> float:
    """Requests of /nothing, as /metrics adds them up."""
    text = requests.get(f"{url}/metrics", timeout=10).text
    found = re.search(r'^checkout_request_seconds_count\{.*route="/none",status="404"\} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0


def pids(process: subprocess.Popen[bytes]) -> set[str]:
    """gunicorn's worker processes."""
    return set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())


def test_the_figures_of_three_processes_are_added_up_and_outlive_a_reload(
    gunicorn: Callable[..., str], processes: list[subprocess.Popen[bytes]]
) -> None:
    url = gunicorn(DB_DATABASE=connection.settings_dict["NAME"], WEB_CONCURRENCY="3")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{url}/nothing", timeout=10).status_code, range(REQUESTS)))
    before = pids(processes[0])

    assert answers == [404] * REQUESTS
    assert [counted(url) for _ in range(6)] == [REQUESTS] * 6

    processes[0].send_signal(signal.SIGHUP)
    wait_until(lambda: len(pids(processes[0])) == 3 and not pids(processes[0]) & before)

    assert counted(url) == REQUESTS
