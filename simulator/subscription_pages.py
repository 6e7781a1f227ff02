"""Subscriptions, and the clock that can be moved on to the next charge of each, for people and for scripts."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Page

from simulator import events
from simulator.context import simulation
from simulator.panel import MOST_ROWS
from simulator.reading import json_body, refuse_fields
from simulator.subscriptions import FAILED, Subscription

subscription_pages = Blueprint("subscription_pages", __name__)
API = "/simulator/api/subscriptions"


@subscription_pages.get("/subscriptions")
def subscriptions() -> str:
    """All subscriptions, newest first."""
    state = simulation().state
    return render_template(
        "subscriptions.html",
        subscriptions=state.latest_subscriptions()[:MOST_ROWS],
        declines=state.switches.renewals == FAILED,
    )


@subscription_pages.post("/subscriptions/<int:subscription_id>/renew")
def renew(subscription_id: int) -> Page:
    """The button that moves the clock."""
    _renewed(subscription_id, declined=request.form.get("outcome") == FAILED)
    return redirect(url_for(".subscriptions", _anchor=str(subscription_id)), 303)


@subscription_pages.get(API)
def subscriptions_json() -> Response:
    """All subscriptions, newest first."""
    return jsonify([_shown(row) for row in simulation().state.latest_subscriptions()])


@subscription_pages.post(f"{API}/<int:subscription_id>/renew")
def renew_json(subscription_id: int) -> Response:
    """Move the clock on to the next charge: `{"declined": true}`; unless it says so, as the switch has it. 409 if there
    is no next charge."""
    declined = json_body().get("declined", simulation().state.switches.renewals == FAILED)
    if not isinstance(declined, bool):
        refuse_fields({"declined": "True or false."})
    return jsonify(_shown(_renewed(subscription_id, declined=declined)))


def _renewed(subscription_id: int, *, declined: bool) -> Subscription:
    if simulation().state.subscription(subscription_id) is None:
        abort(404, "There is no such subscription.")
    renewed = events.renew(simulation(), subscription_id, declined=declined)
    if renewed is None:
        abort(409, "It is paused or cancelled, or all its cycles are paid: there is no next charge.")
    return renewed


def _shown(subscription: Subscription) -> dict[str, Any]:
    return {**asdict(subscription), "total": subscription.terms.total}
