"""Gives each request an id, writes one line about it to the log, and counts it in the figures of /metrics."""

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from observability import figures
from observability.logs import bind, bound_facts, collecting_steps

log = structlog.stdlib.get_logger(__name__)

_PROBES = ("/health", "/health/ready", "/metrics")
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


def current_request_id() -> str | None:
    """The id of the request or job that this thread works for, which its answer and its log lines carry."""
    return bound_facts().get("request_id")


class Observed:
    """Sets `request.request_id`. The answer carries it as X-Request-ID, and so do the lines that are logged and the
    calls to Appmax that are made meanwhile."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request. Query strings (a webhook's URL may carry a token), headers and bodies are not logged."""
        request_id = id_of(request.META)
        request.request_id = request_id  # type: ignore[attr-defined]
        started = time.perf_counter()
        bind(request_id=request_id)
        with collecting_steps() as steps:
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        match = request.resolver_match
        route, seconds = match.route if match else None, time.perf_counter() - started
        finished(request.method, request.path, route, response.status_code, seconds, steps)
        return response


def id_of(environ: dict[str, Any]) -> str:
    """The X-Request-ID that our proxy gave the request, and has in its own log, or else a new one. A caller can't
    choose it, or two requests could have one number in the log and in the back office's search."""
    given = environ.get("HTTP_X_REQUEST_ID", "") if settings.TRUSTED_PROXIES else ""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def finished(
    method: str | None, path: str, route: str | None, status: int, seconds: float, steps: Sequence[Mapping[str, Any]]
) -> None:
    """Count the request, and write its line. Supervisors ask probes every few seconds, so one that went well has its
    line at LOG_LEVEL=DEBUG only."""
    figures.record_request(method, route, status, seconds)
    facts: dict[str, Any] = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 1)}
    write = log.debug if path in _PROBES and status == HTTPStatus.OK else log.info
    write("request.finished", **facts, **({"steps": steps} if steps else {}))


@receiver(request_finished)
def _forget_request_id(**signal: Any) -> None:
    """The id stays bound until here, because Django logs a failed request after all middleware has run."""
    bind()
