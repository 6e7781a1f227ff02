"""Error reports, as Sentry receives them: a process is started, and sends them over HTTP."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A bug in a view, one that a secret is near to, and a line of ours. The bug replaces a function of ours, because it
# must have locals of its own and call Appmax, and nothing outside can put such a frame into the view.
ACT = """
import django, os
django.setup()
from django.test import Client
from unittest.mock import patch
import requests, structlog
structlog.stdlib.get_logger("orders").error("payment.not_recorded", order=17, cvv="98798798")
def bug(*args, **kwargs):
    number = "4000000000000010"
    requests.post(os.environ["APPMAX_API_URL"] + "/appmax", timeout=5)
    raise RuntimeError("Ana Souza paid with " + number)
with patch("webhooks.payload.read", bug):
    client = Client(raise_request_exception=False, SERVER_NAME="localhost", REMOTE_ADDR="203.0.113.9")
    headers = {"X-Request-ID": "r-9", "Authorization": "Api-Key s3cret", "User-Agent": "Ana's", "baggage": "who=Ana"}
    body = {"event": "x", "email": "ana@example.com"}
    client.get("/of/Ana", headers={"Host": "ana.example"})
    client.post("/webhooks/appmax?token=s3cret", body, "application/json", headers=headers)
"""
SECRETS = ("s3cret", "Ana", "ana@", "ana.example", "4000000000000010", "98798798", "203.0.113.9")


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[bytes], list[set[str]]]]:
    """A server that keeps what is posted to it: its address, the bodies, and the headers that Appmax gets."""
    bodies: list[bytes] = []
    headers: list[set[str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/appmax":
                headers.append({name.lower() for name in self.headers})
            bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}", bodies, headers
        server.shutdown()
        thread.join()


def act(**variables: str) -> None:
    behind_a_proxy = {"DJANGO_SETTINGS_MODULE": "checkout_project.settings", "TRUSTED_PROXIES": "1"}
    environment = os.environ | behind_a_proxy | variables
    subprocess.run([sys.executable, "-c", ACT], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60)


def test_errors_are_reported_with_the_requests_number_and_without_anything_personal(receiver: Any) -> None:
    address, bodies, _ = receiver

    act(SENTRY_DSN=f"http://key@{address}/1", APPMAX_API_URL=f"http://{address}")

    text = b"".join(bodies).decode()
    events = [json.loads(line) for body in bodies for line in body.decode().splitlines() if '"event_id"' in line]
    reports = [event for event in events if "level" in event]
    assert [report["logentry"]["message"] for report in reports if "logentry" in report][:1] == ["payment.not_recorded"]
    assert reports[0]["extra"]["order"] == 17
    [bug] = [report for report in reports if "exception" in report]
    assert bug["exception"]["values"][0]["type"] == "RuntimeError"
    assert bug["tags"] == {"request_id": "r-9"}
    for secret in SECRETS:
        assert secret not in text, secret


def test_without_an_address_the_library_is_not_even_loaded() -> None:
    code = "import django, sys; django.setup(); print('sentry_sdk' in sys.modules)"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "checkout_project.settings"}

    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert result.stdout == "False\n"


def test_appmax_gets_neither_a_strangers_baggage_nor_sentrys_headers(receiver: Any) -> None:
    address, _, headers = receiver

    act(SENTRY_DSN=f"http://key@{address}/1", APPMAX_API_URL=f"http://{address}")

    [told] = headers
    assert not told & {"baggage", "sentry-trace"}
