"""The webhooks that were sent, with their tries, and the page that sends others."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from simulator import sending
from simulator.catalogue import EVENTS, SEQUENCES
from simulator.context import simulation
from simulator.delivery import steps
from simulator.models import MODELS
from simulator.panel import MOST_ROWS
from simulator.reading import from_form
from simulator.records import ARRANGEMENTS

webhook_pages = Blueprint("webhook_pages", __name__)

ROWS = 6  # of the form
PLAYS: Mapping[str, Mapping[str, Any]] = {  # how a ready-made sequence is played
    "in order": {},
    "reversed": {"arrangement": "reversed"},
    "each twice": {"times": 2},
}


@webhook_pages.get("/deliveries")
def deliveries() -> str:
    """All webhooks, newest first, with their four tries."""
    sim = simulation()
    return render_template(
        "deliveries.html",
        deliveries=[(row, steps(row, sim.settings.clock_speed)) for row in sim.outbox.latest()[:MOST_ROWS]],
        held=sim.outbox.counts()["held"],
        clock_speed=sim.settings.clock_speed,
    )


@webhook_pages.post("/deliveries/release")
def release() -> Response:
    """The button "Send what is held"."""
    simulation().release()
    return redirect(url_for(".deliveries"), 303)


@webhook_pages.post("/deliveries/<int:delivery_id>/try")
def try_now(delivery_id: int) -> Response:
    """The button "Try now"; a second click changes nothing."""
    simulation().courier.try_now(delivery_id)
    return _back(delivery_id)


@webhook_pages.post("/deliveries/<int:delivery_id>/again")
def send_again(delivery_id: int) -> Response:
    """The button "Send again": the same body, as a webhook of its own."""
    sending.send_again(simulation(), delivery_id)
    return _back(delivery_id)


def _back(delivery_id: int) -> Response:
    """To the page that the button is on: the webhook's order, or the list."""
    delivery = simulation().outbox.find(delivery_id)
    if delivery is None:
        abort(404, "There is no such webhook.")
    if request.form.get("from") == "order" and delivery.order_id:
        return redirect(url_for("order_pages.order", order_id=delivery.order_id, _anchor="webhooks"), 303)
    return redirect(url_for(".deliveries"), 303)


@webhook_pages.get("/send")
def send_form() -> str:
    """The form. `?order_id=` fills that field in."""
    return _form(request.args.to_dict(), {})


@webhook_pages.post("/send")
def send() -> Response | tuple[str, int]:
    """Sends the rows of the form that name an event, or a ready-made sequence: `card:reversed`."""
    try:
        sent = sending.send_wish(simulation(), _wish(request.form.to_dict()))
    except sending.BadWish as bad:
        return _form(request.form.to_dict(), bad.errors), 422
    return redirect(url_for(".send_form", sent=len(sent), order_id=request.form.get("order_id")), 303)


def _wish(form: dict[str, str]) -> dict[str, Any]:
    """What the form says, as `sending.send_wish` reads it."""
    fields = from_form(form)
    wish: dict[str, Any] = {
        name: fields[name] for name in ("order_id", "model", "arrangement", "delay", "pause") if name in fields
    }
    if "sequence" in fields:
        name, _, play = str(fields["sequence"]).partition(":")
        return {**wish, "sequence": name, **PLAYS.get(play, {})}
    numbers = [number for number in range(1, ROWS + 1) if f"event{number}" in fields]
    rows = [{"event": form[f"event{n}"].strip(), "times": fields.get(f"times{n}", 1)} for n in numbers]
    return {**wish, "events": rows}


def _form(values: dict[str, str], errors: dict[str, str]) -> str:
    sim = simulation()
    return render_template(
        "send.html",
        values=values,
        errors=errors,
        rows=range(1, ROWS + 1),
        events=EVENTS,
        models=MODELS,
        model=sim.state.switches.webhook_model,
        arrangements=ARRANGEMENTS,
        sequences=SEQUENCES,
        plays=PLAYS,
        orders=sim.state.latest_orders()[:50],
    )
