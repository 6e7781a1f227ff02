"""Switches of payments and access, by the API and by the page; Pix that end by themselves; rate limits."""

import base64
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import segno

from simulator.limits import Limits
from simulator.pix import PIXELS
from tests.simulator.conftest import Appmax, Receiver

DECLINED = "4000000000000028"


def test_switches_can_be_read_and_changed_one_by_one(appmax: Appmax) -> None:
    first = appmax.control("GET", "settings")
    changed = appmax.control("POST", "settings", json={"cards": "declined", "webhook_copies": 3})
    assert changed == {**first, "cards": "declined", "webhook_copies": 3}
    assert appmax.control("GET", "settings") == changed
    appmax.control("POST", "reset")
    assert appmax.control("GET", "settings") == first


WRONG = [
    ("shape", "round"),
    ("cards", ["approved"]),
    ("webhook_model", "xml"),
    ("webhook_order", 1),
    ("webhook_hold", "yes"),
    ("webhook_copies", 0),
    ("webhook_copies", 1.5),
    ("webhook_delay", -1),
    ("token_seconds", 0),
    ("pix_minutes", True),
    ("colour", "red"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_switches_change_nothing(appmax: Appmax, name: str, value: Any) -> None:
    first = appmax.control("GET", "settings")
    answer = appmax.call("POST", "/simulator/api/settings", json={"rate_limits": True, name: value})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]["message"]) == [name]
    assert appmax.control("GET", "settings") == first


def test_no_switch_at_all_is_an_error(appmax: Appmax) -> None:
    assert appmax.call("POST", "/simulator/api/settings", json={}).status_code == 422


def test_the_page_changes_them(appmax: Appmax) -> None:
    form = {
        "cards": "at_risk",
        "shape": "other_names",
        "rate_limits": "true",
        "webhook_hold": "false",
        "pix_minutes": "0.5",
    }
    assert appmax.call("POST", "/switches", data=form).status_code == 303
    wanted = {
        "cards": "at_risk",
        "shape": "other_names",
        "rate_limits": True,
        "webhook_hold": False,
        "pix_minutes": 0.5,
    }
    assert appmax.control("GET", "settings").items() >= wanted.items()
    assert 'value="at_risk" selected' in appmax.call("GET", "/switches").text


def test_the_page_says_what_is_wrong(appmax: Appmax) -> None:
    answer = appmax.call("POST", "/switches", data={"webhook_copies": "many", "cards": "declined"})
    assert answer.status_code == 422
    assert "An integer from 1 to 100." in answer.text
    assert appmax.control("GET", "settings")["cards"] == "by_number"


def test_the_page_ends_all_tokens(appmax: Appmax, merchant: str) -> None:
    assert appmax.call("POST", "/tokens/revoke").status_code == 303
    assert appmax.customer(merchant).status_code == 401


# --- payments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "number", "answer", "status"),
    [
        ("approved", DECLINED, 201, "aprovado"),
        ("declined", "4000000000000010", 402, "cancelado"),
        ("authorised", DECLINED, 201, "autorizado"),
        ("at_risk", DECLINED, 201, "recusado_por_risco"),
        ("gateway_down", DECLINED, 504, "pendente"),
        ("by_number", DECLINED, 402, "cancelado"),
    ],
)
def test_cards_are_a_switch(appmax: Appmax, merchant: str, policy: str, number: str, answer: int, status: str) -> None:
    order_id, token = appmax.new_order(merchant), appmax.tokenize(merchant, number).json()["data"]["token"]
    appmax.control("POST", "settings", json={"cards": policy})
    assert appmax.card(merchant, order_id, token=token).status_code == answer
    assert appmax.kept(order_id)["status"] == status


def test_a_pix_may_be_an_address_of_its_picture(appmax: Appmax, merchant: str) -> None:
    appmax.control("POST", "settings", json={"shape": "pix_url"})
    order_id = appmax.new_order(merchant)
    payment = appmax.pix(merchant, order_id).json()["data"]["payment"]
    assert payment["pix_qrcode"] == f"{appmax.url}/pix/{order_id}.png"
    picture = appmax.call("GET", f"/pix/{order_id}.png")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content == base64.b64decode(appmax.kept(order_id)["pix_qr_code"])
    assert appmax.call("GET", "/pix/1.png").status_code == 404


