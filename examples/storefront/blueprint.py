"""What all pages of the shop share: which merchant's they are, their headers, and what is said when something fails."""

from typing import Any

from flask import Blueprint, Response, abort, current_app, g, render_template, request, session
from flask_babel import get_locale
from werkzeug.exceptions import HTTPException

from examples.storefront import cart
from examples.storefront.backend import Backend, BackendError, NotConnected, NotFound
from examples.storefront.language import text as _
from examples.storefront.memory import memory

PREFIX = "/shop"

shop = Blueprint("shop", __name__, url_prefix=PREFIX)

Answer = tuple[str, int]


def external_key() -> str:
    """The merchant whose shop this page belongs to."""
    return str(g.external_key)


def backend() -> Backend:
    """The product's routes of this merchant."""
    key = external_key()
    return Backend(current_app.config["APP_URL"], key, memory().api_key(key))


@shop.url_value_preprocessor
def _take_merchant(endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.external_key = (values or {}).pop("external_key", "")
    if g.external_key in (".", ".."):  # no path can name these
        abort(404)


@shop.url_defaults
def _name_merchant(endpoint: str, values: dict[str, Any]) -> None:
    if "external_key" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "external_key"):
        values["external_key"] = g.external_key


@shop.before_request
def _come_in() -> None:
    session.permanent = True
    if g.external_key and session.get("shop") != g.external_key and request.method == "POST":
        session["shop"] = g.external_key


@shop.context_processor
def _common() -> dict[str, Any]:
    return {
        "app_url": current_app.config["APP_URL"],
        "simulator_url": current_app.config["SIMULATOR_URL"],
        "external_key": g.external_key,
        "in_cart": cart.current().count,
        "language": str(get_locale()).replace("_", "-"),
    }


@shop.after_request
def _protect(response: Response) -> Response:
    """Scripts and styles are the shop's own, besides Appmax's script where a card can pay. Nothing of a form stays in
    a browser's cache."""
    # The picture of a Pix's QR code may come as an address of Appmax's.
    pictures = f"'self' data: https: {current_app.config['SIMULATOR_URL']}".rstrip()
    policy = f"default-src 'self'; img-src {pictures}; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    if script := g.get("script_origin"):
        policy += f"; script-src 'self' {script}; connect-src 'self' {script}; frame-src {script}"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


@shop.errorhandler(NotConnected)
def not_connected(error: NotConnected, problem: str = "") -> Answer:
    """The developer's page: what is missing, and what to do about it."""
    page = render_template("setup.html", why=error.why, said=error.message, problem=problem)
    return page, 422 if problem else 404 if error.why == "unknown" else 503


@shop.errorhandler(NotFound)
def _not_found(error: NotFound) -> Answer:
    return _page(404, _("There is no such order"), _("Perhaps it was made in another browser."))


@shop.errorhandler(BackendError)
def _unavailable(error: BackendError) -> Answer:
    return _page(
        503, _("The shop can't reach its payment service"), _("Nothing was charged. Please try again in a moment.")
    )


@shop.errorhandler(HTTPException)
def _wrong(error: HTTPException) -> Answer:
    if error.code == 404:
        return _page(404, _("There is no such page"), _("It may have been moved, or made in another browser."))
    return _page(
        error.code or 500, _("That didn't work"), _("The form was not complete. Please go back and try again.")
    )


def _page(status: int, title: str, text: str) -> Answer:
    return render_template("error.html", title=title, text=text), status
