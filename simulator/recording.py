"""Writes each call of Appmax's API into the log; nothing that is secret reaches it."""

import re
import time
from typing import Any

from flask import Flask, Request, Response, g, request

from simulator.context import simulation
from simulator.faults import CUT
from simulator.state import APP

APPMAX_API = ("/v1/", "/app/", "/oauth2/")


def record(app: Flask) -> None:
    """Registers what puts this app's calls into the log."""
    app.before_request(_note_the_start)
    app.after_request(_note_the_end)


def _note_the_start() -> None:
    if request.path.startswith(APPMAX_API):
        g.started, g.who = time.monotonic(), _who()


def _note_the_end(response: Response) -> Response:
    if "started" not in g:
        return response
    fault = g.get("struck")
    simulation().log.add(
        method=request.method,
        route=re.sub("<.*>", "", request.url_rule.rule) if request.url_rule else request.path,
        path=request.path,
        status=0 if request.environ[CUT].is_set() else response.status_code,
        milliseconds=round((time.monotonic() - g.started) * 1000, 1),
        who=g.who,
        request=_body(request),
        answer=_body(response),
        fault=fault.says if fault else "",
    )
    return response


def _who() -> str:
    sim = simulation()
    client_id = request.form.get("client_id", "")
    if client_id:
        if client_id == sim.settings.client_id:
            return "app"
        return sim.state.merchant_of(client_id, request.form.get("client_secret", "")) or ""
    owner = sim.state.owner_of(request.headers.get("Authorization", "").partition(" ")[2])
    return "app" if owner == APP else owner or ""


def _body(message: Request | Response) -> Any:
    """Its JSON or its form; of anything else only how much there is, because nobody knows what is in it."""
    if isinstance(message, Request) and message.form:
        return message.form.to_dict()
    parsed = message.get_json(silent=True)
    if parsed is not None:
        return parsed
    data = message.get_data()
    return f"not JSON: {len(data)} bytes" if data else ""