def test_the_picture_is_the_qr_code_of_the_text(appmax: Appmax, merchant: str) -> None:
    payment = appmax.pix(merchant, appmax.new_order(merchant)).json()["data"]["payment"]
    modules = segno.make_qr(payment["pix_emv"], error="m").matrix
    assert _modules(base64.b64decode(payment["pix_qrcode"]), len(modules)) == [list(row) for row in modules]


def _modules(png: bytes, size: int) -> list[list[int]]:
    """The dark modules of a one-bit PNG of a QR code, 4 modules of quiet zone around it."""
    width, height = struct.unpack(">II", png[16:24])
    assert width == height == (size + 8) * PIXELS
    data, place = b"", 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        data += png[place + 8 : place + 8 + length] * (kind == b"IDAT")
        place += length + 12
    raw, length, rows = zlib.decompress(data), (width + 7) // 8, [0]
    for start in range(0, len(raw), length + 1):
        row = int.from_bytes(raw[start + 1 : start + 1 + length], "big")
        rows.append({0: row, 2: row ^ rows[-1]}[raw[start]])  # PNG's filters "none" and "up"; up adds, here to zeros
    bits = [f"{row:0{length * 8}b}" for row in rows[1:]]
    middle = [(4 + number) * PIXELS + PIXELS // 2 for number in range(size)]
    return [[int(bits[y][x] == "0") for x in middle] for y in middle]


def test_a_pix_ends_by_itself(start: Callable[..., Appmax], receiver: Receiver) -> None:
    appmax = start(pix_minutes=0.001)
    merchant = appmax.merchant_token()
    receiver.received.clear()
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    assert receiver.events(2) == ["order_pix_created", "order_pix_expired"]
    assert appmax.kept(order_id)["status"] == "cancelado"
    assert appmax.pix(merchant, order_id).status_code == 200


def test_a_pix_that_is_paid_or_has_time_does_not_end(appmax: Appmax, merchant: str, receiver: Receiver) -> None:
    patient, paid, late = (appmax.new_order(merchant) for _ in range(3))
    appmax.pix(merchant, patient)
    appmax.control("POST", "settings", json={"pix_minutes": 0.01})
    appmax.pix(merchant, paid)
    appmax.control("POST", f"orders/{paid}/pay")
    appmax.pix(merchant, late)
    receiver.wait_for(6)  # the last of them is the end of the late one
    assert [appmax.kept(order_id)["status"] for order_id in (patient, paid, late)] == [
        "pendente",
        "aprovado",
        "cancelado",
    ]


# --- access ----------------------------------------------------------------------------------------------------------


def test_a_tokens_life_is_a_switch(appmax: Appmax) -> None:
    appmax.control("POST", "settings", json={"token_seconds": 90})
    assert appmax.ask_token("app-client", "app-secret").json()["expires_in"] == 90


def test_limits_are_off_unless_they_are_switched_on(appmax: Appmax, merchant: str) -> None:
    path = f"/v1/orders/{appmax.new_order(merchant)}"
    assert {appmax.call("GET", path, merchant).status_code for _ in range(70)} == {200}
    appmax.control("POST", "settings", json={"rate_limits": True})
    answers = [appmax.call("GET", path, merchant) for _ in range(70)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 200
    seconds = int(refused[0].headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert refused[0].json() == {"message": "Too many requests", "retryAfter": f"{seconds} seconds"}
    assert appmax.call("GET", path, appmax.merchant_token("other")).status_code == 404  # has calls left


def test_fifty_at_once_then_five_a_second() -> None:
    now = 0.0
    limits = Limits(lambda: now)
    routes = [str(number) for number in range(200)]  # each is asked once, so that only the merchant's limit counts
    assert [limits.seconds_to_wait("shop", routes.pop()) for _ in range(51)] == [0] * 50 + [1]
    assert limits.seconds_to_wait("other", "x") == 0
    now = 1.0
    assert [limits.seconds_to_wait("shop", routes.pop()) for _ in range(6)] == [0] * 5 + [1]


def test_sixty_a_minute_on_one_route() -> None:
    now = 0.0
    limits = Limits(lambda: now)
    for number in range(60):
        now = number / 2
        assert limits.seconds_to_wait("shop", "GET /v1/orders/") == 0
    assert limits.seconds_to_wait("shop", "GET /v1/orders/") == 31
    assert limits.seconds_to_wait("shop", "POST /v1/orders") == 0
    now = 60.0
    assert limits.seconds_to_wait("shop", "GET /v1/orders/") == 0
