"""The installation callback: Appmax's "health check", and the probe of its URL."""

import json
import time
import uuid
from dataclasses import dataclass

from simulator.context import Simulation
from simulator.outgoing import post_json
from simulator.records import Authorization, HealthCheck
from simulator.switches import WITH_APP_ID, WITH_CREDENTIALS

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
        return self.status == 200


def health_check(simulation: Simulation, authorization: Authorization) -> HealthCheck:
    """POST the callback with the merchant's credentials; every check of one installation carries the same ones.

    The external_id of the answer becomes the store's identity, unless Appmax has seen it in another installation.
    """
    client_id, client_secret = simulation.state.merchant_credentials(authorization.merchant)
    body = {"app_id": simulation.settings.app_id_numeric}
    says = simulation.state.switches.health_check
    if says != WITH_APP_ID:
        body |= {"client_key": authorization.external_key, "external_key": authorization.external_key}
    if says == WITH_CREDENTIALS:
        body |= {"client_id": client_id, "client_secret": client_secret}
    status, text = post_json(authorization.callback_url, body)
    check = simulation.state.record_health_check(authorization.token, status, text)
    if check.passed and (external_id := _external_id(text)):
        simulation.state.identify(authorization, external_id)
    return check


def _external_id(text: str) -> str:
    """The UUID in an answer; empty if there is none."""
    try:
        return str(uuid.UUID(json.loads(text)["external_id"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def probe(url: str) -> Probe:
    """What Appmax's form does before it takes a callback URL: a POST that no merchant is behind."""
    started = time.monotonic()
    status, text = post_json(url, {"app_id": PROBE_APP_ID})
    return Probe(url, status, text, round((time.monotonic() - started) * 1000))
