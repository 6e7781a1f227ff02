"""Puts the simulator together."""

import uuid

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from appmax.simulator.api import api
from appmax.simulator.context import Simulation
from appmax.simulator.control import control
from appmax.simulator.delivery import Courier
from appmax.simulator.faults_page import faults_page
from appmax.simulator.panel import panel
from appmax.simulator.payments import payments
from appmax.simulator.sales import sales
from appmax.simulator.settings import SimulatorSettings
from appmax.simulator.state import State

SPEAK_JSON = ("/v1/", "/app/", "/oauth2/", "/simulator/api/")


def create_app(settings: SimulatorSettings) -> Flask:
    """A Flask app with a `Simulation` of its own, at `app.extensions["simulator"]`."""
    app = Flask(__name__)
    state = State(settings.seed, settings.webhook_url)
    app.extensions["simulator"] = Simulation(
        settings=settings,
        state=state,
        courier=Courier(state, settings.clock_speed),
    )
    for blueprint in (api, sales, payments, control, panel, faults_page):
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _say_what_failed)
    app.after_request(_leave_traces)
    return app


def _say_what_failed(error: Exception) -> Response:
    """JSON where programs ask, a page where people do."""
    status = (error.code if isinstance(error, HTTPException) else None) or 500
    text = (error.description if isinstance(error, HTTPException) else None) or "Something went wrong."
    if request.path.startswith(SPEAK_JSON):
        return make_response(jsonify(message=text), status)
    return make_response(render_template("error.html", status=status, text=text), status)


def _leave_traces(response: Response) -> Response:
    """The headers that Appmax's support asks for."""
    response.headers["X-Request-Id"] = str(uuid.uuid4())
    response.headers["CF-Ray"] = f"{uuid.uuid4().hex[:16]}-GRU"
    return response
