"""ops/nginx/nginx.conf, served by nginx: what a client claims ends there, no token is logged, nothing is sent twice.

A request that may have arrived is passed to another server only where proxy_next_upstream allows it:
https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from django.db import connection

from dev import install, nginx, services
from tests.support.processes import Proxy, needs_nginx

pytestmark = needs_nginx


class Backend(ThreadingHTTPServer):
    """Writes down what arrives; answers with the request's headers, or hangs up."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.hangs_up = False
        self.large = b""  # the body of the answer to /large
        self.has_sent = threading.Event()
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    """See Backend."""

    server: Backend

    def do_GET(self) -> None:
        self.server.arrived.append(self.path)
        if self.server.hangs_up:
            return
        headers = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        body = self.server.large if self.path == "/large" else headers
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.has_sent.set()

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def backends() -> Iterator[Callable[[], Backend]]:
    """Start a server in a thread of its own."""
    with contextlib.ExitStack() as stack:

        def start() -> Backend:
            server = stack.enter_context(Backend())
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return server

        yield start


@pytest.fixture
def backend(backends: Callable[[], Backend]) -> Backend:
    """One server."""
    return backends()


def test_what_a_client_claims_about_itself_is_overwritten(proxy: Callable[..., Proxy], backend: Backend) -> None:
    claims = {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    claims["X-Request-Id"] = "chosen"

    front = proxy(backend.server_port)
    seen = front.ask("GET", "/health", headers=claims).json()

    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-host"] == seen["host"] == "localhost"
    assert len(seen["x-request-id"]) == 32
    assert front.logs_once(f"{seen['x-request-id']} 127.0.0.1 GET /health")


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/webhooks/appmax?token=x", "quick"),
        ("/checkout/shop/status/1", "quick"),
        ("/checkout/a%2Fshop/status/1", "quick"),
        ("/checkout/status/pay/pix", "app"),  # a merchant may be called so
        ("/checkout/shop/pay/pix", "app"),
        ("/integrations/appmax/callback/install", "app"),
        ("/health", "app"),
        ("/", "app"),
    ],
)
def test_webhooks_and_status_reads_have_processes_of_their_own(
    proxy: Callable[..., Proxy], backend: Backend, backends: Callable[[], Backend], path: str, group: str
) -> None:
    quick = backends()

    proxy(backend.server_port, quick.server_port).ask("GET", path)

    assert {"app": backend.arrived, "quick": quick.arrived} == {"app": [], "quick": [], group: [path]}


def test_a_payment_whose_answer_is_lost_is_sent_once_and_the_outcome_called_unknown(
    proxy: Callable[..., Proxy], backend: Backend
) -> None:
    backend.hangs_up = True

    answer = proxy(backend.server_port).ask("POST", "/checkout/shop/pay/pix", json={})

    assert answer.status_code == 502
    assert "not known yet" in answer.json()["message"]
    assert backend.arrived == ["/checkout/shop/pay/pix"]
    # One address shows no second try at another one.
    assert "proxy_next_upstream off;" in (nginx.ROOT / "ops" / "nginx" / "nginx.conf").read_text()


@pytest.mark.parametrize("path", ["/webhooks/appmax", "/checkout/shop/pay/pix"])
def test_while_a_group_takes_no_connection_the_other_serves_its_routes(
    proxy: Callable[..., Proxy], backend: Backend, path: str
) -> None:
    nobody = services.free_port()
    groups = (backend.server_port, nobody) if path.startswith("/webhooks") else (nobody, backend.server_port)

    answer = proxy(*groups).ask("POST", path, json={})

    assert (answer.status_code, backend.arrived) == (200, [path])
    assert answer.json()["x-forwarded-proto"] == "https"


def test_a_group_that_hangs_up_is_not_replaced_by_the_other(
    proxy: Callable[..., Proxy], backend: Backend, backends: Callable[[], Backend]
) -> None:
    quick = backends()
    backend.hangs_up = True

    answer = proxy(backend.server_port, quick.server_port).ask("POST", "/checkout/shop/pay/pix", json={})

    assert (answer.status_code, answer.json()["code"]) == (502, "outcome_unknown")
    assert (backend.arrived, quick.arrived) == (["/checkout/shop/pay/pix"], [])


def test_a_large_file_is_whole_and_never_kept_in_the_small_tmp(proxy: Callable[..., Proxy], backend: Backend) -> None:
    backend.large = bytes(64 * 1024 * 1024)

    answer = proxy(backend.server_port).ask("GET", "/large", stream=True)

    assert not backend.has_sent.wait(timeout=2)  # nginx takes no more of it than memory holds, as nobody reads
    assert len(answer.content) == 64 * 1024 * 1024


def test_no_line_of_the_logs_holds_the_webhooks_token(proxy: Callable[..., Proxy], backend: Backend) -> None:
    front = proxy(backend.server_port)
    front.ask("POST", "/webhooks/appmax?token=s3cret", json={})
    backend.hangs_up = True
    front.ask("POST", "/webhooks/appmax?token=s3cret", json={})

    assert backend.arrived == ["/webhooks/appmax?token=s3cret"] * 2
    assert front.logs_once("POST /webhooks/appmax 200 200")
    assert front.logs_once("POST /webhooks/appmax 502 502")
    assert "s3cret" not in front.log.read_text()


def test_a_body_over_one_mebibyte_is_refused_in_json_and_goes_no_further(
    proxy: Callable[..., Proxy], backend: Backend
) -> None:
    front = proxy(backend.server_port)

    largest = front.ask("POST", "/webhooks/appmax", data=b"x" * 1024 * 1024)
    larger = front.ask("POST", "/webhooks/appmax", data=b"x" * (1024 * 1024 + 1))

    assert (largest.status_code, larger.status_code) == (200, 413)
    assert larger.json() == {"code": "body_too_large", "message": "request body is too large"}
    assert len(backend.arrived) == 1


def test_figures_are_not_for_the_outside(proxy: Callable[..., Proxy], backend: Backend) -> None:
    assert proxy(backend.server_port).ask("GET", "/metrics").status_code == 404
    assert backend.arrived == []


@pytest.mark.django_db(transaction=True)
def test_production_answers_through_it_and_http_is_sent_to_https(
    proxy: Callable[..., Proxy], gunicorn: Callable[..., str]
) -> None:
    own = {"APP_ENV": "production", "APP_URL": "https://localhost", "REDIS_PASSWORD": ""}
    url = gunicorn(**install.keys() | own | {"TRUSTED_PROXIES": "1", "DB_DATABASE": connection.settings_dict["NAME"]})
    front = proxy(int(url.rpartition(":")[2]))

    page = front.ask("GET", "/webhooks/appmax", headers={"Accept": "text/html"})
    plain = requests.get(f"{front.http}/webhooks/appmax?token=x", allow_redirects=False, timeout=10)

    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "https://localhost/webhooks/appmax" in page.text
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://localhost/webhooks/appmax?token=x")
