"""The simulator's own JSON API, for tests and scripts: what a shopper, a bank or bad luck would do."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from simulator import callback, events, faults, sending, switches
from simulator.api import is_web_address
from simulator.context import simulation
from simulator.orders import PENDING_METHODS, Order
from simulator.reading import is_whole, json_body, refuse, refuse_fields
from simulator.records import Fault

control = Blueprint("control", __name__, url_prefix="/simulator/api")


@control.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@control.post("/reset")
def reset() -> Response:
    """Forgets everything, as a restart does."""
    simulation().reset()
    return jsonify(status="ok")


@control.post("/tokens/revoke")
def revoke() -> Response:
    """Ends all access tokens."""
    simulation().state.revoke_tokens()
    return jsonify(status="ok")


@control.get("/settings")
def settings() -> Response:
    return jsonify(asdict(simulation().state.switches))


@control.post("/settings")
def change_settings() -> Response:
    """Sets the switches of the body, as in `{"webhook_model": "standard", "cards": "declined"}`, and answers all."""
    wish = json_body()
    refuse_fields(switches.errors(wish))
    simulation().switch(wish)
    return settings()


@control.post("/probe")
def probe() -> Response:
    """Posts to the `url` what Appmax's form does. Only exactly 200 within 5 s passes."""
    url = json_body().get("url")
    if not isinstance(url, str) or not is_web_address(url):
        refuse_fields({"url": "An http or https address."})
    result = callback.probe(str(url))
    return jsonify({**asdict(result), "passed": result.passed})


@control.get("/log")
def api_log() -> Response:
    """The newest calls of Appmax's API, newest first. `?route=/v1/orders&order_id=5` picks some."""
    text = request.args.get("order_id", "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        refuse_fields({"order_id": "An integer."})
    calls = simulation().log.latest(request.args.get("route", ""), int(text) if text else None)
    return jsonify([asdict(call) for call in calls])


@control.get("/installations")
def installations() -> Response:
    """All installations begun, newest first: `external_key`, and `installed` once the app may have its credentials."""
    rows = simulation().state.latest_authorizations()
    return jsonify([{"external_key": row.external_key, "installed": row.saved or row.generated} for row in rows])


# --- orders and webhooks ---------------------------------------------------------------------------------------------


@control.get("/orders")
def orders() -> Response:
    """All orders, newest first."""
    return jsonify([_shown(order) for order in simulation().state.latest_orders()])


@control.get("/orders/<int:order_id>")
def order(order_id: int) -> Response:
    return jsonify(_shown(simulation().state.order(order_id) or abort(404, "order not found")))


@control.post("/orders/<int:order_id>/pay")
def pay(order_id: int) -> Response:
    """Pays the order's Pix or boleto, as the shopper. `{"method": "boleto"}` says which, if both are pending."""
    return _changed(order_id, events.pay(simulation(), order_id, _method()), "the order has no pending Pix or boleto")


@control.post("/orders/<int:order_id>/expire")
def expire(order_id: int) -> Response:
    """Ends the order's Pix or boleto unpaid. `{"method": "boleto"}` says which, if both are pending."""
    order = events.expire(simulation(), order_id, _method())
    return _changed(order_id, order, "the order has no pending Pix or boleto")


@control.post("/orders/<int:order_id>/refund")
def refund(order_id: int) -> Response:
    """Gives back all that is left, or `{"value": cents}`."""
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
    """The order as JSON. `charges` is how many payments took or reserved money: more than one is a double charge."""
    return {**asdict(order), "total": order.total, "pending": order.pending, "charges": len(order.charges)}


@control.get("/deliveries")
def deliveries() -> Response:
    """All webhooks with their tries, newest first."""
    return jsonify([asdict(delivery) for delivery in simulation().outbox.latest()])


@control.post("/deliveries/release")
def release() -> Response:
    return jsonify(released=simulation().release())


@control.post("/deliveries/<int:delivery_id>/try")
def try_now(delivery_id: int) -> Response:
    """Posts a webhook that waits for its next try now."""
    _require_delivery(delivery_id)
    if not simulation().courier.try_now(delivery_id):
        abort(409, "the webhook doesn't wait for its next try")
    return jsonify(status="ok")


@control.post("/deliveries/<int:delivery_id>/again")
def send_again(delivery_id: int) -> tuple[Response, int]:
    """Posts the same body at once, as a webhook of its own."""
    _require_delivery(delivery_id)
    return jsonify([delivery.id for delivery in sending.send_again(simulation(), delivery_id)]), 202


def _require_delivery(delivery_id: int) -> None:
    if simulation().outbox.find(delivery_id) is None:
        abort(404, "webhook not found")


@control.post("/events")
def send_event() -> tuple[Response, int]:
    """Sends webhooks: `{"event", "order_id", "times": 1}`, and all else that `sending.send_wish` reads.

    The order's status stays as it is: a webhook is a claim, and may be wrong.
    """
    try:
        sent = sending.send_wish(simulation(), json_body())
    except sending.BadWish as bad:
        refuse_fields(bad.errors)
        raise
    return jsonify([delivery.id for delivery in sent]), 202


# --- faults ----------------------------------------------------------------------------------------------------------


@control.get("/faults")
def list_faults() -> Response:
    return jsonify([_fault(fault) for fault in simulation().state.waiting_faults()])


@control.post("/faults")
def add_fault() -> tuple[Response, int]:
    """A `Fault` as JSON: `{"path": "/v1/payments/pix", "status": 504, "work": true}`; `"times": 0` until it is removed.

    Or one by name, which answers a list: `{"failure": "401", "route": "", "times": 1, "shape": "message"}`.
    """
    wish = json_body()
    try:
        added = faults.read_named(wish) if "failure" in wish else [faults.read_fault(wish)]
    except ValueError as error:
        refuse(422, {"message": str(error)})
    for fault in added:
        simulation().state.add_fault(fault)
    shown = [_fault(fault) for fault in added]
    return jsonify(shown if "failure" in wish else shown[0]), 201


def _fault(fault: Fault) -> dict[str, Any]:
    return {name: value for name, value in asdict(fault).items() if name != "meanwhile"}


@control.delete("/faults")
def clear_faults() -> Response:
    simulation().state.clear_faults()
    return jsonify(status="ok")


@control.delete("/faults/<int:fault_id>")
def remove_fault(fault_id: int) -> Response:
    if not simulation().state.remove_fault(fault_id):
        abort(404, "fault not found")
    return jsonify(status="ok")
