"""Appmax's admin panel, as far as a merchant sees it, and the simulator's own pages."""

from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appmax.simulator import events
from appmax.simulator.api import health_check, simulated
from appmax.simulator.control import order_or_404

panel = Blueprint("panel", __name__)


@panel.get("/")
def index() -> str:
    """What this is."""
    settings, state, _ = simulated()
    return render_template("index.html", settings=settings, state=state)


@panel.get("/appstore/integration/<token>")
def integration(token: str) -> str:
    """Where the merchant authorises the app."""
    authorization = simulated()[1].authorizations.get(token)
    if authorization is None:
        abort(404)
    return render_template("integration.html", authorization=authorization)


@panel.post("/appstore/integration/<token>")
def save(token: str) -> str | Response | tuple[str, int]:
    """ "Salvar": posts the health check to the callback, then sends the browser back."""
    authorization = simulated()[1].authorizations.get(token)
    if authorization is None:
        abort(404)
    status, body = health_check(authorization)
    if status != 200:
        return render_template("integration.html", authorization=authorization, failure=(status, body)), 502
    authorization.saved = True
    return redirect(f"{authorization.callback_url}?{urlencode({'token': token})}")


@panel.get("/orders")
def orders() -> str:
    """All orders, with what a shopper or the clock can do to them."""
    newest_first = sorted(simulated()[1].orders.values(), key=lambda order: -order.id)
    return render_template("orders.html", orders=newest_first)


@panel.post("/orders/<int:order_id>/<any(pay, expire):what>")
def act(order_id: int, what: str) -> Response:
    """The buttons of the orders page."""
    settings, _, courier = simulated()
    order = order_or_404(order_id)
    if order.has_pending_pix:
        (events.pix_paid if what == "pay" else events.pix_expired)(settings, courier, order)
    return redirect(url_for("panel.orders"))


@panel.get("/deliveries")
def deliveries() -> str:
    """All webhooks, newest first, with each try."""
    return render_template("deliveries.html", deliveries=simulated()[1].deliveries[::-1][:200])


@panel.route("/v2/apphook", methods=["GET", "POST"])
def apphook() -> str | Response:
    """Where the webhook URL is registered."""
    _, state, _ = simulated()
    if request.method == "POST":
        state.webhook_url = request.form["url"].strip()
        return redirect(url_for("panel.apphook"))
    return render_template("apphook.html", state=state)
