"""`/metrics` for Prometheus: the figures that the processes have counted, and those of the tables."""

import os
from collections.abc import Iterable

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from status import backlog


class Backlog(Collector):
    """The tables' figures, read whenever Prometheus asks. If the database is away, the only figure is that it is."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        try:
            figures = _backlog()
        except DatabaseFailure:
            figures = []
        yield GaugeMetricFamily("checkout_database_up", "Whether the tables could be read", value=float(bool(figures)))
        yield from figures


def _backlog() -> list[GaugeMetricFamily]:
    events, oldest_event = backlog.waiting_events()
    notifications, oldest_notification = backlog.waiting_notifications()
    payments, oldest_payment = backlog.open_payments()
    silence = backlog.worker_silence()
    jobs = GaugeMetricFamily("checkout_jobs", "Jobs in the queue, by status", labels=["status"])
    for status, count in backlog.jobs().items():
        jobs.add_metric([status], count)
    overdue = backlog.overdue_questions().total_seconds()
    overdue_subscriptions = backlog.overdue_subscription_questions().total_seconds()
    quiet = float("inf") if silence is None else silence.total_seconds()
    gauge = GaugeMetricFamily
    return [
        gauge("checkout_webhooks_waiting", "Events that are kept and not handled", value=events),
        gauge("checkout_webhooks_oldest_seconds", "Age of the oldest of them", value=oldest_event.total_seconds()),
        gauge("checkout_questions_overdue_seconds", "For how long Appmax should have been asked", value=overdue),
        gauge(
            "checkout_subscription_questions_overdue_seconds",
            "For how long Appmax should have been asked about a subscription",
            value=overdue_subscriptions,
        ),
        gauge("checkout_notifications_waiting", "Messages that are due and not sent", value=notifications),
        gauge("checkout_notifications_oldest_seconds", "For how long", value=oldest_notification.total_seconds()),
        gauge(
            "checkout_notification_endpoints_failing",
            "Endpoints of storefronts that have failed for an hour",
            value=backlog.failing_endpoints(),
        ),
        gauge("checkout_payments_open", "Payment attempts without a known outcome", value=payments),
        gauge("checkout_payments_open_oldest_seconds", "Age of the oldest", value=oldest_payment.total_seconds()),
        gauge("checkout_questions_asked_in_vain", "Orders asked about in vain", value=backlog.questions_in_vain()),
        gauge(
            "checkout_subscription_questions_asked_in_vain",
            "Subscriptions asked about in vain",
            value=backlog.subscription_questions_in_vain(),
        ),
        gauge("checkout_worker_silence_seconds", "Since a job worker's last sign of life; +Inf: none", value=quiet),
        jobs,
    ]


def is_probe(request: HttpRequest) -> bool:
    """Whether the caller has METRICS_TOKEN. Without that setting everybody counts locally, and nobody in production."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return constant_time_compare(given, token) if token else settings.IS_LOCAL


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as Prometheus reads them, for callers that `is_probe` lets in."""
    if not is_probe(request):
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
