"""Error reports to Sentry and traces over OpenTelemetry: off, unless the environment names where they go.

Others get less than our own logs: no bodies, headers, cookies, query strings, addresses, users, values of variables or
texts of exceptions. A report carries the request's number, under which the log has the rest. The libraries are loaded
only if they are used.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from checkout_project.logs import scrub, scrubbed

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from sentry_sdk.types import Event, Hint


def start() -> None:
    """Once a process, before it serves anything."""
    if settings.SENTRY_DSN:
        _start_error_reports()
    if settings.OTEL_ENDPOINT:
        _start_traces()


# --- error reports ---


def _start_error_reports() -> None:
    import sentry_sdk
    from sentry_sdk.integrations.logging import ignore_logger
    from sentry_sdk.utils import BadDsn, Dsn

    ignore_logger("django.security.DisallowedHost")  # whoever knows our address could fill the account
    try:
        Dsn(settings.SENTRY_DSN)
    except BadDsn:
        raise ImproperlyConfigured("SENTRY_DSN is none: https://KEY@HOST/PROJECT") from None
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.APP_ENV,
        release=settings.VERSION,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        trace_propagation_targets=[],  # Appmax gets none of its headers
        shutdown_timeout=2,  # seconds
        before_send=reported,
    )


def reported(event: "Event", hint: "Hint") -> "Event":
    """What is left of a report: where it happened, what kind of failure, which route and request."""
    report: dict[str, Any] = {
        name: event[name]
        for name in (
            "event_id",
            "timestamp",
            "level",
            "platform",
            "environment",
            "release",
            "logger",
            "sdk",
            "exception",
        )
        if name in event
    }
    for exception in report.get("exception", {}).get("values", []):
        exception.pop("value", None)
    record = hint.get("log_record")
    if record is not None and isinstance(record.msg, dict):  # a line of ours: named by its event
        line = scrubbed(None, "", dict(record.msg))
        report["logentry"] = {"message": line.pop("event")}
        report["extra"] = line
    elif record is not None:
        report["logentry"] = {"message": scrub(str(record.msg))}  # without its arguments
    if event.get("transaction_info", {}).get("source") == "route":  # else it is a path
        report["transaction"] = event["transaction"]
    report["tags"] = structlog.contextvars.get_contextvars()
    return report  # type: ignore[return-value]


# --- traces ---

_TOLD = (
    "http.method",
    "http.route",
    "http.status_code",
    "db.system",
    "db.statement",  # with placeholders
    "request_id",
)


def _start_traces() -> None:
    from opentelemetry import propagate, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagate.set_global_textmap(TraceContextTextMapPropagator())  # not "baggage": a stranger's would go on to Appmax
    exporter = OTLPSpanExporter(endpoint=f"{settings.OTEL_ENDPOINT.rstrip('/')}/v1/traces", timeout=5)
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.OTEL_TRACES_SHARE),
        resource=Resource.create(
            {
                "service.name": "appmax-checkout",
                "service.version": settings.VERSION,
                "deployment.environment": settings.APP_ENV,
            }
        ),
    )
    provider.add_span_processor(BatchSpanProcessor(_reticent(exporter)))
    trace.set_tracer_provider(provider)
    # Behind what names the request, and what lets probes in under any name.
    position = settings.MIDDLEWARE.index("django.middleware.security.SecurityMiddleware")
    DjangoInstrumentor().instrument(response_hook=_name_request, middleware_position=position)
    PsycopgInstrumentor().instrument()
    RequestsInstrumentor().instrument()


def _name_request(span: Any, request: Any, response: Any) -> None:
    span.set_attribute("request_id", request.request_id)


def _reticent(exporter: "SpanExporter") -> "SpanExporter":
    """The exporter, given spans with nothing in them but what may be told."""
    export = exporter.export

    def export_told(spans: "Sequence[ReadableSpan]") -> Any:
        return export([_told(span) for span in spans])

    exporter.export = export_told  # type: ignore[method-assign]
    return exporter


def _told(span: "ReadableSpan") -> "ReadableSpan":
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Status

    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if name in _TOLD},
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
