"""Orders and what a shopper, a bank or the clock can do to them."""

from base64 import b64decode

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from simulator import boleto, events
from simulator.catalogue import CUSTOMER, EVENTS, find
from simulator.context import simulation
from simulator.delivery import steps
from simulator.models import MODELS
from simulator.orders import PENDING_METHODS, Order
from simulator.panel import MOST_ROWS, reais
from simulator.records import Plan

order_pages = Blueprint("order_pages", __name__)


@order_pages.get("/orders")
def orders() -> str:
    return render_template("orders.html", orders=simulation().state.latest_orders()[:MOST_ROWS])


@order_pages.get("/orders/<int:order_id>")
def order(order_id: int) -> str:
    """One order: its payments, its webhooks, and all that can be done to it."""
    sim, found = simulation(), _order(order_id)
    return render_template(
        "order.html",
        order=found,
        deliveries=[(row, steps(row, sim.settings.clock_speed)) for row in sim.outbox.latest(order_id)],
        events=[event for event in EVENTS if event.about != CUSTOMER],
        models=MODELS,
        model=sim.state.switches.webhook_model,
    )


@order_pages.post("/orders/<int:order_id>/pay")
def pay(order_id: int) -> Response:
    """The buttons "Pay this ..."; a second click changes nothing."""
    events.pay(simulation(), order_id, _method())
    return _back(order_id)


@order_pages.post("/orders/<int:order_id>/expire")
def expire(order_id: int) -> Response:
    """The buttons "Let it ..."; a second click changes nothing."""
    events.expire(simulation(), order_id, _method())
    return _back(order_id)


@order_pages.post("/orders/<int:order_id>/refund")
def refund(order_id: int) -> Response:
    """The button "Refund ..."; a second click changes nothing."""
    events.refund(simulation(), order_id)
    return _back(order_id)


@order_pages.post("/orders/<int:order_id>/events")
def send_event(order_id: int) -> Response:
    """The buttons of the events: a claim, which leaves the order as it is."""
    sim, name, model = simulation(), request.form.get("event", ""), request.form.get("model", "")
    _order(order_id)
    if find(name) not in EVENTS or model not in ("", *MODELS):
        abort(422, "There is no such event, or no such model.")
    events.send(sim, [events.event_body(sim, name, order_id, model)], Plan())
    return redirect(url_for(".order", order_id=order_id, _anchor="webhooks"), 303)


@order_pages.get("/boletos/<int:order_id>.pdf")
def boleto_pdf(order_id: int) -> Response:
    order = simulation().state.order(order_id)
    if order is None or not order.boleto_digitable_line:
        abort(404, "There is no such boleto.")
    lines = [
        "This is a simulator of Appmax. No real money moves here.",
        "Boleto de mentira: nenhum banco o recebe.",
        f"Order {order.id}, {reais(order.total)}, due {order.boleto_due_date}",
        order.boleto_digitable_line,
    ]
    response = make_response(boleto.pdf(lines))
    response.content_type = "application/pdf"
    return response


@order_pages.get("/pix/<int:order_id>.png")
def pix_png(order_id: int) -> Response:
    order = simulation().state.order(order_id)
    if order is None or not order.pix_qr_code:
        abort(404, "There is no such Pix.")
    response = make_response(b64decode(order.pix_qr_code))
    response.content_type = "image/png"
    return response


def _order(order_id: int) -> Order:
    order = simulation().state.order(order_id)
    if order is None:
        abort(404, "There is no such order.")
    return order


def _method() -> str:
    method = request.form.get("method", "")
    if method not in ("", *PENDING_METHODS):
        abort(422, "Only a Pix or a boleto can be paid here.")
    return method


def _back(order_id: int) -> Response:
    """To the page that the button is on: the order's, or the list."""
    if request.form.get("from") == "order":
        return redirect(url_for(".order", order_id=order_id), 303)
    return redirect(url_for(".orders", _anchor=str(order_id)), 303)
