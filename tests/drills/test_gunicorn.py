"""The product under its real server, as an operator starts it."""

import os
import subprocess
from collections.abc import Callable

import pytest
import requests
from django.db import connection

from tests.support.processes import COMMAND, ROOT
from webhooks.models import WebhookEvent


def test_with_postgres_away_nothing_is_said_to_be_missing_or_kept(gunicorn: Callable[..., str]) -> None:
    url = gunicorn(DB_HOST="127.0.0.1", DB_PORT="1")
    key = {"Authorization": "Api-Key a.b"}

    event = requests.post(f"{url}/webhooks/appmax", json={"event": "order_paid", "data": {"order_id": 1}}, timeout=10)
    status = requests.get(f"{url}/checkout/shop/status/1", headers=key, timeout=10)

    for answer in (event, status):
        assert (answer.status_code, answer.json()["message"]) == (503, "the database is not available, try again")
    assert event.elapsed.total_seconds() < 5  # Appmax waits no longer
    assert requests.get(f"{url}/health", timeout=2).json() == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
def test_a_body_in_chunks_is_read_whole_and_one_too_large_is_refused(gunicorn: Callable[..., str]) -> None:
    database = connection.settings_dict["NAME"]
    url = gunicorn(DB_DATABASE=database, WEB_CONCURRENCY="1") + "/webhooks/appmax"

    kept = requests.post(url, data=iter([b'{"event": ', b'"customer_created"}']), timeout=10)
    refused = requests.post(url, data=iter([b'{"event": "', b"x" * 1024 * 1024, b'"}']), timeout=10)
    empty = requests.get(url.replace("/webhooks/appmax", "/health"), timeout=10)

    assert (kept.status_code, refused.status_code, empty.status_code) == (200, 413, 200)
    assert WebhookEvent.objects.get().event == "customer_created"


def test_a_wrong_setting_ends_the_start_in_one_line() -> None:
    environment = os.environ | {"DB_PORT": "abc"}

    result = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)

    assert result.returncode == 1
    assert result.stderr.strip() == "configuration error: DB_PORT must be a whole number of at least 1, not 'abc'"
