"""The server itself: its pages, its connections, its settings, its end."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings
from tests.simulator.conftest import TIMEOUT, Appmax, Receiver

IDENTITY = {
    "APPMAX_CLIENT_ID": "app-client",
    "APPMAX_CLIENT_SECRET": "app-secret",
    "APPMAX_APP_ID_UUID": "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11",
    "APPMAX_APP_ID_NUMERIC": "4242",
}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/installations",
        "/orders",
        "/deliveries",
        "/send",
        "/switches",
        "/faults",
        "/log",
        "/v2/apphook",
        "/nowhere",
    ],
)
def test_every_page_says_that_it_is_a_simulator(appmax: Appmax, path: str) -> None:
    page = appmax.call("GET", path).text
    assert "This is a simulator of Appmax. No real money moves here." in page
    assert "http://" not in page.replace(appmax.settings.webhook_url, "")


def test_the_authorisation_page_says_so_too(appmax: Appmax) -> None:
    page = appmax.call("GET", f"/appstore/integration/{appmax.authorize()}").text
    assert "Este é um simulador da Appmax. Nenhum dinheiro real circula aqui." in page


def test_the_orders_page_has_the_buttons(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    assert "Pay this Pix" not in appmax.call("GET", "/orders").text
    appmax.pix(merchant, order_id)
    page = appmax.call("GET", "/orders").text
    assert "Pay this Pix" in page
    assert "R$ 134,90" in page


def test_the_orders_page_tells_of_payments_refunds_and_parcels(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.card(merchant, order_id)
    appmax.refund(merchant, order_id, type="partial", value=490)
    body = {"order_id": order_id, "shipping_tracking_code": "BR123456789BR"}
    appmax.call("POST", "/v1/orders/shipping-tracking-code", merchant, json=body)
    page = appmax.call("GET", "/orders").text
    for shown in ("credit card •••• 0010", "R$ 4,90 refunded", "BR123456789BR", "Refund R$ 130,00"):
        assert shown in page


def test_the_orders_page_has_the_buttons_of_a_boleto(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.boleto(merchant, order_id)
    page = appmax.call("GET", "/orders").text
    for shown in ("Pay this boleto", "Let it go overdue", f"/boletos/{order_id}.pdf"):
        assert shown in page


def test_the_first_page_lists_the_cards(appmax: Appmax) -> None:
    page = appmax.call("GET", "/").text
    assert "4000000000000028" in page
    assert "own)" in page  # the simulator's numbers aren't Appmax's


def test_it_is_healthy(appmax: Appmax) -> None:
    assert appmax.control("GET", "health") == {"status": "ok"}


def test_unknown_routes_of_the_api_answer_json(appmax: Appmax) -> None:
    answer = appmax.call("POST", "/v1/nothing")
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_reset_forgets_everything_and_reuses_no_id(appmax: Appmax, merchant: str, receiver: Receiver) -> None:
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)
    appmax.control("POST", "reset")
    assert appmax.control("GET", "orders") == []
    assert appmax.control("GET", "deliveries") == []
    assert appmax.customer(merchant).status_code == 401
    assert appmax.new_order(appmax.merchant_token()) > order_id


def test_reset_ends_what_waits_to_be_tried_again(start: Callable[..., Appmax], receiver: Receiver) -> None:
    appmax = start(clock_speed=9_000)  # 30 min in 0.2 s
    receiver.statuses = [500]
    appmax.control("POST", "events", json={"event": "old", "order_id": 1})
    appmax.deliveries("waiting", 1)
    appmax.control("POST", "reset")
    receiver.statuses = [500]
    appmax.control("POST", "events", json={"event": "new", "order_id": 1})
    appmax.deliveries("delivered", 1)
    assert receiver.events(3) == ["old", "new", "new"]


def test_connections_are_kept_open(appmax: Appmax) -> None:
    with appmax.http.get(f"{appmax.url}/simulator/api/health", stream=True, timeout=TIMEOUT) as answer:
        assert answer.raw.version == 11
        assert answer.headers.get("Connection") is None
        first = _local_port(answer)
        assert answer.json()
    # A refused body must not be taken for the next request.
    appmax.http.post(f"{appmax.url}/v1/orders", data=b"x" * 5000, timeout=TIMEOUT)
    with appmax.http.get(f"{appmax.url}/orders", stream=True, timeout=TIMEOUT) as answer:
        assert answer.status_code == 200
        assert _local_port(answer) == first
        assert answer.text


def _local_port(answer: requests.Response) -> int:
    connection: Any = answer.raw.connection
    return int(connection.sock.getsockname()[1])


def test_too_large_a_body_is_refused(appmax: Appmax) -> None:
    headers = {"Content-Length": str(2 * 1024 * 1024)}
    assert appmax.http.post(f"{appmax.url}/v1/orders", headers=headers, timeout=TIMEOUT).status_code == 413


def test_stop_ends_all_threads(receiver: Receiver) -> None:
    before = set(threading.enumerate())
    settings = SimulatorSettings.from_env({**IDENTITY, "SIMULATOR_WEBHOOK_URL": f"{receiver.url}/webhook"})
    simulator = SimulatorServer(SimulatorSettings(**{**vars(settings), "port": 0})).__enter__()
    appmax = Appmax(simulator, receiver.url)
    receiver.statuses = [500]
    appmax.control("POST", "events", json={"event": "order_approved", "order_id": 1})
    appmax.deliveries("waiting", 1)  # for its next try, 3 s later
    simulator.stop()
    simulator.stop()
    appmax.http.close()
    left = {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("simulator")}
    assert not left


def test_the_log_tells_method_path_and_status_only(appmax: Appmax, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    token = appmax.authorize()
    appmax.call("GET", f"/appstore/integration/{token}?code=hidden")
    appmax.generate(token)
    pair = appmax.merchant_credentials()
    text = "\n".join(record.getMessage() for record in caplog.records if record.name == "simulator")
    assert "POST /oauth2/token 200" in text
    assert "GET /appstore/integration/... 200" in text
    for secret in (token, "hidden", "app-secret", *pair):
        assert secret not in text


def test_settings_come_from_the_environment() -> None:
    settings = SimulatorSettings.from_env({**IDENTITY, "SIMULATOR_CLOCK_SPEED": "60", "SIMULATOR_SEED": "s"})
    assert (settings.port, settings.clock_speed, settings.token_seconds, settings.seed) == (9090, 60, 3600, "s")
    assert settings.webhook_url == "http://127.0.0.1:8080/webhooks/appmax"
    assert "app-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"APPMAX_CLIENT_ID": "", "APPMAX_APP_ID_NUMERIC": ""}, "APPMAX_CLIENT_ID, APPMAX_APP_ID_NUMERIC not set"),
        ({"SIMULATOR_PORT": "http"}, "SIMULATOR_PORT must be a positive number, not 'http'"),
        ({"SIMULATOR_PORT": "70000"}, "SIMULATOR_PORT must be"),
        ({"SIMULATOR_CLOCK_SPEED": "0"}, "SIMULATOR_CLOCK_SPEED must be"),
        ({"SIMULATOR_PIX_MINUTES": "soon"}, "SIMULATOR_PIX_MINUTES must be"),
        ({"SIMULATOR_WEBHOOK_MODEL": "xml"}, "SIMULATOR_WEBHOOK_MODEL must be one of app_store, "),
    ],
)
def test_wrong_settings_are_named_in_one_line(changes: dict[str, str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        SimulatorSettings.from_env({**IDENTITY, **changes})


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_alone_it_stops_cleanly(name: signal.Signals) -> None:
    environment = {**os.environ, **IDENTITY, "SIMULATOR_PORT": "1", "SIMULATOR_HOST": "127.0.0.1"}
    program = (
        "import sys, dataclasses; from simulator import __main__ as run, settings as s;"
        "read = s.SimulatorSettings.from_env;"
        "run.SimulatorSettings = type('Any', (), {'from_env': lambda: dataclasses.replace(read(), port=0)}); run.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "listening on http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(name)
        assert process.wait(TIMEOUT) == 0


def test_control_answers_are_json(appmax: Appmax, merchant: str) -> None:
    appmax.new_order(merchant)
    [order] = json.loads(appmax.call("GET", "/simulator/api/orders").text)
    assert order["total"] == 13490
    assert order["external_key"] == "shop"


def test_one_order_can_be_looked_at(appmax: Appmax, merchant: str) -> None:
    order_id = appmax.new_order(merchant)
    appmax.pix(merchant, order_id)

    assert appmax.control("GET", f"orders/{order_id}")["pending"] == ["pix"]
    assert appmax.call("GET", "/simulator/api/orders/1").status_code == 404


def test_installations_are_listed_newest_first_and_without_their_hashes(appmax: Appmax) -> None:
    appmax.generate(appmax.authorize("older"))
    appmax.authorize("only-begun")

    assert appmax.control("GET", "installations") == [
        {"external_key": "only-begun", "installed": False},
        {"external_key": "older", "installed": True},
    ]


def test_the_menu_links_to_a_shop_that_is_named(start: Callable[..., Appmax], appmax: Appmax) -> None:
    named = start(shop_url="http://127.0.0.1:9091/shop")

    assert '<a href="http://127.0.0.1:9091/shop">Shop</a>' in named.call("GET", "/").text
    assert ">Shop<" not in appmax.call("GET", "/").text
