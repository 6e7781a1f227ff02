"""Which orders a browser may see: its signed cookie names those that were made in it."""

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
    """An order of this browser. `method`: one of the form's, once a payment was taken, or may have been
    (`unknown`).

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
    """The orders that this browser made in this merchant's shop, newest first."""
    rows = [Placed(*row) for row in session.get("orders", [])]
    return [placed for placed in rows if placed.external_key == external_key]


def find(external_key: str, order_id: int) -> Placed | None:
    """The order; None if it wasn't made in this browser."""
    return next((placed for placed in orders(external_key) if placed.order_id == order_id), None)


def keep(placed: Placed, **changes: Any) -> Placed:
    """Writes the order, with these changes, into the cookie; the order as it is then."""
    placed = replace(placed, **changes)
    rows = [Placed(*row) for row in session.get("orders", [])]
    if not any(row.order_id == placed.order_id for row in rows):
        rows.insert(0, placed)
    rows = [placed if row.order_id == placed.order_id else row for row in rows]
    session["orders"] = [astuple(row) for row in rows[:MOST_ORDERS]]
    return placed


def paid_by(external_key: str, attempt: str) -> Placed | None:
    """The order that was paid by this attempt; None if none was."""
    return next((placed for placed in orders(external_key) if placed.attempt == short(attempt)), None)


def short(attempt: str) -> str:
    """The beginning of an attempt, which is all that the cookie keeps of it."""
    return attempt[:ATTEMPT_CHARACTERS]


def checkout() -> str:
    """The name of this purchase, which stays the same until it is paid."""
    if "checkout" not in session:
        renew_checkout()
    return str(session["checkout"])


def renew_checkout() -> None:
    """Begins another purchase."""
    session["checkout"] = secrets.token_hex(8)
    session.pop("ordered", None)


def has_ordered(order_id: int) -> None:
    """Notes that the cart has become this order. The cart is kept until the order is paid."""
    session["ordered"] = order_id


def has_paid(order_id: int) -> None:
    """Empties the cart and begins another purchase, if this is the order that was made of the cart."""
    if session.get("ordered") == order_id:
        cart.empty()
        renew_checkout()
