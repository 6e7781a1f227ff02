"""The installation callback, Appmax's "health check"."""

from appmax.simulator.context import Simulation
from appmax.simulator.outgoing import post_json
from appmax.simulator.records import Authorization, HealthCheck


def health_check(simulation: Simulation, authorization: Authorization) -> HealthCheck:
    """POST the callback with the merchant's credentials; every check of one installation carries the same ones."""
    client_id, client_secret = simulation.state.merchant_credentials(authorization.external_key)
    body = {
        "app_id": simulation.settings.app_id_numeric,
        "client_key": authorization.external_key,
        "external_key": authorization.external_key,
        "client_id": client_id,
        "client_secret": client_secret,
    }
    status, text = post_json(authorization.callback_url, body)
    return simulation.state.record_health_check(authorization.token, status, text)
