"""What may be sent again, and what never may (contract, section 5)."""

import socket
import struct
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from appmax.client import AppmaxClient
from appmax.errors import OutcomeUnknown, Unavailable
from appmax.messages import Card, CardCharge
from tests.appmax.conftest import URL, MemoryCache

PIX = f"{URL}/v1/payments/pix"
PIX_ANSWER = {"data": {"payment": {"pix_qrcode": "q", "pix_emv": "e"}}}
TOKENIZE = f"{URL}/v1/payments/tokenize"
CARD = Card("4000000000000010", "123", "12", "30", "Ana Souza")


def calls(appmax: Any, url: str) -> int:
    return sum(call.request.url == url for call in appmax.calls)


def pay(client: AppmaxClient) -> Any:
    return client.create_pix(order_id=1, document_number="1")


def tokenize(client: AppmaxClient) -> str:
    return client.tokenize_card(CARD)


class Delicate:
    """A call that must not happen twice: how to make it, where it goes, and a good answer."""

    def __init__(self, send: Callable[[AppmaxClient], Any], path: str, answer: Any) -> None:
        self.send = send
        self.url = URL + path
        self.answer = answer


DELICATE = {
    "card": Delicate(
        lambda client: client.charge_card(order_id=1, customer_id=2, charge=CardCharge(token="tok")),
        "/v1/payments/credit-card",
        {"data": {"payment": {"pay_reference": "r", "status": "aprovado"}}},
    ),
    "pix": Delicate(pay, "/v1/payments/pix", PIX_ANSWER),
    "boleto": Delicate(
        lambda client: client.create_boleto(order_id=1, document_number="1"),
        "/v1/payments/boleto",
        {"data": {"boleto": {"digitable_line": "23793"}}},
    ),
    "upsell": Delicate(
        lambda client: client.upsell(upsell_hash="hash", products_value=1, products=()),
        "/v1/orders/upsell",
        {"data": {}},
    ),
    "refund": Delicate(
        lambda client: client.request_refund(order_id=1, value=None), "/v1/orders/refund-request", {"data": {}}
    ),
    "tracking": Delicate(
        lambda client: client.add_tracking_code(order_id=1, code="BR1"), "/v1/orders/shipping-tracking-code", {}
    ),
}


@pytest.fixture(params=DELICATE)
def delicate(request: pytest.FixtureRequest) -> Delicate:
    return DELICATE[request.param]


@pytest.fixture
def ready(client: AppmaxClient, memory: MemoryCache) -> AppmaxClient:
    """A client with a cached token, so that only the call under test is made."""
    memory.values["merchant_token:1"] = "cached"
    return client


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 408, 425, 499, 202, 204, 302, 307])
def test_what_was_answered_neither_well_nor_with_a_refusal_arrives_exactly_once(
    ready: AppmaxClient, appmax: Any, delicate: Delicate, status: int
) -> None:
    appmax.post(delicate.url, status=status)

    with pytest.raises(OutcomeUnknown) as caught:
        delicate.send(ready)
    assert (caught.value.status, caught.value.timed_out) == (status, False)
    assert calls(appmax, delicate.url) == 1


@pytest.mark.parametrize("status", [405, 410, 413, 418])
def test_a_refusal_of_an_unusual_kind_means_that_nothing_happened(
    ready: AppmaxClient, appmax: Any, delicate: Delicate, status: int
) -> None:
    appmax.post(delicate.url, status=status)

    with pytest.raises(Unavailable):
        delicate.send(ready)
    assert calls(appmax, delicate.url) == 1


def test_a_revoked_token_is_renewed_and_the_call_sent_once_more(
    ready: AppmaxClient, appmax: Any, delicate: Delicate
) -> None:
    appmax.post(delicate.url, status=401)
    appmax.post(delicate.url, json=delicate.answer)

    delicate.send(ready)

    sent = [call.request.headers["Authorization"] for call in appmax.calls if call.request.url == delicate.url]
    assert sent == ["Bearer cached", "Bearer t1"]


def test_a_second_401_is_final_and_nothing_happened(ready: AppmaxClient, appmax: Any, delicate: Delicate) -> None:
    appmax.post(delicate.url, status=401, json={"message": "Payment not authorized"})

    with pytest.raises(Unavailable):
        delicate.send(ready)
    assert calls(appmax, delicate.url) == 2


