"""A browser without JavaScript in the demo shop, as far as tests need one, and a stand-in for the product."""

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

TIMEOUT = 20  # seconds, for whatever is waited for
APPROVED, DECLINED = "4000000000000010", "4000000000000028"
CARD = {"card_token": "card-token"}  # what the browser's script has made of a card, where nobody looks at it
PIX = {"qr_code": "aGk=", "emv": "00020126", "expires_at": "2039-12-31T23:30:00Z"}
BOLETO = {"pdf_url": "http://127.0.0.1:1/1.pdf", "digitavel": "1" * 47, "due_date": "2039-12-31"}
BASIC = "CAF-250"  # a product that is cheap enough to be sent for money


class Visitor:
    """Keeps its cookies, follows redirects, and speaks English unless told otherwise."""

    def __init__(self, origin: str, external_key: str = "shop", language: str = "en") -> None:
        self.origin, self.home = origin, f"{origin}/shop/{external_key}"
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Accept-Language"] = language
        self.seen: list[requests.Response] = []

    def get(self, path: str = "", **kwargs: Any) -> requests.Response:
        return self._send("GET", path, **kwargs)

    def post(self, path: str, form: dict[str, Any] | None = None, **kwargs: Any) -> requests.Response:
        return self._send("POST", path, data=form or {}, **kwargs)

    def _send(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        url = path if path.startswith("http") else self.home + path
        answer = self.http.request(method, url, timeout=TIMEOUT, **kwargs)
        self.seen += [*answer.history, answer]
        return answer

    def add(self, sku: str = BASIC, number: int = 1) -> requests.Response:
        return self.post(f"/cart/{sku}", {"add": number})

    def checkout_form(self) -> dict[str, str]:
        return fields(self.get("/checkout").text)

    def buy(self, method: str, number: str = APPROVED, **changes: Any) -> requests.Response:
        """One product, by this method; the page that comes in the end."""
        self.add()
        page = self.get("/checkout").text
        card = self.card(page, number) if method == "card" else {}
        return self.post("/checkout", {**fields(page), "method": method, **card, **changes})

    def card(self, page: str, number: str = APPROVED) -> dict[str, str]:
        """A card's part of the page's form, once Appmax's script has made a token of the card; a made-up one if the
        page has no script."""
        script = re.search(r'<script src="(http[^"]*)/appmax[.]min[.]js"', page)
        if script is None:
            return {"method": "card", **CARD}
        external_id = re.search('data-external-id="([^"]*)"', page)
        assert external_id
        card = {"number": number, "cvv": "737", "expiration_month": "12", "expiration_year": "39", "holder_name": "ANA"}
        answer = self.http.post(
            f"{script[1]}/v1/payments/tokenize",
            json={"payment_data": {"credit_card": card}},
            headers={"external-id": external_id[1]},
            timeout=TIMEOUT,
        )
        return {"method": "card", "card_token": answer.json()["data"]["token"]}

    def wait_for_status(self, order_page: str, status: str) -> dict[str, str]:
        """What the order page's script is told, once it is told this."""
        deadline, pause = time.monotonic() + TIMEOUT, threading.Event()
        while True:
            said: dict[str, str] = self.get(f"{order_page.partition('#')[0]}/status.json").json()
            if said["status"] == status:
                return said
            assert time.monotonic() < deadline, said
            pause.wait(0.02)


def fields(page: str) -> dict[str, str]:
    """The text fields that the page sends to the shop, hidden ones included, as they are filled in. A card's fields are
    for Appmax's script alone."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", page):
        values = {name: unescape(value) for name, value in re.findall(r'([a-z_-]+)="([^"]*)"', tag)}
        if values.get("type") != "radio" and values.get("form") != "card" and "name" in values:
            found[values["name"]] = values.get("value", "")
    return found


def status_of(page: str) -> tuple[str, str]:
    """The status that an order page shows: Appmax's, and the shopper's words for it."""
    status = re.search(r'id="status"[^>]* data-status="([a-z_]*)"', page)
    label = re.search(r'<h2 id="status-label">([^<]*)<', page)
    assert status, page
    assert label, page
    return status[1], unescape(label[1])


def order_id_of(order_page: str) -> int:
    """The number in an order page's address."""
    return int(order_page.partition("#")[0].rpartition("/")[2])


# --- a product that says what a test wants ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """One request to the product."""

    method: str
    path: str
    headers: Message
    body: Any


class Product:
    """A stand-in for the product: sells order 77 of customer 7, unless it is told to say something else."""

    usual: Mapping[str, Any] = {
        "": {"external_id": "8a3ae441-146b-4879-90c4-7d58504b8157", "environment": "simulator"},
        "order": {"order_id": 77, "customer_id": 7},
        "pay/credit-card": {"order_id": 77, "status": "aprovado", "upsell_hash": "hash"},
        "pay/google-pay": {"order_id": 77, "status": "aprovado", "upsell_hash": "hash"},
        "pay/apple-pay": {"order_id": 77, "status": "aprovado", "upsell_hash": "hash"},
        "pay/pix": {"order_id": 77, **PIX},
        "pay/boleto": {"order_id": 77, **BOLETO},
        "upsell": {"message": "ok", "redirect_url": ""},
        "status/77": {"status": "pendente"},
        "orders/77": {"order_id": 77, "status": "pendente", "pix": PIX, "boleto": BOLETO},
        "installments": [{"installments": n, "value": 1000, "total_value": 1000 * n} for n in (1, 2)],
    }

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._told: dict[str, tuple[int | None, Any, int]] = {}
        product = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                product._answer(self)

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def says(self, route: str, status: int | None, body: Any, times: int = 1000) -> None:
        """What the next calls of this route are answered; no status: the connection is closed instead."""
        self._told[route] = status, body, times

    def order_is(self, status: str) -> None:
        """The order has this status from now on."""
        self.says("status/77", 200, {"status": status})
        self.says("orders/77", 200, {**self.usual["orders/77"], "status": status})

    def posts(self, route: str) -> list[Asked]:
        """What was asked of this route, oldest first."""
        return [asked for asked in self.asked if asked.method == "POST" and asked.path.endswith(f"/{route}")]

    def _answer(self, call: BaseHTTPRequestHandler) -> None:
        path = call.path.partition("?")[0]
        sent = call.rfile.read(int(call.headers.get("Content-Length") or 0))
        self.asked.append(Asked(call.command, path, call.headers, json.loads(sent) if sent else None))
        route = "".join(path.split("/", 3)[3:])  # empty: the installation itself
        status, body, times = self._told.pop(route, (200, self.usual.get(route), 0))
        if times > 1:
            self._told[route] = status, body, times - 1
        if status == 200 and body is None:
            status, body = 404, {"code": "order_not_found", "message": "order not found"}
        if status is None:
            return
        text = body if isinstance(body, str) else json.dumps(body)
        call.send_response(status)
        call.send_header("Content-Length", str(len(text.encode())))
        call.end_headers()
        call.wfile.write(text.encode())

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(TIMEOUT)
