"""Appmax's admin panel, as far as a merchant sees it, and the simulator's own pages."""

from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appmax.simulator import events
from appmax.simulator.api import is_web_address
from appmax.simulator.callback import health_check
from appmax.simulator.context import simulation
from appmax.simulator.records import Authorization

panel = Blueprint("panel", __name__)

MOST_ROWS = 200  # on one page


@panel.app_template_filter("reais")
def reais(cents: int) -> str:
    """12345 → R$ 123,45, and a point for each thousand."""
    return f"R$ {cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"


@panel.app_template_filter("clock")
def clock(moment: str) -> str:
    """The date and the time of an ISO moment, to the second."""
    return moment[:19].replace("T", " ")


@panel.get("/")
def index() -> str:
    """What this is."""
    sim = simulation()
    counts, webhook_url = sim.state.counts(), sim.state.webhook_url
    return render_template("index.html", settings=sim.settings, webhook_url=webhook_url, counts=counts)


# --- the merchant's pages --------------------------------------------------------------------------------------------


@panel.get("/appstore/integration/<token>")
def integration(token: str) -> str:
    """Where the merchant authorises the app."""
    return render_template("integration.html", authorization=_authorization(token), failure=None)


@panel.post("/appstore/integration/<token>")
def save(token: str) -> str | Response | tuple[str, int]:
    """ "Salvar": posts the health check to the callback, then sends the browser back."""
    sim, authorization = simulation(), _authorization(token)
    check = health_check(sim, authorization)
    if not check.passed:
        return render_template("integration.html", authorization=authorization, failure=check), 502
    sim.state.mark_saved(token)
    separator = "&" if "?" in authorization.callback_url else "?"
    return redirect(f"{authorization.callback_url}{separator}{urlencode({'token': token})}")


def _authorization(token: str) -> Authorization:
    authorization = simulation().state.authorization(token)
    if authorization is None:
        abort(404, "Instalação não encontrada: comece de novo a partir do aplicativo.")
    return authorization


@panel.get("/v2/apphook")
def apphook() -> str:
    """Where the webhook URL is registered."""
    saved = "saved" in request.args
    return render_template("apphook.html", webhook_url=simulation().state.webhook_url, saved=saved, failure="")


@panel.post("/v2/apphook")
def register_webhook() -> Response | tuple[str, int]:
    """Takes another webhook URL; deliveries that are under way keep theirs."""
    url = request.form.get("url", "").strip()
    if not is_web_address(url):
        failure = "This is not an http or https address."
        return render_template("apphook.html", webhook_url=url, saved=False, failure=failure), 422
    simulation().state.webhook_url = url
    return redirect(url_for("panel.apphook", saved=1), 303)


# --- the simulator's pages -------------------------------------------------------------------------------------------


@panel.get("/installations")
def installations() -> str:
    """All installations begun, newest first, with their health checks."""
    rows = simulation().state.latest_authorizations()[:MOST_ROWS]
    return render_template("installations.html", authorizations=rows)


@panel.get("/orders")
def orders() -> str:
    """All orders, with what a shopper or the clock can do to them."""
    return render_template("orders.html", orders=simulation().state.latest_orders()[:MOST_ROWS])


@panel.post("/orders/<int:order_id>/pay")
def pay(order_id: int) -> Response:
    """The button "Pay this Pix"; a second click changes nothing."""
    events.pay_pix(simulation(), order_id)
    return redirect(url_for("panel.orders"), 303)


@panel.post("/orders/<int:order_id>/expire")
def expire(order_id: int) -> Response:
    """The button "Let it expire"; a second click changes nothing."""
    events.expire_pix(simulation(), order_id)
    return redirect(url_for("panel.orders"), 303)


@panel.get("/deliveries")
def deliveries() -> str:
    """All webhooks, newest first, with each try."""
    return render_template("deliveries.html", deliveries=simulation().state.latest_deliveries()[:MOST_ROWS])
