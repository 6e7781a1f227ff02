"""Whose order is whose: the browser's signed cookie names those that were made in it."""

import secrets
import time
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from flask import session

from examples.storefront import cart

MOST_ORDERS = 15  # a cookie holds 4 KB
ATTEMPT_CHARACTERS = 8


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


@dataclass(frozen=True)
class Placed:
    """An order of this browser. `method`: card, pix or boleto once a payment was taken, or may have been (`unknown`).

    `at`: seconds since 1970, of the latest payment; `attempt`: the beginning of the form's key that made the latest
    payment; `answered`: the offer after it was accepted or refused.
    """

    external_key: str
    order_id: int
    customer_id: int
    total_cents: int
    at: int = field(default_factory=now)
    method: str = ""
    unknown: bool = False
    attempt: str = ""
    answered: bool = False


def orders(external_key: str) -> list[Placed]:
    """Those made in this merchant's shop, newest first."""
    rows = [Placed(*row) for row in session.get("orders", [])]
    return [placed for placed in rows if placed.external_key == external_key]


def find(external_key: str, order_id: int) -> Placed | None:
    """None if it wasn't made in this browser."""
    return next((placed for placed in orders(external_key) if placed.order_id == order_id), None)


def keep(placed: Placed, **changes: Any) -> Placed:
    """The order as it is from now on."""
    placed = replace(placed, **changes)
    rows = [Placed(*row) for row in session.get("orders", [])]
    if not any(row.order_id == placed.order_id for row in rows):
        rows.insert(0, placed)
    rows = [placed if row.order_id == placed.order_id else row for row in rows]
    session["orders"] = [astuple(row) for row in rows[:MOST_ORDERS]]
    return placed


def paid_by(external_key: str, attempt: str) -> Placed | None:
    """The order that this form has paid already."""
    return next((placed for placed in orders(external_key) if placed.attempt == short(attempt)), None)


def short(attempt: str) -> str:
    """As much of an attempt as a cookie keeps."""
    return attempt[:ATTEMPT_CHARACTERS]


def checkout() -> str:
    """Names this purchase until it is paid: the same cart and customer are one order, however often they are sent."""
    if "checkout" not in session:
        renew_checkout()
    return str(session["checkout"])


def renew_checkout() -> None:
    """What comes next is another purchase."""
    session["checkout"] = secrets.token_hex(8)
    session.pop("ordered", None)


def has_ordered(order_id: int) -> None:
    """The cart has become this order, and is kept until it is paid."""
    session["ordered"] = order_id


def has_paid(order_id: int) -> None:
    """The cart is done with, if this is the order that was made of it."""
    if session.get("ordered") == order_id:
        cart.empty()
        renew_checkout()