def test_a_call_is_not_sent_a_third_time_after_two_429s(
    ready: AppmaxClient, appmax: Any, delicate: Delicate, waits: list[float]
) -> None:
    for _ in range(2):
        appmax.post(delicate.url, status=429, headers={"Retry-After": "1"})
    appmax.post(delicate.url, json=delicate.answer)

    with pytest.raises(Unavailable) as caught:
        delicate.send(ready)
    assert caught.value.retry_after == 1
    assert (calls(appmax, delicate.url), waits) == (2, [1])


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
    ready: AppmaxClient, appmax: Any, delicate: Delicate, waits: list[float], header: str
) -> None:
    appmax.post(delicate.url, status=429, headers={"Retry-After": header})
    appmax.post(delicate.url, json=delicate.answer)

    delicate.send(ready)

    assert (calls(appmax, delicate.url), waits) == (2, [int(header)])


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "30"}, {}, 30),
        ({}, {"retryAfter": "7"}, 7),
        ({}, {"retryAfter": "9 seconds"}, 9),
        ({}, {}, 60),
        ({"Retry-After": "soon"}, {}, 60),
    ],
)
def test_a_long_retry_after_is_handed_to_the_caller(
    ready: AppmaxClient, appmax: Any, headers: Any, body: Any, seconds: int
) -> None:
    appmax.post(PIX, status=429, headers=headers, json={"message": "Too many requests", **body})

    with pytest.raises(Unavailable) as caught:
        pay(ready)
    assert caught.value.retry_after == seconds
    assert calls(appmax, PIX) == 1


# The three ways to write a date of RFC 9110, section 5.6.7: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
DATES = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]


# The first two are the examples of https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
@pytest.mark.parametrize(
    ("header", "now", "seconds"),
    [
        ("Fri, 31 Dec 1999 23:59:59 GMT", "1999-12-31T23:58:29Z", 90),
        ("120", "1999-12-31T23:58:29Z", 120),
        *((date, "1994-11-06T08:49:00.5Z", 37) for date in DATES),  # never too early
        ("Sun, 06 Nov 2094 08:49:37 GMT", "1994-11-06T09:00:00Z", 6 * 60 * 60),
        ("Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "1994-11-06T09:00:00Z", 60),
    ],
)
def test_retry_after_may_be_a_date(
    ready: AppmaxClient, appmax: Any, monkeypatch: pytest.MonkeyPatch, header: str, now: str, seconds: int
) -> None:
    monkeypatch.setattr(time, "time", lambda: datetime.fromisoformat(now).timestamp())
    appmax.post(PIX, status=429, headers={"Retry-After": header}, json={})

    with pytest.raises(Unavailable) as caught:
        pay(ready)
    assert caught.value.retry_after == seconds


def test_a_retry_after_that_is_over_is_not_waited_for(ready: AppmaxClient, appmax: Any, waits: list[float]) -> None:
    appmax.post(PIX, status=429, headers={"Retry-After": DATES[0]})
    appmax.post(PIX, json=PIX_ANSWER)

    pay(ready)

    assert (calls(appmax, PIX), waits) == (2, [0])


def silent(connection: socket.socket) -> None:
    connection.recv(1)  # says nothing until the client gives up


def test_what_nobody_answers_arrives_once_and_is_unknown(
    client_at: Any, memory: MemoryCache, wire: Any, delicate: Delicate
) -> None:
    memory.values["merchant_token:1"] = "cached"
    server = wire(silent)

    with pytest.raises(OutcomeUnknown) as caught:
        delicate.send(client_at(server.url))
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


def test_what_ends_in_a_reset_arrives_once_and_is_unknown(
    client_at: Any, memory: MemoryCache, wire: Any, delicate: Delicate
) -> None:
    memory.values["merchant_token:1"] = "cached"
    server = wire(reset)

    with pytest.raises(OutcomeUnknown) as caught:
        delicate.send(client_at(server.url))
    assert not caught.value.timed_out
    assert server.requests == 1


@pytest.mark.parametrize(("behave", "timed_out"), [(silent, True), (reset, False)])
def test_a_tokenization_without_an_answer_arrives_once_and_hurt_nobody(
    client_at: Any, memory: MemoryCache, wire: Any, behave: Any, timed_out: bool
) -> None:
    memory.values["merchant_token:1"] = "cached"
    server = wire(behave)

    with pytest.raises(Unavailable) as caught:
        tokenize(client_at(server.url))
    assert caught.value.timed_out == timed_out
    assert server.requests == 1


@pytest.mark.parametrize("status", [500, 503, 408, 302])
def test_a_tokenization_that_failed_arrived_once_and_hurt_nobody(ready: AppmaxClient, appmax: Any, status: int) -> None:
    appmax.post(TOKENIZE, status=status)

    with pytest.raises(Unavailable):
        tokenize(ready)
    assert calls(appmax, TOKENIZE) == 1


def test_a_calculation_of_instalments_is_repeated_like_a_read(ready: AppmaxClient, appmax: Any) -> None:
    url = f"{URL}/v1/payments/installments"
    appmax.post(url, status=503)
    appmax.post(url, json={"data": {"parcels": {"1": 10}}})

    assert ready.installments(total_value=1000, installments=1).options[0].total_cents == 1000
    assert calls(appmax, url) == 2


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


@pytest.mark.parametrize("send", [*(call.send for call in DELICATE.values()), tokenize])
def test_whatever_never_left_us_did_not_happen(
    client_at: Any, memory: MemoryCache, waits: list[float], send: Any
) -> None:
    memory.values["merchant_token:1"] = "cached"

    with pytest.raises(Unavailable):
        send(client_at("http://127.0.0.1:1"))
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
