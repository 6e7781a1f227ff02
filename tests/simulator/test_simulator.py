"""The simulated Appmax does what the contract says of the real one. Over HTTP."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from appmax.simulator.server import SimulatorServer
from appmax.simulator.settings import SimulatorSettings
from appmax.simulator.state import Authorization

SETTINGS = SimulatorSettings(
    client_id="app",
    client_secret="app-secret",
    app_id_uuid="uuid",
    app_id_numeric="4242",
    seed="seed",
    port=0,
    clock_speed=1e6,
)


class Receiver:
    """Takes POSTs, answers `statuses` in turn (then 200), and lets tests wait for what they expect."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.statuses: list[int] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver._arrived:
                    receiver.bodies.append(body)
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                    receiver._arrived.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._arrived:
            assert self._arrived.wait_for(condition, timeout=10), self.bodies

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def appmax(receiver: Receiver) -> Iterator[SimulatorServer]:
    with SimulatorServer(SETTINGS) as server:
        server.state.webhook_url = receiver.url
        yield server


def token(server: SimulatorServer, client_id: str, client_secret: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return requests.post(f"{server.url}/oauth2/token", data=form, timeout=5)


@pytest.fixture
def call(appmax: SimulatorServer) -> Callable[..., requests.Response]:
    """A call of the merchant "shop"."""
    bearer = token(appmax, *appmax.state.merchant_credentials("shop")).json()["access_token"]

    def send(method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {bearer}"}
        return requests.request(method, appmax.url + path, json=body, headers=headers, timeout=5)

    return send


@pytest.fixture
def order_id(call: Callable[..., requests.Response]) -> int:
    customer = {"first_name": "Ana", "last_name": "Souza", "email": "a@b.c", "phone": "11987654321"}
    customer_id = call("POST", "/v1/customers", customer).json()["data"]["customer"]["id"]
    body = {"customer_id": customer_id, "products_value": 1000, "products": [{"sku": "s"}]}
    return int(call("POST", "/v1/orders", body).json()["data"]["order"]["id"])


def pix(call: Callable[..., requests.Response], order_id: int) -> requests.Response:
    body = {"order_id": order_id, "payment_data": {"pix": {"document_number": "52998224725"}}}
    return call("POST", "/v1/payments/pix", body)


def test_wrong_credentials_get_no_token(appmax: SimulatorServer) -> None:
    answer = token(appmax, "app", "wrong")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic x"])
def test_calls_need_a_token_that_is_valid(appmax: SimulatorServer, header: str) -> None:
    answer = requests.get(f"{appmax.url}/v1/orders/1", headers={"Authorization": header}, timeout=5)

    assert answer.status_code == 401
    assert answer.headers["X-Request-Id"]


def test_tokens_end(appmax: SimulatorServer, call: Any, order_id: int) -> None:
    assert call("GET", f"/v1/orders/{order_id}").status_code == 200

    appmax.state.revoke_tokens()

    assert call("GET", f"/v1/orders/{order_id}").status_code == 401


def test_the_apps_token_is_not_a_merchants(appmax: SimulatorServer) -> None:
    bearer = token(appmax, "app", "app-secret").json()["access_token"]
    answer = requests.get(f"{appmax.url}/v1/orders/1", headers={"Authorization": f"Bearer {bearer}"}, timeout=5)

    assert answer.status_code == 403


def test_a_merchant_outlives_a_restart(appmax: SimulatorServer) -> None:
    credentials = appmax.state.merchant_credentials("loja ção")

    with SimulatorServer(SETTINGS) as restarted:
        assert token(restarted, *credentials).status_code == 200


def test_salvar_posts_the_health_check_and_brings_the_browser_back(appmax: SimulatorServer, receiver: Receiver) -> None:
    appmax.state.authorizations["hash"] = Authorization("hash", "shop", receiver.url)

    answer = requests.post(f"{appmax.url}/appstore/integration/hash", allow_redirects=False, timeout=5)

    assert answer.headers["Location"] == f"{receiver.url}?token=hash"
    client_id, client_secret = appmax.state.merchant_credentials("shop")
    assert receiver.bodies == [
        {
            "app_id": "4242",
            "client_key": "shop",
            "external_key": "shop",
            "client_id": client_id,
            "client_secret": client_secret,
        }
    ]


def test_salvar_says_so_when_the_app_does_not_confirm(appmax: SimulatorServer, receiver: Receiver) -> None:
    appmax.state.authorizations["hash"] = Authorization("hash", "shop", receiver.url)
    receiver.statuses = [201]

    answer = requests.post(f"{appmax.url}/appstore/integration/hash", allow_redirects=False, timeout=5)

    assert answer.status_code == 502
    assert "201" in answer.text


def test_generate_checks_the_app_itself_and_serves_a_hash_once(appmax: SimulatorServer, receiver: Receiver) -> None:
    appmax.state.authorizations["hash"] = Authorization("hash", "shop", receiver.url)
    headers = {"Authorization": "Bearer " + token(appmax, "app", "app-secret").json()["access_token"]}

    def generate() -> requests.Response:
        url = f"{appmax.url}/app/client/generate"
        return requests.post(url, json={"token": "hash"}, headers=headers, timeout=5)

    first = generate()

    assert first.json()["data"]["client"]["client_id"] == receiver.bodies[0]["client_id"]
    assert generate().status_code == 404


def test_another_merchants_order_is_not_found(appmax: SimulatorServer, order_id: int) -> None:
    bearer = token(appmax, *appmax.state.merchant_credentials("other")).json()["access_token"]
    url = f"{appmax.url}/v1/orders/{order_id}"

    assert requests.get(url, headers={"Authorization": f"Bearer {bearer}"}, timeout=5).status_code == 404


def test_a_customers_e_mail_is_updated(call: Any, order_id: int) -> None:
    body = {"first_name": "Bia", "last_name": "Souza", "email": "a@b.c", "phone": "1"}

    assert call("POST", "/v1/customers", body).json() == call("POST", "/v1/customers", body).json()


def test_check_digits_are_verified(call: Any, order_id: int) -> None:
    body = {"order_id": order_id, "payment_data": {"pix": {"document_number": "12345678900"}}}

    assert call("POST", "/v1/payments/pix", body).status_code == 422


def test_a_pix_is_a_picture_and_a_code_and_a_second_one_is_empty(call: Any, order_id: int, receiver: Receiver) -> None:
    payment = pix(call, order_id).json()["data"]["payment"]

    assert base64.b64decode(payment["pix_qrcode"]).startswith(b"\x89PNG")
    assert payment["pix_emv"].startswith("000201")
    assert pix(call, order_id).json()["data"]["payment"] == {"pix_qrcode": "", "pix_emv": ""}
    receiver.wait_for(lambda: [body["event"] for body in receiver.bodies] == ["order_pix_created"])


def test_paying_tells_of_it_and_makes_it_true(
    appmax: SimulatorServer, call: Any, order_id: int, receiver: Receiver
) -> None:
    pix(call, order_id)

    requests.post(f"{appmax.url}/simulator/api/orders/{order_id}/pay", timeout=5)

    receiver.wait_for(lambda: len(receiver.bodies) == 3)
    assert {body["event"] for body in receiver.bodies} == {"order_pix_created", "order_paid_by_pix", "order_approved"}
    assert {body["data"]["order_id"] for body in receiver.bodies} == {order_id}
    order = call("GET", f"/v1/orders/{order_id}").json()["data"]["order"]
    assert (order["status"], order["total_paid"]) == ("aprovado", 1000)


def test_a_webhook_is_tried_four_times_then_dropped(appmax: SimulatorServer, receiver: Receiver) -> None:
    receiver.statuses = [500, 302, 404, 503]

    [delivery] = appmax.courier.send({"event": "x"})

    receiver.wait_for(lambda: len(receiver.bodies) == 4)
    for thread in list(appmax.courier._threads):
        thread.join(timeout=5)
    assert (delivery.state, len(delivery.tries)) == ("dropped", 4)


def test_a_webhook_that_is_taken_is_not_sent_again(appmax: SimulatorServer, receiver: Receiver) -> None:
    receiver.statuses = [500, 204]

    [delivery] = appmax.courier.send({"event": "x"})

    receiver.wait_for(lambda: len(receiver.bodies) == 2)
    for thread in list(appmax.courier._threads):
        thread.join(timeout=5)
    assert (delivery.state, [attempt.answer for attempt in delivery.tries]) == ("delivered", ["500", "204"])


def test_faults_strike_as_often_as_told(appmax: SimulatorServer, call: Any, order_id: int) -> None:
    fault = {"path": "/v1/orders/", "status": 503, "times": 2}
    requests.post(f"{appmax.url}/simulator/api/faults", json=fault, timeout=5)

    assert [call("GET", f"/v1/orders/{order_id}").status_code for _ in range(3)] == [503, 503, 200]


def test_a_fault_may_strike_after_the_work_is_done(appmax: SimulatorServer, call: Any, order_id: int) -> None:
    fault = {"path": "/v1/payments/pix", "status": 504, "work": True}
    requests.post(f"{appmax.url}/simulator/api/faults", json=fault, timeout=5)

    assert pix(call, order_id).status_code == 504
    assert appmax.state.orders[order_id].has_pending_pix


@pytest.mark.parametrize("path", ["/", "/orders", "/deliveries", "/v2/apphook", "/appstore/integration/hash"])
def test_every_page_says_that_it_is_a_simulator(appmax: SimulatorServer, call: Any, order_id: int, path: str) -> None:
    appmax.state.authorizations["hash"] = Authorization("hash", "shop", "http://127.0.0.1:1/")
    pix(call, order_id)

    page = requests.get(appmax.url + path, timeout=5)

    assert page.status_code == 200
    assert "simula" in page.text.partition("<nav>")[0].partition("<body>")[2]
