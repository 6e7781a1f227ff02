"""`/health` tells that the process is alive, and does no I/O. `/health/ready` tells whether the process can do its
work."""

import secrets
import threading
import time
from datetime import timedelta
from enum import StrEnum
from typing import Any

import structlog
from django.contrib import admin
from django.core.cache import cache
from django.db import Error as DatabaseFailure
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.request import Request
from rest_framework.response import Response

from observability.logs import bound
from observability.middleware import finished, id_of
from status import backlog
from status.metrics import is_probe
from web.api import WhoIsLoggedIn, wants_page
from web.codes import Code
from web.errors import ErrorAnswer
from web.openapi import answer, errors

log = structlog.stdlib.get_logger(__name__)


class HealthAnswer(serializers.Serializer[Any]):
    """The answer of /health."""

    status = serializers.CharField()


class ReadyAnswer(serializers.Serializer[Any]):
    """The answer of /health/ready."""

    status = serializers.CharField(help_text="ok, degraded or down")
    checks = serializers.DictField(child=serializers.CharField(), required=False)
    oldest_webhook_seconds = serializers.IntegerField(required=False)
    code = serializers.CharField(required=False, help_text="not_ready, if it is down")
    message = serializers.CharField(required=False)


@extend_schema(
    tags=["health"],
    summary="Whether this process is alive",
    responses={
        (200, "application/json"): answer(HealthAnswer, {"status": "ok"}),
        (200, "text/html"): OpenApiTypes.STR,
        **errors(405, 500),
    },
)
@api_view(["GET", "HEAD"])
def health(request: Request) -> HttpResponse:
    """200 `{"status": "ok"}`, or the page for a browser."""
    if wants_page(request):
        return render(request._request, "health.html")
    return Response(HealthAnswer({"status": "ok"}).data)


def answer_program(environ: dict[str, Any], start_response: Any) -> list[bytes] | None:
    """The same for a program, without Django's chain, which would take ten times as long; None for other requests.

    Load balancers and supervisors ask this every few seconds of each process. It is counted as any request is.
    """
    method = environ["REQUEST_METHOD"]
    if (
        environ["PATH_INFO"] != "/health"
        or method not in ("GET", "HEAD")
        or "text/html" in environ.get("HTTP_ACCEPT", "")
    ):
        return None
    started, request_id = time.perf_counter(), id_of(environ)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(_ALIVE)), "X-Request-ID": request_id}
    start_response("200 OK", list((headers | {"X-Content-Type-Options": "nosniff"}).items()))
    with bound(request_id=request_id):
        finished(method, "/health", "health", 200, time.perf_counter() - started, [])
    return [_ALIVE] if method == "GET" else []


_ALIVE = b'{"status":"ok"}'


class State(StrEnum):
    """The state of a part, or of the whole, which is that of its worst part. Degraded means that nothing is lost, but
    somebody should look."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


OVERDUE_AFTER = timedelta(minutes=5)  # The worker asks about orders every 3 seconds.
# The worker puts 1,000 questions about subscriptions at once, and a merchant's quota lets 21 be asked a minute.
SUBSCRIPTIONS_OVERDUE_AFTER = timedelta(hours=1)
WORKER_GONE_AFTER = timedelta(minutes=1)  # A worker sends a heartbeat every 10 seconds.

_READY = answer(
    ReadyAnswer,
    {
        "status": "degraded",
        "checks": {"database": "ok", "migrations": "ok", "cache": "degraded", "worker": "ok", "questions": "ok"},
        "oldest_webhook_seconds": 12,
    },
)


@extend_schema(
    tags=["health"],
    summary="Whether this process can do its work",
    responses={(200, "application/json"): _READY, (503, "application/json"): _READY, **errors(405, 500)},
)
@api_view(["GET", "HEAD"])
@authentication_classes([WhoIsLoggedIn])
def ready(request: Request) -> Response:
    """200 if the process is ok or degraded, 503 if it is down.

    It is down without a database that takes writes, and while migrations still have to be applied. It is degraded
    without Redis or a worker, and while questions are overdue: payments and webhooks are then taken, and nothing is
    lost. The states of the parts are shown to staff and to programs with METRICS_TOKEN only, because a stranger would
    learn from them when an attack hurts.
    """
    checks: dict[str, State] = {}
    oldest: dict[str, int] = {}
    try:
        checks["migrations"] = _migrations()
        checks["database"] = _database()
        if checks["migrations"] is State.OK:
            checks["worker"] = _worker()
            checks["questions"] = _questions()
            oldest["oldest_webhook_seconds"] = int(backlog.waiting_events()[1].total_seconds())
    except DatabaseFailure as error:
        log.warning("health.not_ready", error=type(error).__name__)
        checks["database"] = State.DOWN
    checks["cache"] = _cache()
    worst = max(checks.values(), key=list(State).index)
    body: dict[str, Any] = {"status": worst}
    is_down = worst is State.DOWN
    if is_down:
        body |= ErrorAnswer(Code.NOT_READY).body
    if is_probe(request._request) or _is_staff(request._request, checks):
        body |= {"checks": checks, **oldest}
        if is_down:
            ill = sorted(name for name in checks if checks[name] is State.DOWN)
            body["message"] += ": " + ", ".join(ill)
    return Response(ReadyAnswer(body).data, status=503 if is_down else 200, headers={"Cache-Control": "no-store"})


def _is_staff(request: HttpRequest, checks: dict[str, State]) -> bool:
    """Whether a member of staff is logged in. Only the database can tell, so without it the answer is no."""
    return checks["database"] is State.OK and admin.site.has_permission(request)


def _database() -> State:
    """Down if the database takes no writes, as a standby or a demoted primary doesn't. The ORM can't ask for that."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        return State.DOWN if cursor.fetchone() == ("on",) else State.OK


_is_migrated = threading.Event()  # Migrations stay applied, so the costly question is asked until the answer is yes.


def _migrations() -> State:
    if not _is_migrated.is_set():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return State.DOWN
        _is_migrated.set()
    return State.OK


def _worker() -> State:
    silence = backlog.worker_silence()
    return State.OK if silence is not None and silence < WORKER_GONE_AFTER else State.DEGRADED


def _questions() -> State:
    """Degraded while Appmax should have been asked long ago, about an order or a subscription."""
    is_late = (
        backlog.overdue_questions() > OVERDUE_AFTER
        or backlog.overdue_subscription_questions() > SUBSCRIPTIONS_OVERDUE_AFTER
    )
    return State.DEGRADED if is_late else State.OK


def _cache() -> State:
    """Ok if a value that is written can be read. Reading alone would prove nothing, as a full Redis refuses only
    writes."""
    key = f"health:{secrets.token_hex(8)}"
    cache.set(key, True, 5)
    return State.OK if cache.get(key) else State.DEGRADED
