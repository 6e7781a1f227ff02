"""Appmax's auth server, and the app's own calls: tokens and installations."""

import hmac
import re
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from simulator import answers, faults
from simulator.access import require_app
from simulator.callback import health_check
from simulator.context import simulation
from simulator.reading import json_body, refuse, refuse_fields, require_texts
from simulator.state import APP

api = Blueprint("api", __name__)
faults.suffer(api)

LONGEST_KEY = 255  # characters of an external_key
HOST_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


# --- who asks --------------------------------------------------------------------------------------------------------


@api.post("/oauth2/token")
def token() -> Response:
    """Client credentials → a token that expires."""
    sim = simulation()
    if request.form.get("grant_type") != "client_credentials":
        refuse(400, {"error": "unsupported_grant_type", "error_description": "grant_type must be client_credentials"})
    given = request.form.get("client_id", ""), request.form.get("client_secret", "")
    apps = f"{sim.settings.client_id}\n{sim.settings.client_secret}"
    is_app = hmac.compare_digest("\n".join(given).encode(), apps.encode())
    owner = APP if is_app else sim.state.merchant_of(*given)
    if owner is None:
        refuse(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    seconds = sim.state.switches.token_seconds
    access_token = sim.state.issue_token(owner, seconds)
    lifetime = answers.lifetime(sim.state.switches.lifetime, seconds)
    return jsonify(access_token=access_token, token_type="Bearer", **lifetime)


# --- the app's calls -------------------------------------------------------------------------------------------------


@api.post("/app/authorize")
def authorize() -> Response:
    """The hash under which the merchant authorises the installation."""
    require_app()
    sim = simulation()
    texts = require_texts(json_body(), "app_id", "external_key", "url_callback")
    if texts["app_id"] != sim.settings.app_id_uuid:
        numeric = " This is its numeric id; the UUID is needed." * (texts["app_id"] == sim.settings.app_id_numeric)
        refuse(404, {"error": {"message": f"App not found.{numeric}"}})
    if len(texts["external_key"]) > LONGEST_KEY:
        refuse_fields({"external_key": f"The external_key has more than {LONGEST_KEY} characters."})
    if not is_web_address(texts["url_callback"]):
        refuse_fields({"url_callback": "The url_callback is not a valid URL."})
    token = sim.state.authorize(texts["external_key"], texts["url_callback"], _domain_names())
    return jsonify(data={"token": token})


def _domain_names() -> list[str]:
    """The host names where Apple Pay shall work: `domain_name`, or several in `domain_names`."""
    body = json_body()
    names = body.get("domain_names", [body["domain_name"]] if "domain_name" in body else [])
    if not isinstance(names, list) or not all(isinstance(name, str) and HOST_NAME.fullmatch(name) for name in names):
        refuse_fields({"domain_names": "The domain_names must be host names, such as loja.example.com.br."})
    return list(names)


@api.post("/app/client/generate")
def generate() -> Response:
    """The merchant's credentials; the health check is posted while this call is still open, as Appmax does."""
    require_app()
    sim = simulation()
    authorization = sim.state.claim(str(json_body().get("token")))
    if authorization is None:
        refuse(404, {"error": {"message": "Token not found, or used already."}})
    check = health_check(sim, authorization)
    if not check.passed:
        sim.state.release(authorization.token)
        refuse(422, {"error": {"message": f"The app's health check answered {check.status or check.text}, not 200."}})
    client_id, client_secret = sim.state.merchant_credentials(authorization.merchant)
    return jsonify(data={"client": {"client_id": client_id, "client_secret": client_secret}})


def is_web_address(url: str) -> bool:
    """Whether this can be posted to."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
