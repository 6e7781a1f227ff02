"""Error reports to Sentry, which are off unless `SENTRY_DSN` says where they go.

Sentry gets less than our own log: no bodies, headers, cookies, query strings, addresses, users, values of variables or
texts of exceptions. A report carries the request's id, which leads to the rest in the log. Sentry's library is loaded
only if it is used.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from observability.logs import bound_facts, scrub, scrubbed

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint


def start() -> None:
    """Start Sentry's client if `SENTRY_DSN` is set. Each process calls this once, before it serves anything. Raises
    ImproperlyConfigured if `SENTRY_DSN` is no DSN."""
    if not settings.SENTRY_DSN:
        return

    import sentry_sdk
    from sentry_sdk.integrations.logging import ignore_logger
    from sentry_sdk.utils import BadDsn, Dsn

    ignore_logger("django.security.DisallowedHost")  # Anybody could provoke these and use up the account's quota.
    try:
        Dsn(settings.SENTRY_DSN)
    except BadDsn:
        raise ImproperlyConfigured("SENTRY_DSN must be like https://KEY@HOST/PROJECT") from None
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.APP_ENV,
        release=settings.VERSION,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        trace_propagation_targets=[],  # Sentry adds no headers to our calls of Appmax.
        shutdown_timeout=2,  # seconds
        before_send=reported,
    )


def reported(event: "Event", hint: "Hint") -> "Event":
    """The part of a report that is sent: where the failure happened, of what kind it is, on which route and in which
    request."""
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
    if record is not None and isinstance(record.msg, dict):  # The line is our own, and its event names it.
        line = scrubbed(None, "", dict(record.msg))
        report["logentry"] = {"message": line.pop("event")}
        report["extra"] = line
    elif record is not None:
        report["logentry"] = {"message": scrub(str(record.msg))}  # The arguments are left out.
    if event.get("transaction_info", {}).get("source") == "route":  # Otherwise it is a path, which may hold a key.
        report["transaction"] = event["transaction"]
    report["tags"] = dict(bound_facts())
    return report  # type: ignore[return-value]
