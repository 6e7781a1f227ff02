"""Puts the simulator together."""

from flask import Flask

from appmax.simulator.api import api
from appmax.simulator.control import control
from appmax.simulator.delivery import Courier
from appmax.simulator.panel import panel
from appmax.simulator.settings import SimulatorSettings
from appmax.simulator.state import State


def create_app(settings: SimulatorSettings) -> Flask:
    """A Flask app with a state of its own, at `app.extensions["simulator"]`: (settings, state, courier)."""
    app = Flask(__name__)
    state = State(settings.seed, settings.webhook_url)
    app.extensions["simulator"] = (settings, state, Courier(state, settings.clock_speed))
    app.register_blueprint(api)
    app.register_blueprint(control)
    app.register_blueprint(panel)
    return app
