"""What the shop's server remembers until it stops: API keys that were typed in, and what its orders hold.

A real shop keeps this in its database.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from flask import current_app

from examples.storefront.backend import Call

MOST_ORDERS = 500
MOST_KEYS = 100


@dataclass(frozen=True)
class Line:
    """One product of an order; `cents` for one of it."""

    name: str
    quantity: int
    cents: int


@dataclass(frozen=True)
class Details:
    """What an order's page shows, and neither the product tells nor the browser's cookie holds. Empty: not known.

    `document_number`: the payer's. `attempt` and `request`: Idempotency-Key and body of the latest payment while its
    outcome is unknown, so that the very same can be sent again. Of a card the body has a token, which serves once.
    """

    lines: tuple[Line, ...] = ()
    discount_cents: int = 0
    shipping_cents: int = 0
    holder_name: str = field(default="", repr=False)
    document_number: str = field(default="", repr=False)
    attempt: str = ""
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    upsell_hash: str = field(default="", repr=False)
    upsell_message: str = ""
    upsell_url: str = ""
    calls: tuple[Call, ...] = ()


class Memory:
    """May be used by several threads at once. What was changed longest ago is forgotten first."""

    def __init__(self, api_key: str) -> None:
        self._lock = threading.Lock()
        self._api_key = api_key
        self._typed: OrderedDict[str, str] = OrderedDict()
        self._orders: OrderedDict[tuple[str, int], Details] = OrderedDict()

    def api_key(self, external_key: str) -> str:
        """The API key that was typed in for this merchant, else the one of the settings; empty if there is none."""
        with self._lock:
            return self._typed.get(external_key, self._api_key)

    def type_api_key(self, external_key: str, api_key: str) -> None:
        """Uses this API key for this merchant from now on."""
        with self._lock:
            self._typed[external_key] = api_key
            while len(self._typed) > MOST_KEYS:
                self._typed.popitem(last=False)

    def details(self, external_key: str, order_id: int) -> Details:
        """What is remembered of the order; empty details if that is nothing any more."""
        with self._lock:
            return self._orders.get((external_key, order_id), Details())

    def remember(self, external_key: str, order_id: int, *, calls: list[Call], **changes: Any) -> None:
        """Changes these details, and adds to the calls."""
        with self._lock:
            known = self._orders.pop((external_key, order_id), Details())
            self._orders[external_key, order_id] = replace(known, calls=(*known.calls, *calls)[-30:], **changes)
            while len(self._orders) > MOST_ORDERS:
                self._orders.popitem(last=False)


def memory() -> Memory:
    """The memory of this server."""
    return cast(Memory, current_app.extensions["memory"])
