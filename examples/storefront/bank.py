"""The shopper's bank, where Appmax is simulated: the simulator's API over HTTP. A real shop has no such file."""

from typing import Any

import requests
from flask import current_app

TIMEOUT_SECONDS = 5


class Away(Exception):
    """No simulator is named, or none answers there."""


def newest_merchant() -> str | None:
    """The external_key that was installed last; None if the simulator knows none. Raises Away."""
    _, installations = _ask("GET", "installations")
    return next((str(each["external_key"]) for each in installations if each["installed"]), None)


def pending(order_id: int) -> list[str] | None:
    """What of the order waits to be paid, pix or boleto; None if the simulator doesn't know the order. Raises Away."""
    is_known, order = _ask("GET", f"orders/{order_id}")
    return list(order["pending"]) if is_known else None


def settle(order_id: int, action: str, method: str) -> bool:
    """Pays the order's Pix or boleto, or lets it expire. False if nothing of the kind is pending. Raises Away.

    `action`: pay or expire; `method`: pix or boleto. The product learns of it by webhook alone.
    """
    is_done, _ = _ask("POST", f"orders/{order_id}/{action}", {"method": method})
    return is_done


def _ask(method: str, path: str, body: dict[str, Any] | None = None) -> tuple[bool, Any]:
    """Whether it was answered with success, and the answer's JSON."""
    origin = current_app.config["SIMULATOR_URL"]
    if not origin:
        raise Away
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of this machine doesn't lead to the simulator beside us
            answer = session.request(method, f"{origin}/simulator/api/{path}", json=body, timeout=TIMEOUT_SECONDS)
            return answer.ok, answer.json()
    except requests.RequestException as error:
        raise Away from error
