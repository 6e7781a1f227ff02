"""The simulator's own JSON API, for tests and scripts: what a shopper, a bank or bad luck would do."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from appmax.simulator import events
from appmax.simulator.api import simulated
from appmax.simulator.state import Fault, Order

control = Blueprint("control", __name__, url_prefix="/simulator/api")


def order_or_404(order_id: int) -> Order:
    """Any merchant's order."""
    order = simulated()[1].orders.get(order_id)
    if order is None:
        abort(404)
    return order


@control.get("/health")
def health() -> Response:
    """The simulator is up."""
    return jsonify(status="ok")


@control.get("/orders")
def orders() -> Response:
    """All orders."""
    return jsonify([asdict(order) for order in simulated()[1].orders.values()])


@control.post("/orders/<int:order_id>/pay")
def pay(order_id: int) -> Response:
    """The shopper pays the order's Pix."""
    settings, _, courier = simulated()
    order = order_or_404(order_id)
    if not order.has_pending_pix:
        abort(409)
    events.pix_paid(settings, courier, order)
    return jsonify(asdict(order))


@control.post("/orders/<int:order_id>/expire")
def expire(order_id: int) -> Response:
    """Nobody pays the order's Pix."""
    settings, _, courier = simulated()
    order = order_or_404(order_id)
    if not order.has_pending_pix:
        abort(409)
    events.pix_expired(settings, courier, order)
    return jsonify(asdict(order))


@control.get("/deliveries")
def deliveries() -> Response:
    """All webhooks with their tries."""
    return jsonify([asdict(delivery) for delivery in simulated()[1].deliveries])


@control.post("/events")
def send_event() -> tuple[Response, int]:
    """`{"event", "order_id", "times": 1}` as an app-store webhook, or `{"body": {...}, "times": 1}` as it stands."""
    settings, state, courier = simulated()
    wish: dict[str, Any] = request.get_json()
    body = wish.get("body")
    if body is None:
        order = state.orders.get(wish["order_id"])
        external_key = order.external_key if order else ""
        body = events.envelope(settings, wish["event"], external_key, {"order_id": wish["order_id"]})
    sent = courier.send(*[body] * int(wish.get("times", 1)))
    return jsonify([delivery.id for delivery in sent]), 202


@control.post("/faults")
def add_fault() -> tuple[Response, int]:
    """A `Fault` as JSON: `{"path": "/v1/payments/pix", "status": 504, "work": true}`."""
    state = simulated()[1]
    fault = Fault(**request.get_json())
    with state.lock:
        state.faults.append(fault)
    return jsonify(asdict(fault)), 201


@control.post("/tokens/revoke")
def revoke() -> Response:
    """All access tokens end now."""
    simulated()[1].revoke_tokens()
    return jsonify(status="ok")
