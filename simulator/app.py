"""Puts the simulator together."""

import functools
import uuid
from copy import copy

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from simulator import answers
from simulator.api import api
from simulator.context import Simulation, simulation
from simulator.control import control
from simulator.delivery import Courier
from simulator.order_pages import order_pages
from simulator.outbox import Outbox
from simulator.panel import panel
from simulator.payment_links import payment_link_api, payment_link_pages
from simulator.payments import payments
from simulator.recording import record
from simulator.sales import sales
from simulator.scripts import scripts
from simulator.settings import SimulatorSettings
from simulator.state import State
from simulator.subscription_api import subscription_api
from simulator.subscription_pages import subscription_pages
from simulator.switch_pages import switch_pages
from simulator.switches import Switches
from simulator.webhook_pages import webhook_pages

SPEAK_JSON = ("/v1/", "/app/", "/oauth2/", "/simulator/api/")


def create_app(settings: SimulatorSettings) -> Flask:
    """A Flask app with a `Simulation` of its own, at `app.extensions["simulator"]`."""
    app = copy(_app_with_routes())
    app.config, app.extensions = copy(app.config), copy(app.extensions)
    outbox = Outbox()
    app.extensions["simulator"] = Simulation(
        settings=settings,
        state=State(settings.seed, settings.webhook_url, _first_switches(settings), settings.stores),
        outbox=outbox,
        courier=Courier(outbox, settings.clock_speed),
    )
    return app


@functools.cache
def _app_with_routes() -> Flask:
    """What all simulators of a process share: to compile the routes takes 20 ms, and each test has a simulator."""
    app = Flask(__name__)
    record(app)
    for blueprint in (
        *(api, sales, payments, scripts, subscription_api, payment_link_api),
        *(control, panel, order_pages, subscription_pages, payment_link_pages, webhook_pages, switch_pages),
    ):
        app.register_blueprint(blueprint)
    app.context_processor(lambda: {"shop_url": simulation().settings.shop_url})
    app.register_error_handler(HTTPException, _say_what_failed)
    app.after_request(_leave_traces)
    app.after_request(_write)
    return app


def _first_switches(settings: SimulatorSettings) -> Switches:
    return Switches(
        token_seconds=settings.token_seconds,
        pix_minutes=settings.pix_minutes,
        webhook_model=settings.webhook_model,
    )


def _say_what_failed(error: Exception) -> Response:
    """JSON where programs ask, a page where people do."""
    status = (error.code if isinstance(error, HTTPException) else None) or 500
    text = (error.description if isinstance(error, HTTPException) else None) or "Something went wrong."
    if request.path.startswith(SPEAK_JSON):
        return make_response(jsonify(message=text), status)
    return make_response(render_template("error.html", status=status, text=text), status)


def _write(response: Response) -> Response:
    """The API's JSON, as the switch has it."""
    if request.path.startswith(SPEAK_JSON[:3]) and response.is_json:
        return answers.written(simulation().state.switches.writing, response)
    return response


def _leave_traces(response: Response) -> Response:
    """The headers that Appmax's support asks for."""
    response.headers["X-Request-Id"] = str(uuid.uuid4())
    response.headers["CF-Ray"] = f"{uuid.uuid4().hex[:16]}-GRU"
    return response
