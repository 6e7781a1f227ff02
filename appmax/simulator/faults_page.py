"""The page that switches common failures on, for those who test by hand."""

from dataclasses import replace

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appmax.simulator.context import simulation
from appmax.simulator.records import Fault

faults_page = Blueprint("faults_page", __name__)

ROUTES = (
    "/v1/payments/credit-card",
    "/v1/payments/pix",
    "/v1/payments/boleto",
    "/v1/payments/tokenize",
    "/v1/payments/installments",
    "/v1/orders/upsell",
    "/v1/orders/refund-request",
)

_TIMEOUT = {"message": "Gateway Timeout"}
_SLOW_DOWN = {"message": "Too many requests", "retryAfter": "2 seconds"}

FAILURES = {
    "504 after charging": Fault("", "POST", status=504, body=_TIMEOUT, work=True),
    "504 before charging": Fault("", "POST", status=504, body=_TIMEOUT),
    "hang 40 s after charging": Fault("", "POST", hang=40, work=True),
    "connection reset after charging": Fault("", "POST", reset=True, work=True),
    "429 with Retry-After: 2": Fault("", "POST", status=429, body=_SLOW_DOWN, headers={"Retry-After": "2"}),
    "401": Fault("", "POST", status=401, body={"message": "Unauthenticated."}),
}


@faults_page.get("/faults")
def show() -> str:
    """What is switched on, and the form."""
    waiting = simulation().state.waiting_faults()
    return render_template("faults.html", routes=ROUTES, failures=FAILURES, faults=waiting)


@faults_page.post("/faults")
def switch_on() -> Response:
    """The failure strikes the next call of the route, or of each route if none is named."""
    route, failure = request.form.get("route", ""), FAILURES.get(request.form.get("failure", ""))
    if failure is None or route not in ("", *ROUTES):
        abort(422, "There is no such failure, or no such route.")
    for path in [route] if route else ROUTES:
        simulation().state.add_fault(replace(failure, path=path))
    return redirect(url_for("faults_page.show"), 303)


@faults_page.post("/faults/clear")
def clear() -> Response:
    """Everything works again."""
    simulation().state.clear_faults()
    return redirect(url_for("faults_page.show"), 303)
