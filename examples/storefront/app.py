"""Puts the shop together. `create_app` is what `flask --app examples.storefront.app run` calls."""

import secrets
from pathlib import Path

from flask import Flask, redirect, send_from_directory, url_for
from werkzeug.wrappers import Response

from examples.storefront import buying, language, orders, pages, told
from examples.storefront.blueprint import PREFIX, shop
from examples.storefront.memory import Memory
from examples.storefront.told import Told

__all__ = ["buying", "create_app", "orders", "pages", "told"]  # these four modules add their routes to the blueprint

COOKIE_SECONDS = 31 * 24 * 3600
ROOT = Path(__file__).parent


def create_app(**settings: str) -> Flask:
    """A shop whose settings come from the environment's STOREFRONT_* variables, unless they are given here.

    `APP_URL`: the product's origin. `API_KEY`: the key that the product gave the shop. `SECRET_KEY` signs the cookies;
    without one, a restart makes every browser a stranger. `SIMULATOR_URL`: the origin of a simulated Appmax, in which
    the shop's page lets one be the bank; blank where Appmax is real. `OWN_URL`: the shop's own origin, where the
    product tells it what becomes of its orders; without it the shop only asks.
    """
    app = Flask(__name__)
    app.config.update(APP_URL="http://127.0.0.1:8080", API_KEY="", SIMULATOR_URL="", OWN_URL="")
    app.config.from_prefixed_env("STOREFRONT", loads=str)
    app.config.update(settings)
    app.config.update(
        SECRET_KEY=app.config["SECRET_KEY"] or secrets.token_hex(),
        SESSION_COOKIE_NAME="storefront",
        SESSION_COOKIE_PATH=PREFIX,  # a cookie counts for all ports of a host: the product's pages needn't get it
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=COOKIE_SECONDS,
        # A page that asks for the status must not hand an older cookie back to a browser that has just paid.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.extensions["memory"] = Memory(app.config["API_KEY"])
    app.extensions["told"] = Told()
    language.init_app(app)
    app.register_blueprint(shop)
    app.add_url_rule("/", "home", _home)
    app.add_url_rule("/.well-known/apple-developer-merchantid-domain-association", "association", _association)
    app.add_url_rule("/health", "health", lambda: {"status": "ok"})
    return app


def _association() -> Response:
    """The file that Apple Pay wants of each domain of a shop; here it is the simulated Appmax's."""
    return send_from_directory(ROOT / "static", "merchantid-domain-association.txt", mimetype="text/plain")


def _home() -> Response:
    return redirect(url_for("shop.find"))
