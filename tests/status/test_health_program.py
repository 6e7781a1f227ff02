"""`/health` for programs is answered before Django, and looks like any other answer: id, figure, at DEBUG a line."""

import json
import logging
from typing import Any

import pytest

from checkout_project.wsgi import application


def _ask(**environ: str) -> tuple[str, dict[str, str], bytes]:
    told: list[Any] = []
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health", **environ}
    body = b"".join(application(request, lambda status, headers: told.extend((status, dict(headers)))))
    return told[0], told[1], body


def test_a_program_is_answered_with_the_id_that_our_proxy_gave(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    caplog.set_level(logging.DEBUG)

    status, headers, body = _ask(HTTP_X_REQUEST_ID="probe-1", HTTP_HOST="10.0.0.7:8080")

    assert (status, json.loads(body)) == ("200 OK", {"status": "ok"})
    assert headers["X-Request-ID"] == "probe-1"
    assert headers["Content-Length"] == str(len(body))
    [line] = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert (line["event"], line["path"], line["status"], line["request_id"]) == (
        "request.finished",
        "/health",
        200,
        "probe-1",
    )


def test_head_has_no_body() -> None:
    assert _ask(REQUEST_METHOD="HEAD")[2] == b""


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb"])
def test_a_strange_id_is_replaced(given: str, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    assert len(_ask(HTTP_X_REQUEST_ID=given)[1]["X-Request-ID"]) == 32


def test_it_writes_no_line_unless_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    _ask()

    assert caplog.records == []
