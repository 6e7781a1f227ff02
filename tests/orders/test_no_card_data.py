"""No card number, CVV, wallet token or secret stays anywhere: not in logs, tables, the cache, or error pages."""

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import responses
from django.db import connection
from django.test import Client
from django_redis import get_redis_connection
from psycopg import sql
from structlog.stdlib import ProcessorFormatter

from installations.models import Installation
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import CARD, by_apple_pay, by_card, by_google_pay, ordered, post
from tests.support.appmax_mock import ADAPTER
from tests.support.documented import APPLE_PAY, GOOGLE_PAY_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER, CVV = "4000000000000028", "7391"
SPACED = "4000 0000 0000 0028"
IS_CVV = re.compile(rf"(?<![\w.-]){CVV}(?![\w-])")  # these digits, but not in a moment's microseconds or an id

# Google's is a text that holds JSON, of which any part would be enough.
GOOGLE_PARTS = ("MEQCIH6Q4OwQ0jAceFEkGF0JID6s", "MEYCIQCO2EIi48s8VTH", "mKOoXwi8OavZ")
APPLE_PARTS = {"data": "bhZ2cOkuRmtK5yS2TuLYlGsRSXpwq0y6ONSinTJyfyxemb/94i", "signature": "MIAGCSqGSIb3DQEHAqCAMIACAQ"}


