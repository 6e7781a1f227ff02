"""A demo storefront at `/shop`. It sells through the product as a real storefront's server does: over its public
routes, with an API key. Only its box "you are the bank" reaches into the simulated Appmax beside it."""

import hashlib

from flask import Flask

from simulator.context import Simulation
from simulator.shop import buying, language, orders, pages
from simulator.shop.blueprint import PREFIX, shop
from simulator.shop.memory import Memory

__all__ = ["buying", "init_app", "open_for", "orders", "pages"]  # the modules hang their routes on the blueprint

COOKIE_SECONDS = 31 * 24 * 3600


def init_app(app: Flask) -> None:
    """Adds the shop to an app; `open_for` has to follow."""
    app.config.update(
        SESSION_COOKIE_NAME="simulator_shop",
        SESSION_COOKIE_PATH=PREFIX,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=COOKIE_SECONDS,
        # A page that asks for the status must not hand an older cookie back to a browser that has just paid.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    language.init_app(app)
    app.register_blueprint(shop)


def open_for(app: Flask) -> None:
    """Gives the shop of a simulator's app its memory. Its cookies outlive a restart, as merchants' credentials do."""
    simulation: Simulation = app.extensions["simulator"]
    app.secret_key = hashlib.sha256(f"shop cookie 1:{simulation.settings.seed}".encode()).digest()
    app.extensions["shop"] = Memory(simulation.settings.shop_api_key)
