"""A simulator on a free port, an app that it talks to, and shorthands for what a product asks of it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings

TIMEOUT = 10  # seconds, for whatever is waited for
CPF = "52998224725"
APPROVED = "4000000000000010"  # a card


def card_fields(number: str = APPROVED) -> dict[str, Any]:
    """A whole card."""
    return {
        "number": number,
        "cvv": "737",
        "expiration_month": "12",
        "expiration_year": "2099",
        "holder_name": "ANA SOUZA",
    }


@dataclass(frozen=True)
class Received:
    """One POST to the app."""

    path: str
    body: dict[str, Any]


class Receiver:
    """The app's side: keeps every POST, and answers `statuses` one after another, then 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.external_id = ""  # answered if it isn't empty
        self.when_called: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.when_called()
                with receiver._changed:
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                    receiver.received.append(Received(self.path, body))
                    receiver._changed.notify_all()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                if receiver.external_id:
                    self.wfile.write(json.dumps({"external_id": receiver.external_id}).encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def wait_for(self, number: int) -> list[Received]:
        """The POSTs, once there are this many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= number, TIMEOUT), self.received
            return list(self.received)

    def events(self, number: int) -> list[str]:
        """The names of the events, once there are this many."""
        return [received.body["event"] for received in self.wait_for(number)]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(TIMEOUT)


class Appmax:
    """What a product asks of Appmax, over HTTP."""

    def __init__(self, simulator: SimulatorServer, callback_url: str) -> None:
        self.url = simulator.url
        self.settings = simulator.settings
        self.state = simulator.state
        self.callback_url = callback_url
        self.http = requests.Session()
        self.http.trust_env = False

    def call(self, method: str, path: str, token: str = "", **kwargs: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.request(
            method, self.url + path, headers=headers, timeout=TIMEOUT, allow_redirects=False, **kwargs
        )

    def ask_token(self, client_id: str, client_secret: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        return self.call("POST", "/oauth2/token", data=form)

    def token(self, client_id: str, client_secret: str) -> str:
        answer = self.ask_token(client_id, client_secret)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def app_token(self) -> str:
        return self.token(self.settings.client_id, self.settings.client_secret)

    def authorize(self, external_key: str = "shop") -> str:
        body = {
            "app_id": self.settings.app_id_uuid,
            "external_key": external_key,
            "url_callback": self.callback_url,
        }
        answer = self.call("POST", "/app/authorize", self.app_token(), json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["token"])

    def generate(self, token: str) -> requests.Response:
        return self.call("POST", "/app/client/generate", self.app_token(), json={"token": token})

    def merchant_credentials(self, external_key: str = "shop") -> tuple[str, str]:
        client = self.generate(self.authorize(external_key)).json()["data"]["client"]
        return client["client_id"], client["client_secret"]

    def merchant_token(self, external_key: str = "shop") -> str:
        return self.token(*self.merchant_credentials(external_key))

    def customer(self, token: str, **changes: Any) -> requests.Response:
        body = {
            "first_name": "Ana",
            "last_name": "Souza",
            "email": "ana@example.com",
            "phone": "11987654321",
            "ip": "203.0.113.7",
        }
        return self.call("POST", "/v1/customers", token, json={**body, **changes})

    def order(self, token: str, **changes: Any) -> requests.Response:
        product = {"sku": "CAM-01", "name": "Camiseta", "quantity": 1, "unit_value": 12990, "type": "physical"}
        body = {"products_value": 12990, "discount_value": 1000, "shipping_value": 1500, "products": [product]}
        if "customer_id" not in changes:
            changes["customer_id"] = self.customer(token).json()["data"]["customer"]["id"]
        return self.call("POST", "/v1/orders", token, json={**body, **changes})

    def new_order(self, token: str) -> int:
        return int(self.order(token).json()["data"]["order"]["id"])

    def pix(self, token: str, order_id: int, document: str = CPF) -> requests.Response:
        body = {"order_id": order_id, "payment_data": {"pix": {"document_number": document}}}
        return self.call("POST", "/v1/payments/pix", token, json=body)

    def boleto(self, token: str, order_id: int, document: str = CPF) -> requests.Response:
        body = {"order_id": order_id, "payment_data": {"boleto": {"document_number": document}}}
        return self.call("POST", "/v1/payments/boleto", token, json=body)

    def card_body(self, order_id: int, number: str = APPROVED, /, **changes: Any) -> dict[str, Any]:
        """Of a card payment; `changes` are the card's fields, None takes one away."""
        orders = self.control("GET", "orders")
        customer_id = next((order["customer_id"] for order in orders if order["id"] == order_id), 0)
        card = {key: value for key, value in {**card_fields(number), **changes}.items() if value is not None}
        return {"order_id": order_id, "customer_id": customer_id, "payment_data": {"credit_card": card}}

    def card(self, merchant: str, order_id: int, number: str = APPROVED, /, **changes: Any) -> requests.Response:
        return self.call("POST", "/v1/payments/credit-card", merchant, json=self.card_body(order_id, number, **changes))

    def tokenize(self, merchant: str, number: str = APPROVED, /, **changes: Any) -> requests.Response:
        body = {"payment_data": {"credit_card": {**card_fields(number), **changes}}}
        return self.call("POST", "/v1/payments/tokenize", merchant, json=body)

    def upsell(self, token: str, upsell_hash: Any, **changes: Any) -> requests.Response:
        product = {"sku": "CAP-01", "name": "Capa", "quantity": 1}
        body = {"upsell_hash": upsell_hash, "products_value": 4990, "products": [product]}
        return self.call("POST", "/v1/orders/upsell", token, json={**body, **changes})

    def refund(self, token: str, order_id: int, **fields: Any) -> requests.Response:
        return self.call("POST", "/v1/orders/refund-request", token, json={"order_id": order_id, **fields})

    def read(self, token: str, order_id: int) -> dict[str, Any]:
        """What Appmax tells of an order: order, customer, payment."""
        data: dict[str, Any] = self.call("GET", f"/v1/orders/{order_id}", token).json()["data"]
        return data

    def kept(self, order_id: int) -> dict[str, Any]:
        """What the simulator keeps of an order."""
        [order] = [order for order in self.control("GET", "orders") if order["id"] == order_id]
        return dict(order)

    def control(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self.call(method, f"/simulator/api/{path}", **kwargs)
        assert answer.ok, answer.text
        return answer.json()

    def deliveries(self, state: str, number: int) -> list[dict[str, Any]]:
        """The webhooks, oldest first, once this many are in this state."""
        deadline = time.monotonic() + TIMEOUT
        pause = threading.Event()
        while True:
            rows = self.control("GET", "deliveries")[::-1]
            if sum(row["state"] == state for row in rows) >= number:
                return list(rows)
            assert time.monotonic() < deadline, rows
            pause.wait(0.01)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def start(receiver: Receiver) -> Iterator[Callable[..., Appmax]]:
    """Starts simulators with these settings; they end with the test."""
    started: list[tuple[SimulatorServer, Appmax]] = []

    def run(**changes: Any) -> Appmax:
        settings = SimulatorSettings(
            **{
                "client_id": "app-client",
                "client_secret": "app-secret",
                "app_id_uuid": "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11",
                "app_id_numeric": "4242",
                "seed": "seed",
                "webhook_url": f"{receiver.url}/webhook",
                **changes,
            }
        )
        simulator = SimulatorServer(settings).__enter__()
        appmax = Appmax(simulator, f"{receiver.url}/callback")
        started.append((simulator, appmax))
        return appmax

    yield run
    for simulator, appmax in started:
        appmax.http.close()
        simulator.stop()


@pytest.fixture
def appmax(start: Callable[..., Appmax]) -> Appmax:
    return start()


@pytest.fixture
def merchant(appmax: Appmax, receiver: Receiver) -> str:
    """The token of a merchant who has installed the app; the callback's POST is forgotten."""
    token = appmax.merchant_token()
    receiver.received.clear()
    return token
