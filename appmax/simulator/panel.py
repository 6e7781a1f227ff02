"""Appmax's admin panel, as far as a merchant sees it, and the simulator's own pages."""

from urllib.parse import urlencode

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appmax.simulator import boleto, events
from appmax.simulator.api import is_web_address
from appmax.simulator.callback import health_check
from appmax.simulator.cards import ANY_OTHER, OUTCOMES
from appmax.simulator.context import simulation
from appmax.simulator.orders import PENDING_METHODS
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
    return render_template(
        "index.html",
        settings=sim.settings,
        webhook_url=sim.state.webhook_url,
        shape=sim.state.shape,
        counts=sim.state.counts(),
        cards=OUTCOMES,
        any_other_card=ANY_OTHER,
    )


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
    """The buttons "Pay this ..."; a second click changes nothing."""
    events.pay(simulation(), order_id, _method())
    return redirect(url_for("panel.orders"), 303)


@panel.post("/orders/<int:order_id>/expire")
def expire(order_id: int) -> Response:
    """The buttons "Let it ..."; a second click changes nothing."""
    events.expire(simulation(), order_id, _method())
    return redirect(url_for("panel.orders"), 303)


def _method() -> str:
    method = request.form.get("method", "")
    if method not in ("", *PENDING_METHODS):
        abort(422, "Only a Pix or a boleto can be paid here.")
    return method


@panel.post("/orders/<int:order_id>/refund")
def refund(order_id: int) -> Response:
    """The button "Refund ..."; a second click changes nothing."""
    events.refund(simulation(), order_id)
    return redirect(url_for("panel.orders"), 303)


@panel.get("/boletos/<int:order_id>.pdf")
def boleto_pdf(order_id: int) -> Response:
    """What a shopper prints."""
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


@panel.get("/deliveries")
def deliveries() -> str:
    """All webhooks, newest first, with each try."""
    return render_template("deliveries.html", deliveries=simulation().state.latest_deliveries()[:MOST_ROWS])