def everything_stored() -> str:
    """All rows of all tables, and all keys and values in Redis, as text."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            rows += [str(row) for row in cursor.fetchall()]
    client = get_redis_connection()
    for key in client.scan_iter():
        rows += [str(key), str(client.get(key))]
    return "\n".join(rows)


@contextmanager
def sending_a_card_raises(simulator: SimulatorServer, error: Exception, method: str = "credit-card") -> Iterator[None]:
    """A bug below the gateway, where the card is in most frames."""
    with responses.RequestsMock(target=ADAPTER) as appmax:
        appmax.add_passthru(f"{simulator.url}/oauth2/token")
        appmax.post(f"{simulator.url}/v1/payments/{method}", body=error)
        yield


def pay_in_every_way(store: Client, simulator: SimulatorServer) -> list[Any]:
    """A card that is declined, refused with its number in the message, lost, malformed, and tokenised."""
    card = {"number": SPACED, "cvv": CVV}
    echo = {"errors": {"message": {"number": [f"{NUMBER} is bad", f"cvv {CVV} is bad"]}}}
    answers = [post(store, "pay/credit-card", by_card(None, **card), key="k-1")]
    faults: tuple[dict[str, Any], ...] = (
        {"status": 422, "body": echo},
        {"status": 402, "body": echo},
        {"status": 504, "body": f"<p>{NUMBER} {CVV}</p>", "work": True},
        {"reset": True, "work": True},
        {"status": 200, "body": {"success": False, "text": f"{NUMBER}/{CVV}"}},
    )
    for fault in faults:
        simulator.state.add_fault(Fault("/v1/payments/credit-card", **fault))
        answers.append(post(store, "pay/credit-card", by_card(ordered(store), **card)))
        simulator.state.add_fault(Fault("/v1/payments/tokenize", **fault))
        answers.append(post(store, "tokenize", {**CARD, **card}))
    text = f'{{"order_id": 1, "payment": {{"number": "{NUMBER}", "cvv": "{CVV}", '
    answers.append(store.generic("POST", "/checkout/shop/pay/credit-card", text, content_type="application/json"))
    answers.append(post(store, "pay/credit-card", by_card(None, number=NUMBER + "x", cvv=CVV + "x")))
    answers.append(post(store, "tokenize", {**CARD, **card}))
    return answers


def pay_by_wallets_in_every_way(store: Client, simulator: SimulatorServer) -> list[Any]:
    """A token that pays, is declined, repeated by Appmax, lost, malformed and not a token."""
    bodies = {
        "pay/google-pay": by_google_pay(None, token=GOOGLE_PAY_TOKEN),
        "pay/apple-pay": by_apple_pay(None, payment_data={**APPLE_PAY["payment_data"], **APPLE_PARTS}),
    }
    repeats = {"pay/google-pay": GOOGLE_PAY_TOKEN, "pay/apple-pay": " ".join(APPLE_PARTS.values())}
    answers = []
    for path, body in bodies.items():
        echo = {"errors": {"message": f"{repeats[path]} is no token"}}
        answers.append(post(store, path, body, key=f"k-{path}"))
        answers.append(post(store, path, body))  # The token was used.
        faults: tuple[dict[str, Any], ...] = (
            {"status": 422, "body": echo},
            {"status": 402, "body": echo},
            {"status": 504, "body": f"<p>{echo}</p>", "work": True},
            {"reset": True, "work": True},
        )
        for fault in faults:
            simulator.state.add_fault(Fault(f"/v1/{path.replace('pay/', 'payments/')}", **fault))
            answers.append(post(store, path, body))
        text = json.dumps(body)[:-2]
        answers.append(store.generic("POST", f"/checkout/shop/{path}", text, content_type="application/json"))
        answers.append(post(store, path, {**body, "payment": {**body["payment"], "installments": 99}}))
        answers.append(post(store, path, {**body, "payment": {**body["payment"], "payment_data": [GOOGLE_PAY_TOKEN]}}))
    return answers


def test_wallets_tokens_are_nowhere_after_every_kind_of_failure(
    store: Client, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")

    answers = pay_by_wallets_in_every_way(store, simulator)

    assert {answer.status_code for answer in answers} == {200, 400, 422, 502}
    texts = {"log": caplog.text, "tables and Redis": everything_stored()}
    texts["answers"] = "\n".join(answer.content.decode() for answer in answers)
    assert "google_pay" in texts["tables and Redis"]
    for name, text in texts.items():
        for secret in (*GOOGLE_PARTS, *APPLE_PARTS.values()):
            assert secret not in text, name


@pytest.mark.parametrize("is_debug", [False, True])
def test_a_bug_that_names_a_wallets_token_shows_none_of_it(
    store: Client, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, settings: Any, is_debug: bool
) -> None:
    order_id = ordered(store)
    store.raise_request_exception = False
    settings.DEBUG = is_debug
    [console] = [handler for handler in logging.root.handlers if isinstance(handler.formatter, ProcessorFormatter)]
    assert isinstance(console, logging.StreamHandler)
    monkeypatch.setattr(console, "stream", written := io.StringIO())
    body = by_google_pay(order_id, token=GOOGLE_PAY_TOKEN)
    error = AssertionError(f"sent {body['payment']['payment_data']!r} and {APPLE_PARTS} and {json.dumps(APPLE_PARTS)}")

    with sending_a_card_raises(simulator, error, "google-pay"):
        answer = post(store, "pay/google-pay", body)

    assert answer.status_code == 500
    assert "AssertionError" in written.getvalue()
    shown = written.getvalue() + ("" if is_debug else answer.content.decode())
    for secret in (*GOOGLE_PARTS, *APPLE_PARTS.values()):
        assert secret not in shown


def test_card_and_secret_are_nowhere_after_every_kind_of_failure(
    store: Client, shop: Installation, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")

    answers = pay_in_every_way(store, simulator)

    assert {answer.status_code for answer in answers} >= {200, 400, 422, 502}
    stored = everything_stored()
    assert "declined" in stored
    assert "payment.failed" in caplog.text
    # what is logged before the second line has scrubbed it, and all that is kept
    for name, text in {"log": caplog.text, "tables and Redis": stored}.items():
        for secret in (NUMBER, SPACED, shop.merchant_client_secret):
            assert secret not in text, name
        assert not IS_CVV.search(text), name


def test_a_bug_that_names_the_card_is_scrubbed_from_the_log(
    store: Client, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = ordered(store)
    store.raise_request_exception = False
    [console] = [handler for handler in logging.root.handlers if isinstance(handler.formatter, ProcessorFormatter)]
    assert isinstance(console, logging.StreamHandler)
    monkeypatch.setattr(console, "stream", written := io.StringIO())

    with sending_a_card_raises(simulator, AssertionError(f"number {NUMBER}, {SPACED}, cvv={CVV}")):
        answer = post(store, "pay/credit-card", by_card(order_id, number=SPACED, cvv=CVV))

    assert (answer.status_code, answer.json()) == (500, {"code": "internal_error", "message": "internal server error"})
    assert "AssertionError: number ••••" in written.getvalue()
    for secret in (NUMBER, SPACED, CVV):
        assert secret not in written.getvalue()


def test_answers_do_not_echo_the_card(store: Client, simulator: SimulatorServer) -> None:
    for answer in pay_in_every_way(store, simulator):
        for secret in (NUMBER, SPACED, CVV):
            assert secret not in answer.content.decode()


def test_the_debug_page_shows_no_values(store: Client, simulator: SimulatorServer, settings: Any) -> None:
    order_id = ordered(store)
    settings.DEBUG = True
    store.raise_request_exception = False

    with sending_a_card_raises(simulator, ZeroDivisionError()):
        page = post(store, "pay/credit-card", by_card(order_id, number=SPACED, cvv=CVV)).content.decode()

    assert "ZeroDivisionError" in page
    for secret in (NUMBER, SPACED, CVV):
        assert secret not in page
