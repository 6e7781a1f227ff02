"""The newest calls of Appmax's API, with whatever is secret or personal cut out before it is kept."""

import json
import re
import threading
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Any

from simulator.reading import as_object
from simulator.records import now

MOST_CALLS = 500
LONGEST_TEXT = 200  # characters of one value
LONGEST_BODY = 4000  # characters of a body
MOST_ORDER_ID = 10**10  # what is larger may be a card's number
CUT = "•••"

_HIDDEN = re.compile(
    r"secret|token|signature|hash|cvv|cvc|security_code|holder|document|cpf|cnpj|mail|phone|address|password"
    r"|(first|last|full)_?name|birth|(^|_)ip($|_)|expiration_(month|year)",
    re.IGNORECASE,
)
# A product's name may be read, and an answer's data; a customer's name and an Apple Pay token's data not.
_SECRET_INSIDE = {("customer", "name"): "full_name", ("payment_data", "data"): "token"}
_CARD_NUMBER = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
_CODES = ("pix_emv", "emv_code", "boleto_digitable_line", "digitable_line")  # long numbers that are no card's


@dataclass(frozen=True)
class Call:
    """One call. `route`: the path without an order's id. `who`: app, or a merchant's external_key; empty: nobody.

    `status`: 0 if the connection was cut. `request`, `answer`: JSON, or a text that says what came. `fault`: which
    failure struck it.
    """

    id: int
    at: str
    method: str
    route: str
    path: str
    status: int
    milliseconds: float
    who: str
    request: Any
    answer: Any
    fault: str
    order_ids: tuple[int, ...]


class ApiLog:
    """Safe from several threads; in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = count(1)
        self._calls: deque[Call] = deque(maxlen=MOST_CALLS)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    def add(
        self,
        *,
        method: str,
        route: str,
        path: str,
        status: int,
        milliseconds: float,
        who: str,
        request: Any,
        answer: Any,
        fault: str,
    ) -> None:
        """Keeps a call that has been answered. The bodies are given as they came; what mustn't be kept is cut out
        here."""
        ids = tuple(dict.fromkeys([*_order_ids(request), *_order_ids(answer), *_in_path(path)]))
        kept, told = _shortened(without_secrets(request)), _shortened(without_secrets(answer))
        path, route = cut_numbers(path), cut_numbers(route)
        with self._lock:
            call = Call(next(self._ids), now(), method, route, path, status, milliseconds, who, kept, told, fault, ids)
            self._calls.append(call)

    def latest(self, route: str = "", order_id: int | None = None) -> list[Call]:
        """The calls, newest first; of one route or about one order only, if they are named."""
        with self._lock:
            calls = list(self._calls)
        return [
            call
            for call in reversed(calls)
            if route in ("", call.route) and (order_id is None or order_id in call.order_ids)
        ]


def without_secrets(value: Any, name: str = "") -> Any:
    """The JSON value without what is secret or personal, going by the names of fields; a card's last four stay."""
    if value is None or isinstance(value, bool) or value == "":
        return value
    if _HIDDEN.search(name):
        return CUT
    if isinstance(value, dict):
        names = {key: _SECRET_INSIDE.get((name, key), str(key)) for key in value}
        return {cut_numbers(str(key)): without_secrets(item, names[key]) for key, item in value.items()}
    if isinstance(value, list):
        return [without_secrets(item, name) for item in value]
    if name in _CODES:
        return value
    if name in ("number", "card_number"):
        return f"{CUT} {str(value)[-4:]}" if len(str(value)) > 8 else CUT
    if isinstance(value, str):
        value = cut_numbers(value)
        return value if len(value) <= LONGEST_TEXT else f"{value[:60]}... ({len(value)} characters)"
    cut = cut_numbers(str(value))
    return value if cut == str(value) else cut


def cut_numbers(text: str) -> str:
    """The text with whatever may be a card's number cut down to its last four digits."""
    return _CARD_NUMBER.sub(lambda found: f"{CUT} {found[0][-4:]}", text)


def _shortened(body: Any) -> Any:
    text = json.dumps(body, ensure_ascii=False)
    return body if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}... ({len(text)} characters)"


def _order_ids(body: Any) -> list[int]:
    """The orders that a request or an answer names."""
    data = as_object(as_object(body).get("data"))
    claimed = as_object(body).get("order_id"), data.get("order_id"), as_object(data.get("order")).get("id")
    return [order_id for order_id in claimed if type(order_id) is int and order_id < MOST_ORDER_ID]


def _in_path(path: str) -> list[int]:
    found = re.fullmatch("/v1/orders/([0-9]{1,10})", path)
    return [int(found[1])] if found else []
