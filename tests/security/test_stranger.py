"""A stranger on the internet: no account, no key. He wants the shop to stand still, or to learn what is inside."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.security.conftest import AS_A_PROXY_SAYS
from tests.support.processes import Proxy, needs_nginx

CSRF = "x" * 32  # anybody can invent the cookie, and repeat it in the form
HEAD = "Host: localhost\r\nX-Forwarded-Proto: https\r\n"
UPLOAD = '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@contextlib.contextmanager
def many_connections(count: int, url: str, text: str, *, certificate: str = "") -> Iterator[list[socket.socket]]:
    """That many, each of which sends this and then nothing more."""
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            plain: socket.socket = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(url)), timeout=5))
            if certificate:
                context = ssl.create_default_context(cafile=certificate)
                plain = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            plain.sendall(text.encode())
            opened.append(plain)
        yield opened


def seconds_of_health(url: str) -> float:
    """Until a probe is answered 200."""
    answer = requests.get(f"{url}/health", headers=AS_A_PROXY_SAYS, timeout=20)
    assert answer.status_code == 200
    return answer.elapsed.total_seconds()


# --- filling the disk ---


def raw_answer(url: str, text: str) -> str:
    """The answer's first line, to a request of which this much is sent."""
    with many_connections(1, url, text) as [connection]:
        return connection.recv(200).decode().partition("\r\n")[0]


def test_he_fills_the_temporary_folder_with_an_upload_to_the_login_page(web: str, variables: dict[str, str]) -> None:
    size = 80 * 1024 * 1024
    request = f"POST /admin/login/ HTTP/1.1\r\n{HEAD}Cookie: csrftoken={CSRF}\r\nReferer: https://localhost/\r\n"
    request += f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {size}\r\n\r\n{UPLOAD}"

    with many_connections(8, web, request + "x" * 100_000) as opened:
        answers = [connection.recv(200).decode().partition("\r\n")[0] for connection in opened]
        assert set(answers) == {"HTTP/1.1 413 Request Entity Too Large"}
        assert list(Path(variables["TMPDIR"]).rglob("*.upload")) == []

    assert seconds_of_health(web) < 2


def test_he_says_nothing_of_the_uploads_size(web: str) -> None:
    request = f"POST /admin/login/ HTTP/1.1\r\n{HEAD}Cookie: csrftoken={CSRF}\r\nTransfer-Encoding: chunked\r\n"

    assert raw_answer(web, request + "Content-Type: multipart/form-data; boundary=b\r\n\r\n") == (
        "HTTP/1.1 411 Length Required"
    )


@pytest.mark.parametrize("path", ["/admin/login/", "/language"])
def test_he_sends_a_small_file_that_no_form_asks_for(web: str, variables: dict[str, str], path: str) -> None:
    answer = requests.post(
        web + path,
        files={"f": ("x", b"y" * 1000)},
        headers=AS_A_PROXY_SAYS | {"Cookie": f"csrftoken={CSRF}", "Referer": "https://localhost/"},
        timeout=10,
    )

    assert (answer.status_code, answer.json()) == (400, {"code": "bad_request", "message": "bad request"})
    assert list(Path(variables["TMPDIR"]).rglob("*.upload")) == []


def test_he_sends_a_form_that_is_none(web: str) -> None:
    headers = AS_A_PROXY_SAYS | {"Cookie": f"csrftoken={CSRF}", "Referer": "https://localhost/"}
    headers["Content-Type"] = "multipart/form-data"  # without its boundary

    assert requests.post(f"{web}/language", data=b"x", headers=headers, timeout=10).status_code == 400


# --- keeping everybody else waiting ---


def test_he_opens_400_connections_and_sends_nothing(web: str) -> None:
    with many_connections(400, web, ""):
        assert seconds_of_health(web) < 2


def test_he_asks_a_hundred_times_and_never_closes_his_end(web: str) -> None:
    with many_connections(100, web, f"GET /health HTTP/1.0\r\n{HEAD}\r\n"):
        assert seconds_of_health(web) < 2


@pytest.mark.parametrize(
    ("half", "at_most"),
    [("GET /health HTTP/1.1\r\nHost: loc", 8), (f"POST /language HTTP/1.1\r\n{HEAD}Content-Length: 9\r\n\r\nab", 18)],
    ids=["head", "body"],
)
def test_he_sends_half_a_request_to_each_thread(web: str, half: str, at_most: float) -> None:
    with many_connections(16, web, half):
        assert seconds_of_health(web) < at_most


@needs_nginx
@pytest.mark.parametrize(
    "half",
    [
        "",
        "GET /health HTTP/1.1\r\nHost: loc",
        "POST /webhooks/appmax HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
    ],
    ids=["nothing", "head", "body"],
)
def test_he_sends_400_halves_of_requests_through_nginx(web: str, front: Proxy, half: str) -> None:
    with many_connections(400, front.https, half, certificate=front.certificate):
        assert front.ask("GET", "/health").elapsed.total_seconds() < 2
        assert seconds_of_health(web) < 2


# --- guessing ---


@needs_nginx
def test_he_tries_passwords_as_fast_as_he_can(front: Proxy) -> None:
    answers = [front.ask("POST", "/admin/login/", data={"username": "root"}) for _ in range(30)]

    assert answers[-1].status_code == 429
    assert answers[-1].json()["message"].startswith("too many requests")
    assert answers[-1].headers["Retry-After"] == "10"


@needs_nginx
def test_he_makes_appmax_wait_by_using_up_a_limit(front: Proxy) -> None:
    codes = {front.ask("POST", "/webhooks/appmax", json={}).status_code for _ in range(60)}

    assert codes == {403}


# --- leading people astray, and looking inside ---


@needs_nginx
def test_he_has_the_http_port_send_people_to_a_host_of_his(front: Proxy) -> None:
    lie = requests.get(front.http, headers={"Host": "evil.example"}, allow_redirects=False, timeout=10)
    truth = requests.post(f"{front.http}/webhooks/appmax?token=x", data=b"{}", allow_redirects=False, timeout=10)

    assert (lie.status_code, lie.headers.get("Location")) == (400, None)
    assert (truth.status_code, truth.headers["Location"]) == (308, "https://localhost/webhooks/appmax?token=x")


def test_he_asks_which_parts_are_ill_and_whether_anybody_is_buying(web: str) -> None:
    ready = requests.get(f"{web}/health/ready", headers=AS_A_PROXY_SAYS, timeout=10)
    page = requests.get(f"{web}/webhooks/appmax", headers=AS_A_PROXY_SAYS | {"Accept": "text/html"}, timeout=10)

    assert ready.json() == {"status": "degraded"}  # nothing of the worker that is missing
    assert page.status_code == 200
    assert 'id="arrivals"' not in page.text


def test_a_refused_request_ends_up_nowhere_and_the_next_one_is_served(web: str) -> None:
    started = time.monotonic()
    for _ in range(20):
        requests.post(f"{web}/", data=b"x" * (1024 * 1024 + 1), headers=AS_A_PROXY_SAYS, timeout=10)

    assert seconds_of_health(web) < 2
    assert time.monotonic() - started < 15
