"""The page on which everything is switched: answers, cards, limits, the sending of webhooks, failures."""

from dataclasses import asdict

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from simulator import failures, faults, switches
from simulator.context import simulation
from simulator.reading import from_form

switch_pages = Blueprint("switch_pages", __name__)


@switch_pages.get("/switches")
def show() -> str:
    """All switches, and the failures that wait for their calls."""
    return _page(asdict(simulation().state.switches), {})


@switch_pages.post("/switches")
def change() -> Response | tuple[str, int]:
    """Sets the switches that the form names."""
    sim, wish = simulation(), from_form(request.form)
    if errors := switches.errors(wish):
        return _page(asdict(sim.state.switches) | request.form.to_dict(), errors), 422
    sim.switch(wish)
    return redirect(url_for(".show", saved=1), 303)


@switch_pages.post("/faults")
def switch_on() -> Response:
    """The failure strikes the next calls of the route, or of each route if none is named."""
    wish = {"route": "", **from_form(request.form)}
    wish["failure"] = request.form.get("failure", "")  # a name such as 401 is a text
    try:
        added = faults.read_named(wish)
    except ValueError as error:
        abort(422, str(error))
    for fault in added:
        simulation().state.add_fault(fault)
    return redirect(url_for(".show", _anchor="failures"), 303)


@switch_pages.post("/faults/clear")
def clear() -> Response:
    simulation().state.clear_faults()
    return redirect(url_for(".show", _anchor="failures"), 303)


@switch_pages.post("/faults/<int:fault_id>/remove")
def remove(fault_id: int) -> Response:
    """Switches one failure off. A second click changes nothing."""
    simulation().state.remove_fault(fault_id)
    return redirect(url_for(".show", _anchor="failures"), 303)


@switch_pages.post("/tokens/revoke")
def revoke() -> Response:
    """Ends all access tokens."""
    simulation().state.revoke_tokens()
    return redirect(url_for(".show", saved=1), 303)


def _page(values: dict[str, object], errors: dict[str, str]) -> str:
    sim = simulation()
    return render_template(
        "switches.html",
        values=values,
        errors=errors,
        saved="saved" in request.args,
        choices=switches.CHOICES,
        held=sim.outbox.counts()["held"],
        routes=failures.ROUTES,
        groups=failures.GROUPS,
        shapes=failures.ERROR_SHAPES,
        faults=sim.state.waiting_faults(),
    )
