"""Measures each request: its duration by route and answer, and the state of the database's pool.

Other events are counted where they happen (webhooks/inbox.py, orders/models/, appmax/transport.py, ...). gunicorn's
processes share their figures through files (gunicorn.conf.py), and status/metrics.py adds them up.
"""

import time

from django.db import connection
from prometheus_client import Gauge, Histogram

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


def record_request(method: str | None, route: str | None, status: int, seconds: float) -> None:
    """Count an answered request under its route, which is None if there is no such route. A path as the label would
    make a new series for each order."""
    label = "none" if route is None else "admin/" if route.startswith("admin/") else route
    _requests.labels(method if method in _METHODS else "other", f"/{label}", str(status)).observe(seconds)
    _record_pool()


_next_look = 0.0


def _record_pool() -> None:
    """Note the pool's figures, at most once a second, because reading them takes the pool's lock.

    A process that has no connection yet has no pool either, and asking for its figures would make one.
    """
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
