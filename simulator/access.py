"""Who asks, and what is theirs."""

from typing import Any

from flask import request

from simulator.context import simulation
from simulator.orders import Order
from simulator.reading import is_whole, refuse
from simulator.state import APP

EXTERNAL_ID = "external-id"  # the header by which Appmax's script says which store's page it runs in
NO_SUCH_STORE: tuple[int, dict[str, Any]] = (404, {"message": "Merchant not found"})
NO_SUCH_ORDER: tuple[int, dict[str, Any]] = (404, {"errors": {"message": "Order not found"}})


def require_app() -> None:
    """Ends the request unless it is the app that asks."""
    if _owner() != APP:
        refuse(403, {"message": "This token is a merchant's; the app's is needed."})


def require_merchant() -> str:
    """The external_key of the merchant who asks."""
    owner = _owner()
    if owner == APP:
        refuse(403, {"message": "This token is the app's; a merchant's is needed."})
    _stay_within_limits(owner)
    return owner


def require_store() -> str:
    """The merchant whose store the header names by its external_id."""
    merchant = simulation().state.store_of(request.headers.get(EXTERNAL_ID, ""))
    if merchant is None:
        refuse(*NO_SUCH_STORE)
    return merchant


def _stay_within_limits(merchant: str) -> None:
    """Ends the request with 429 if the merchant asks too often while the limits are switched on."""
    sim = simulation()
    if not sim.state.switches.rate_limits:
        return
    route = request.url_rule.rule if request.url_rule else request.path
    seconds = sim.limits.seconds_to_wait(merchant, f"{request.method} {route}")
    if seconds:
        body = {"message": "Too many requests", "retryAfter": f"{seconds} seconds"}
        refuse(429, body, headers={"Retry-After": str(seconds)})


def require_order(merchant: str, order_id: Any, *, otherwise: tuple[int, dict[str, Any]] = NO_SUCH_ORDER) -> Order:
    """The merchant's order of this id. Without one, `otherwise` (a status and a body) is answered."""
    order = simulation().state.order(order_id) if is_whole(order_id) else None
    if order is None or order.external_key != merchant:
        refuse(*otherwise)
    return order


def _owner() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    owner = simulation().state.owner_of(value) if scheme.lower() == "bearer" else None
    if owner is None:
        refuse(401, {"message": "Unauthenticated."})
    return owner
