"""The simulator's own JSON API, for tests and scripts: what a shopper, a bank or bad luck would do."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify

from appmax.simulator import events, faults
from appmax.simulator.answers import SHAPES
from appmax.simulator.context import simulation
from appmax.simulator.orders import PENDING_METHODS, Order
from appmax.simulator.reading import is_whole, json_body, refuse, refuse_fields

control = Blueprint("control", __name__, url_prefix="/simulator/api")

MOST_TIMES = 1000


@control.get("/health")
def health() -> Response:
    """The simulator is up."""
    return jsonify(status="ok")


@control.post("/reset")
def reset() -> Response:
    """As after a restart: nothing is known, and nothing waits to be sent."""
    simulation().courier.cancel()
    simulation().state.reset()
    return jsonify(status="ok")


@control.post("/tokens/revoke")
def revoke() -> Response:
    """All access tokens end now."""
    simulation().state.revoke_tokens()
    return jsonify(status="ok")


@control.post("/shape")
def set_shape() -> Response:
    """`{"shape": "newer"}`: the other shape in which payments are answered was seen too; "classic" is the first."""
    shape = json_body().get("shape")
    if shape not in SHAPES:
        refuse_fields({"shape": f"One of {', '.join(SHAPES)}."})
    simulation().state.shape = str(shape)
    return jsonify(shape=shape)


# --- orders and webhooks ---------------------------------------------------------------------------------------------


@control.get("/orders")
def orders() -> Response:
    """All orders, newest first."""
    return jsonify([_shown(order) for order in simulation().state.latest_orders()])


@control.post("/orders/<int:order_id>/pay")
def pay(order_id: int) -> Response:
    """The shopper pays the order's Pix or boleto. 409 if none is pending. `{"method": "boleto"}` if both are."""
    return _changed(order_id, events.pay(simulation(), order_id, _method()), "the order has no pending Pix or boleto")


@control.post("/orders/<int:order_id>/expire")
def expire(order_id: int) -> Response:
    """Nobody pays the order's Pix or boleto. 409 if none is pending. `{"method": "boleto"}` if both are."""
    order = events.expire(simulation(), order_id, _method())
    return _changed(order_id, order, "the order has no pending Pix or boleto")


@control.post("/orders/<int:order_id>/refund")
def refund(order_id: int) -> Response:
    """All that is left is given back, or `{"value": cents}`. 409 if that much isn't left, or nothing at all."""
    value = json_body().get("value")
    if value is not None and not (is_whole(value) and value > 0):
        refuse_fields({"value": "A positive integer of cents."})
    return _changed(order_id, events.refund(simulation(), order_id, value), "that much can't be refunded")


def _method() -> str:
    method = json_body().get("method", "")
    if method not in ("", *PENDING_METHODS):
        refuse_fields({"method": f"One of {', '.join(PENDING_METHODS)}."})
    return str(method)


def _changed(order_id: int, order: Order | None, otherwise: str) -> Response:
    if order is None:
        if simulation().state.order(order_id) is None:
            abort(404, "order not found")
        abort(409, otherwise)
    return jsonify(_shown(order))


def _shown(order: Order) -> dict[str, Any]:
    """`charges`: how often money was taken or reserved."""
    return {**asdict(order), "total": order.total, "pending": order.pending, "charges": len(order.charges)}


@control.get("/deliveries")
def deliveries() -> Response:
    """All webhooks with their tries, newest first."""
    return jsonify([asdict(delivery) for delivery in simulation().state.latest_deliveries()])


@control.post("/events")
def send_event() -> tuple[Response, int]:
    """`{"event", "order_id", "times": 1}` as an app-store webhook, or `{"body", "times": 1}` as it stands.

    The order's status stays as it is: a webhook is a claim, and may be wrong.
    """
    sim, wish = simulation(), json_body()
    times, body = wish.get("times", 1), wish.get("body")
    if not (is_whole(times) and 1 <= times <= MOST_TIMES):
        refuse_fields({"times": f"An integer from 1 to {MOST_TIMES}."})
    if body is not None and not isinstance(body, dict):
        refuse_fields({"body": "A JSON object."})
    if body is None:
        event, order_id = wish.get("event"), wish.get("order_id")
        if not isinstance(event, str) or not event:
            refuse_fields({"event": "The event's name is required, or a body."})
        order = sim.state.order(order_id) if is_whole(order_id) else None
        if order is not None:
            body = events.order_event(sim, str(event), order)
        else:
            body = events.envelope(sim.settings.app_id_numeric, str(event), "", {"order_id": order_id})
    sent = sim.courier.send(*[body] * times)
    return jsonify([delivery.id for delivery in sent]), 202


# --- faults ----------------------------------------------------------------------------------------------------------


@control.get("/faults")
def list_faults() -> Response:
    """Those still waiting for their calls."""
    return jsonify([asdict(fault) for fault in simulation().state.waiting_faults()])


@control.post("/faults")
def add_fault() -> tuple[Response, int]:
    """A `Fault` as JSON: `{"path": "/v1/payments/pix", "status": 504, "work": true}`."""
    try:
        fault = faults.read_fault(json_body())
    except ValueError as error:
        refuse(422, {"message": str(error)})
    simulation().state.add_fault(fault)
    return jsonify(asdict(fault)), 201


@control.delete("/faults")
def clear_faults() -> Response:
    """Everything works again."""
    simulation().state.clear_faults()
    return jsonify(status="ok")
