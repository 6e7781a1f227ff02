"""A browser without JavaScript in the demo shop, as far as tests need one."""

import re
import threading
import time
from html import unescape
from typing import Any

import requests

TIMEOUT = 20  # seconds, for whatever is waited for
CARD = {"card_number": "4000 0000 0000 0010", "cvv": "737", "expiry": "12/39", "holder_name": "ANA SOUZA"}
DECLINED = "4000000000000028"
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

    def buy(self, method: str, **changes: Any) -> requests.Response:
        """One product, by this method; the page that comes in the end."""
        self.add()
        return self.post("/checkout", {**self.checkout_form(), **CARD, "method": method, **changes})

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
    """The page's text fields, hidden ones included, as they are filled in."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", page):
        values = {name: unescape(value) for name, value in re.findall(r'([a-z_-]+)="([^"]*)"', tag)}
        if values.get("type") != "radio" and "name" in values:
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
