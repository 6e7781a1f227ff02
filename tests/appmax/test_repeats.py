"""What may be sent again, and what never may (contract, section 5)."""

import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from appmax.client import AppmaxClient
from appmax.errors import OutcomeUnknown, Unavailable
from tests.appmax.conftest import URL, MemoryCache

PIX = f"{URL}/v1/payments/pix"
PIX_ANSWER = {"data": {"payment": {"pix_qrcode": "q", "pix_emv": "e"}}}


def calls(appmax: Any, url: str) -> int:
    return sum(call.request.url == url for call in appmax.calls)


def pay(client: AppmaxClient) -> Any:
    return client.create_pix(order_id=1, document_number="1")


@pytest.fixture
def ready(client: AppmaxClient, memory: MemoryCache) -> AppmaxClient:
    """A client with a cached token, so that only the call under test is made."""
    memory.values["merchant_token:1"] = "cached"
    return client


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_payment_answered_5xx_arrives_exactly_once(ready: AppmaxClient, appmax: Any, status: int) -> None:
    appmax.post(PIX, status=status)

    with pytest.raises(OutcomeUnknown):
        pay(ready)
    assert calls(appmax, PIX) == 1


def test_a_read_is_repeated_after_a_gateway_failure_with_waits(
    ready: AppmaxClient, appmax: Any, waits: list[float]
) -> None:
    url = f"{URL}/v1/orders/1"
    for status in (502, 503):
        appmax.get(url, status=status)
    appmax.get(url, json={"data": {"order": {"id": 1, "status": "aprovado"}}})

    assert ready.get_order(1).status == "aprovado"
    assert calls(appmax, url) == 3
    assert waits == [0.2, 0.5]


def test_a_read_gives_up_in_the_end(ready: AppmaxClient, appmax: Any) -> None:
    url = f"{URL}/v1/orders/1"
    appmax.get(url, status=503)

    with pytest.raises(Unavailable):
        ready.get_order(1)
    assert calls(appmax, url) == 3


@pytest.mark.parametrize("header", ["2", "0"])
def test_a_short_retry_after_is_waited_for_once(
    ready: AppmaxClient, appmax: Any, waits: list[float], header: str
) -> None:
    appmax.post(PIX, status=429, headers={"Retry-After": header})
    appmax.post(PIX, json=PIX_ANSWER)

    assert pay(ready).emv == "e"
    assert waits == [int(header)]


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [({"Retry-After": "30"}, {}, 30), ({}, {"retryAfter": "7"}, 7), ({}, {}, 60), ({"Retry-After": "soon"}, {}, 60)],
)
def test_a_long_retry_after_is_handed_to_the_caller(
    ready: AppmaxClient, appmax: Any, headers: Any, body: Any, seconds: int
) -> None:
    appmax.post(PIX, status=429, headers=headers, json={"message": "Too many requests", **body})

    with pytest.raises(Unavailable) as caught:
        pay(ready)
    assert caught.value.retry_after == seconds
    assert calls(appmax, PIX) == 1


def test_a_payment_that_nobody_answers_arrives_once_and_is_unknown(
    client_at: Any, memory: MemoryCache, wire: Any
) -> None:
    memory.values["merchant_token:1"] = "cached"
    server = wire(lambda connection: connection.recv(1))  # says nothing until the client gives up

    with pytest.raises(OutcomeUnknown) as caught:
        pay(client_at(server.url))
    assert caught.value.timed_out
    assert server.requests == 1


def test_an_answer_that_stops_halfway_is_a_time_out(client_at: Any, memory: MemoryCache, wire: Any) -> None:
    memory.values["merchant_token:1"] = "cached"

    def half(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        connection.recv(1)

    with pytest.raises(OutcomeUnknown) as caught:
        pay(client_at(wire(half).url))
    assert caught.value.timed_out


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_payment_whose_connection_is_reset_arrives_once_and_is_unknown(
    client_at: Any, memory: MemoryCache, wire: Any
) -> None:
    memory.values["merchant_token:1"] = "cached"
    server = wire(reset)

    with pytest.raises(OutcomeUnknown) as caught:
        pay(client_at(server.url))
    assert not caught.value.timed_out
    assert server.requests == 1


def test_a_read_is_repeated_after_a_reset(client_at: Any, memory: MemoryCache, wire: Any) -> None:
    memory.values["merchant_token:1"] = "cached"
    server = wire(reset)

    with pytest.raises(Unavailable):
        client_at(server.url).get_order(1)
    assert server.requests == 3


def test_a_refused_connection_is_tried_once_more_and_nothing_happened(
    client_at: Any, memory: MemoryCache, waits: list[float]
) -> None:
    memory.values["merchant_token:1"] = "cached"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

        with pytest.raises(Unavailable):
            pay(client_at(url))
    assert waits == [0.2]


def test_a_login_in_netrc_never_replaces_the_token(
    ready: AppmaxClient, appmax: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine appmax.test login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    appmax.post(PIX, json=PIX_ANSWER)

    pay(ready)

    assert appmax.calls[-1].request.headers["Authorization"] == "Bearer cached"


def test_one_merchants_cookies_never_travel_with_anothers_calls(ready: AppmaxClient, appmax: Any) -> None:
    appmax.post(PIX, json=PIX_ANSWER, headers={"Set-Cookie": "session=1"})

    pay(ready)
    pay(ready)

    assert "Cookie" not in appmax.calls[-1].request.headers


def test_what_is_done_before_a_wait_is_done_before_each_call() -> None:
    from appmax.transport import Kind, Transport

    released: list[bool] = []
    transport = Transport(connect_timeout=0.1, before_send=lambda: released.append(True), sleep=lambda _: None)

    with pytest.raises(Unavailable):
        transport.send("GET", "http://127.0.0.1:1", "/", kind=Kind.REPEATABLE)
    assert released == [True]
