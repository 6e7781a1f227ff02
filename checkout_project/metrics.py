"""`/metrics` for Prometheus.

What happens in a process is counted where it happens (webhooks/inbox.py, orders/models/, appmax/transport.py, ...);
gunicorn's processes add theirs up through files (gunicorn.conf.py). What waits is read from the tables when asked.
"""

import os
import time
from collections.abc import Iterable

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from checkout_project import backlog

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_requests = Histogram(
    "checkout_request_seconds", "Requests, by route and answer", ["method", "route", "status"], buckets=SECONDS
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_pool = {
    name: Gauge(f"checkout_pool_{name}", text, multiprocess_mode="livesum")
    for name, text in {
        "size": "Database connections of all processes' pools, at each process's last request",
        "available": "Of these, idle ones",
        "max": "Connections that the pools may open",
        "waiting": "Requests that wait for a connection",
    }.items()
}


def record_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count an answered request. Labels are few whatever is asked: routes, not paths."""
    match = request.resolver_match
    route = "none" if match is None else "admin/" if match.route.startswith("admin/") else match.route
    method = request.method if request.method in _METHODS else "other"
    _requests.labels(method, f"/{route}", str(status)).observe(seconds)
    _record_pool()


_next_look = 0.0


def _record_pool() -> None:
    """Once a second, as the pool is asked under its lock; after requests that used it, as asking would make one."""
    global _next_look
    now = time.monotonic()
    if now < _next_look or connection.connection is None or "pool" not in connection.settings_dict["OPTIONS"]:
        return
    _next_look = now + 1
    stats = connection.pool.get_stats()  # type: ignore[attr-defined] # of the PostgreSQL backend
    _pool["size"].set(stats["pool_size"])
    _pool["available"].set(stats["pool_available"])
    _pool["max"].set(stats["pool_max"])
    _pool["waiting"].set(stats["requests_waiting"])


class Backlog(Collector):
    """What the tables say. With the database away, only that."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read when Prometheus asks."""
        try:
            figures = _backlog()
        except DatabaseFailure:
            figures = []
        yield GaugeMetricFamily("checkout_database_up", "Whether the tables could be read", value=float(bool(figures)))
        yield from figures


def _backlog() -> list[GaugeMetricFamily]:
    events, oldest_event = backlog.waiting_events()
    payments, oldest_payment = backlog.open_payments()
    silence = backlog.worker_silence()
    jobs = GaugeMetricFamily("checkout_jobs", "Jobs in the queue, by status", labels=["status"])
    for status, count in backlog.jobs().items():
        jobs.add_metric([status], count)
    overdue = backlog.overdue_questions().total_seconds()
    quiet = float("inf") if silence is None else silence.total_seconds()
    gauge = GaugeMetricFamily
    return [
        gauge("checkout_webhooks_waiting", "Events that are kept and not handled", value=events),
        gauge("checkout_webhooks_oldest_seconds", "Age of the oldest of them", value=oldest_event.total_seconds()),
        gauge("checkout_questions_overdue_seconds", "For how long Appmax should have been asked", value=overdue),
        gauge("checkout_payments_open", "Payment attempts without a known outcome", value=payments),
        gauge("checkout_payments_open_oldest_seconds", "Age of the oldest", value=oldest_payment.total_seconds()),
        gauge("checkout_questions_unsettled", "Orders asked about in vain", value=backlog.unsettled_questions()),
        gauge("checkout_worker_silence_seconds", "Since a job worker's last sign of life; +Inf: none", value=quiet),
        jobs,
    ]


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Text for Prometheus. Production asks for METRICS_TOKEN as a bearer token; without that setting nobody gets in."""
    token = settings.METRICS_TOKEN
    if token or not settings.IS_LOCAL:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not (token and constant_time_compare(given, token)):
            return HttpResponse("METRICS_TOKEN is missing or wrong\n", status=403, content_type="text/plain")
    registries = [_all_processes(), _tables()]
    return HttpResponse(b"".join(map(generate_latest, registries)), content_type=CONTENT_TYPE_LATEST)


def _all_processes() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _tables() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Backlog())
    return registry
