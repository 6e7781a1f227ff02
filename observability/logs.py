"""How everything is logged: structlog over the standard library's loggers, as JSON or as readable lines.

Whatever is bound to the context (a request's number, a job's) is in each line. The last thing done to a line is to mask
what looks like a secret: the second line of defence, as the first is not to log any.
"""

import functools
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.worker import Worker
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "••••"

_NAMES = "number|cvv|expiration_(?:month|year)|holder_name|token|client_secret|merchant_client_secret|access_token"
_SECRET_FIELD = re.compile(rf"(?:{_NAMES})", re.IGNORECASE)
_PATTERNS = (
    # card numbers: 13 to 19 digits, with single spaces or dashes between them or none
    (re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w.-])"), MASK),
    # "cvv": "123" and the like, in JSON, Python or query strings
    (re.compile(rf"""(["']?\b(?:{_NAMES})\b["']?\s*[:=]\s*["']?)([^"',&\s}}]+)""", re.IGNORECASE), rf"\1{MASK}"),
    # what PostgreSQL quotes of rows and statements, which ends with its error's text
    (
        re.compile(r"((?:DETAIL|CONTEXT|LINE \d+): ).*?(?=\n\n(?:The above|During handling)|\Z)", re.DOTALL),
        rf"\1{MASK}",
    ),
    (re.compile(r"""(invalid input \w+ for [^:"\n]+: )".*?"(?=\n|\Z)"""), rf"\1{MASK}"),
    (re.compile(r"\b(Bearer|Api-Key|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {MASK}"),
)


_MAY_HOLD_ONE = re.compile(r"[:=\s]|\d(?:-?\d){12}")  # each of the above needs one of these; most values have none


def scrub(text: str) -> str:
    """The text without what looks like a card number, a card's field, a token or a secret."""
    if not _MAY_HOLD_ONE.search(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def scrubbed(logger: WrappedLogger | None, method: str, line: EventDict) -> EventDict:
    """A processor of structlog: every value of the line, however deep, without secrets."""
    return {name: MASK if _is_secret(name) else _scrubbed(value) for name, value in line.items()}


@functools.lru_cache(maxsize=500)
def _is_secret(name: str) -> bool:
    return _SECRET_FIELD.fullmatch(name) is not None


def _in_order(logger: WrappedLogger | None, method: str, line: EventDict) -> EventDict:
    """When, how bad and what first: people read these lines too."""
    first = ("timestamp", "level", "event", "logger", "request_id")
    return {**{name: line[name] for name in first if name in line}, **line}


def _scrubbed(value: Any) -> Any:
    """Numbers stay numbers unless they look like a card's; what isn't JSON becomes text."""
    if isinstance(value, str):  # first, as most are
        return scrub(value.encode("utf-8", "backslashreplace").decode())  # lone surrogates can't be written
    match value:
        case None | bool():
            return value
        case float():
            return value if math.isfinite(value) else str(value)  # JSON has neither NaN nor infinity
        case int():
            if abs(value) < 10**12:
                return value  # too short for a card number
            return value if (text := scrub(str(value))) == str(value) else text
        case dict():
            return scrubbed(None, "", {str(name): item for name, item in value.items()})
        case list() | tuple():
            return [_scrubbed(item) for item in value]
    return _scrubbed(str(value))


async def name_job(call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
    """Middleware of the job worker: what is logged and asked of Appmax during a job carries its number."""
    job = context.job
    with structlog.contextvars.bound_contextvars(request_id=f"job-{job.id}", task=job.task_name):
        return await call_next()


# What a line of ours and one of a library have in common.
_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
]


def configure_structlog() -> None:
    """Lines of ours go through the standard library's loggers, levels and handlers."""
    # What no line shows needn't be found out for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


_JSON = json.JSONEncoder(ensure_ascii=False)  # json.dumps would make one for each line


def _write(line: EventDict, **options: Any) -> str:
    return _JSON.encode(line)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """A line that can't be written fails nothing, a payment least of all, and says where it comes from. Left to the
    standard library, it would be printed with all its values."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:
            what = f"log.unprintable: {type(error).__name__} at {record.pathname}:{record.lineno}"
            return super().format(logging.LogRecord(record.name, record.levelno, "", 0, what, None, None))


def formatter(form: str) -> structlog.stdlib.ProcessorFormatter:
    """`form`: "json", an object a line; or "text", for people."""
    renderer: Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(_write)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, pad_level=False, exception_formatter=structlog.dev.plain_traceback
        )
    return _Formatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            scrubbed,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _in_order,
            renderer,
        ],
    )


def configuration(level: str, form: str) -> dict[str, Any]:
    """The standard library's configuration, for Django's LOGGING and for gunicorn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "observability.logs.formatter", "form": form}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # DEBUG level of these would print SQL parameters and request lines
            "django.db.backends": {"level": "INFO"},
            "urllib3": {"level": "INFO"},
            "procrastinate": {"level": "WARNING"},  # it tells of every round
            "gunicorn.http.wsgi": {"level": "ERROR"},  # warns of every HEAD: Django leaves the body to it
            # Their own handlers would print each line twice, or mail error reports with request bodies
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "gunicorn.error": {"handlers": [], "propagate": True},
        },
    }
