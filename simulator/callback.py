"""The installation callback: Appmax's "health check", and the probe of its URL."""

import time
from dataclasses import dataclass

from simulator.context import Simulation
from simulator.outgoing import post_json
from simulator.records import Authorization, HealthCheck

PROBE_APP_ID = "DEMO_APP_ID"


@dataclass(frozen=True)
class Probe:
    """One probe of a callback URL. `status` is None if there was no answer in time; `text` says what came."""

    url: str
    status: int | None
    text: str
    milliseconds: int

    @property
    def passed(self) -> bool:
        """Only exactly 200 counts."""
        return self.status == 200


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


def probe(url: str) -> Probe:
    """What Appmax's form does before it takes a callback URL: a POST that no merchant is behind."""
    started = time.monotonic()
    status, text = post_json(url, {"app_id": PROBE_APP_ID})
    return Probe(url, status, text, round((time.monotonic() - started) * 1000))
