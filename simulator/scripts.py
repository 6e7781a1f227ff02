"""What Appmax has for a shop's page: its browser script, what the script asks for, and Apple's file."""

import secrets

from flask import Blueprint, Response, current_app, jsonify, make_response, request

from simulator.access import EXTERNAL_ID, require_store

scripts = Blueprint("scripts", __name__)

# Hexadecimal JSON, as Apple's are. Nobody's merchant id is in it.
ASSOCIATION = b'{"version":1,"pspId":"simulator"}'.hex()
FROM_PAGES = ("/v1/payments/tokenize", "/v1/apple-pay/merchant-session")  # what the script calls from a shop's page


@scripts.get("/appmax.min.js")
def script() -> Response:
    """The stand-in for https://scripts.appmax.com.br/appmax.min.js."""
    return current_app.send_static_file("appmax.js")


@scripts.get("/.well-known/apple-developer-merchantid-domain-association")
def association() -> Response:
    """What each domain of a shop has to serve. Appmax shows the real one in its documentation."""
    return make_response(ASSOCIATION, {"Content-Type": "text/plain"})


@scripts.post("/v1/apple-pay/merchant-session")
def merchant_session() -> Response:
    """The session that opens Apple's payment sheet."""
    merchant = require_store()
    return jsonify(data={"merchantSessionIdentifier": secrets.token_hex(16), "displayName": merchant})


@scripts.after_app_request
def _let_pages_ask(response: Response) -> Response:
    if request.path in FROM_PAGES and "Origin" in request.headers:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Headers"] = f"content-type, {EXTERNAL_ID}"
    return response
