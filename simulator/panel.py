"""Appmax's admin panel, as far as a merchant sees it, and the simulator's own pages."""

import json
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from simulator import events
from simulator.api import is_web_address
from simulator.callback import health_check, probe
from simulator.cards import ANY_OTHER, OUTCOMES
from simulator.context import simulation
from simulator.failures import ROUTES
from simulator.models import trial_body
from simulator.records import Authorization, Plan

panel = Blueprint("panel", __name__)

MOST_ROWS = 200  # on one page
ACCOUNT_COOKIE = "merchant_account"


@panel.app_template_filter("reais")
def reais(cents: int) -> str:
    """12345 becomes R$ 123,45; thousands have a point."""
    return f"R$ {cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"


@panel.app_template_filter("clock")
def clock(moment: str) -> str:
    return moment[:19].replace("T", " ")


@panel.app_template_filter("pretty")
def pretty(value: Any) -> str:
    """JSON as people read it; a text as it stands."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


@panel.app_template_filter("without_query")
def without_query(url: str) -> str:
    """The address without its query, in which a webhook's token may be."""
    base, mark, _ = url.partition("?")
    return f"{base}?..." if mark else base


@panel.get("/")
def index() -> str:
    sim = simulation()
    return render_template(
        "index.html",
        settings=sim.settings,
        webhook_url=sim.state.webhook_url,
        counts=sim.state.counts() | sim.outbox.counts(),
        switches=sim.state.switches,
        cards=OUTCOMES,
        any_other_card=ANY_OTHER,
    )


# --- the merchant's pages --------------------------------------------------------------------------------------------


@panel.get("/appstore/integration/<token>")
def integration(token: str) -> str:
    """Where the merchant authorises the app."""
    authorization = _authorization(token)
    return render_template("integration.html", authorization=authorization, account=_account(), failure=None)


@panel.post("/appstore/integration/<token>")
def save(token: str) -> str | Response | tuple[str, int]:
    """ "Salvar": posts the health check to the callback, then sends the browser back."""
    sim, authorization = simulation(), simulation().state.log_in(_authorization(token).token, _account())
    assert authorization is not None  # noqa: S101 - it was there a line before, and none is ever removed
    check = health_check(sim, authorization)
    if not check.passed:
        return render_template("integration.html", authorization=authorization, account=_account(), failure=check), 502
    sim.state.mark_saved(token)
    separator = "&" if "?" in authorization.callback_url else "?"
    return redirect(f"{authorization.callback_url}{separator}{urlencode({'token': token})}")


@panel.post("/login")
def login() -> Response:
    """Signs in to the panel as any merchant, by the account's name. Without a name it signs out."""
    answer = redirect(url_for("panel.integration", token=_authorization(request.form.get("token", "")).token), 303)
    answer.set_cookie(ACCOUNT_COOKIE, quote(request.form.get("account", "").strip()[:100]), httponly=True)
    return answer


def _account() -> str:
    """The account that is signed in to the panel; empty if none is."""
    return unquote(request.cookies.get(ACCOUNT_COOKIE, ""))


def _authorization(token: str) -> Authorization:
    authorization = simulation().state.authorization(token)
    if authorization is None:
        abort(404, "Instalação não encontrada: comece de novo a partir do aplicativo.")
    return authorization


@panel.get("/appstore/app")
def app_form() -> str:
    """The form in which an app's URLs are registered."""
    parts = urlsplit(simulation().state.webhook_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    urls = {
        "host": f"{origin}/install/start",
        "system": f"{origin}/",
        "validation": f"{origin}/integrations/appmax/callback/install",
    }
    return render_template("appstore_app.html", urls=urls, probe=None, failure="")


@panel.post("/appstore/app")
def validate_app() -> str | tuple[str, int]:
    """ "Validar": probes the callback URL; nothing is kept."""
    urls = {name: request.form.get(name, "").strip() for name in ("host", "system", "validation")}
    if wrong := [url for url in urls.values() if not is_web_address(url)]:
        failure = f"Não é um endereço http ou https: {wrong[0] or '(vazio)'}"
        return render_template("appstore_app.html", urls=urls, probe=None, failure=failure), 422
    return render_template("appstore_app.html", urls=urls, probe=probe(urls["validation"]), failure="")


@panel.get("/v2/apphook")
def apphook() -> str:
    """Where the webhook URL is registered, and tested."""
    tested = request.args.get("tested", type=int)
    return render_template(
        "apphook.html",
        webhook_url=simulation().state.webhook_url,
        saved="saved" in request.args,
        tested=simulation().outbox.find(tested) if tested else None,
        failure="",
    )


@panel.post("/v2/apphook/test")
def test_webhook() -> Response:
    """The panel's "test" button: order 1, a made-up name, a status that contradicts the event."""
    sim = simulation()
    body = trial_body(sim.state.switches.webhook_model, sim.settings.app_id_numeric)
    [delivery] = events.send(sim, [body], Plan())
    return redirect(url_for("panel.apphook", tested=delivery.id), 303)


@panel.post("/v2/apphook")
def register_webhook() -> Response | tuple[str, int]:
    """Takes another webhook URL; deliveries that are under way keep theirs."""
    url = request.form.get("url", "").strip()
    if not is_web_address(url):
        failure = "This is not an http or https address."
        return render_template("apphook.html", webhook_url=url, saved=False, tested=None, failure=failure), 422
    simulation().state.webhook_url = url
    return redirect(url_for("panel.apphook", saved=1), 303)


# --- the simulator's pages -------------------------------------------------------------------------------------------


@panel.get("/installations")
def installations() -> str:
    """All installations begun, newest first, with their health checks."""
    rows = simulation().state.latest_authorizations()[:MOST_ROWS]
    return render_template("installations.html", authorizations=rows)


@panel.get("/log")
def log() -> str:
    """The newest calls of Appmax's API."""
    route, text = request.args.get("route", ""), request.args.get("order_id", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        abort(422, "An order's id is a number.")
    calls = simulation().log.latest(route, int(text) if text else None)
    return render_template("log.html", calls=calls, routes=ROUTES, route=route, order_id=text)
