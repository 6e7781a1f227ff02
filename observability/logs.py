"""How everything is logged: structlog over the standard library's loggers, as JSON or as readable lines.

Each line carries what is bound to the context, such as the id of the request or the job. Before a line is written,
everything in it that looks like a secret is masked. This is the second line of defence; the first is that no code logs
a secret.
"""

import functools
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from procrastinate import JobContext
from procrastinate.worker import Worker
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "••••"

_NAMES = (
    "number|cvv|expiration_(?:month|year)|holder_name|token|signature|client_secret|merchant_client_secret|access_token"
)
_SECRET_FIELD = re.compile(rf"(?:{_NAMES})", re.IGNORECASE)
_PATTERNS = (
    # card numbers: 13 to 19 digits, with single spaces or dashes between them or none
    (re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w.-])"), MASK),
    # "cvv": "123" and the like, in JSON, Python or query strings; a quoted value up to its closing quote
    (
        re.compile(
            rf"""(["']?\b(?:{_NAMES})\b\\*["']?\s*[:=]\s*)"""
            r"""(?:(\\*")(?:[^"\\\n]|\\.)*|(\\*')(?:[^'\\\n]|\\.)*|[^"',&\s}]+)""",
            re.IGNORECASE,
        ),
        rf"\1\2\3{MASK}",
    ),
    # 40 or more characters of base64 in a row, as in a wallet's token; a path has no such mixture
    (re.compile(r"(?<![\w+/])(?=[\w+/]{40})(?=[a-z\d+/]*[A-Z])(?=[A-Za-z+/]*\d)[A-Za-z\d+/]{40,}={0,2}"), MASK),
    # rows and statements that PostgreSQL quotes, up to the end of its error's text
    (
        re.compile(r"((?:DETAIL|CONTEXT|LINE \d+): ).*?(?=\n\n(?:The above|During handling)|\Z)", re.DOTALL),
        rf"\1{MASK}",
    ),
    (re.compile(r"""(invalid input \w+ for [^:"\n]+: )".*?"(?=\n|\Z)"""), rf"\1{MASK}"),
    (re.compile(r"\b(Bearer|Api-Key|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {MASK}"),
)


# Each of the patterns above needs one of these, and most values have none, so they are passed over quickly.
_MAY_HOLD_ONE = re.compile(r"[:=\s]|\d(?:-?\d){12}")


def scrub(text: str) -> str:
    """The text without what looks like a card number, a card's field, a token or a secret."""
    if not _MAY_HOLD_ONE.search(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def scrubbed(logger: WrappedLogger | None, method: str, line: EventDict) -> EventDict:
    """A processor of structlog that masks secrets in every value of the line, however deep."""
    return {name: MASK if _is_secret(name) else _scrubbed(value) for name, value in line.items()}


@functools.lru_cache(maxsize=500)
def _is_secret(name: str) -> bool:
    return _SECRET_FIELD.fullmatch(name) is not None


def _in_order(logger: WrappedLogger | None, method: str, line: EventDict) -> EventDict:
    """Put time, level and event first, because people read these lines too."""
    first = ("timestamp", "level", "event", "logger", "request_id")
    return {**{name: line[name] for name in first if name in line}, **line}


def _scrubbed(value: Any) -> Any:
    """The value without secrets. A number stays a number unless it looks like a card's, and what isn't JSON becomes a
    text."""
    if isinstance(value, str):  # Most values are texts, so they are tested for first.
        if not value.isascii():
            value = value.encode("utf-8", "backslashreplace").decode()  # Lone surrogates can't be written.
        return scrub(value)
    match value:
        case None | bool():
            return value
        case float():
            return value if math.isfinite(value) else str(value)  # JSON has neither NaN nor infinity.
        case int():
            if abs(value) < 10**12:
                return value  # The number is too short for a card number.
            return value if (text := scrub(str(value))) == str(value) else text
        case dict():
            return scrubbed(None, "", {str(name): item for name, item in value.items()})
        case list() | tuple():
            return [_scrubbed(item) for item in value]
    return _scrubbed(str(value))


_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default=MappingProxyType({}))


def bind(**facts: str) -> None:
    """Have every line carry these facts from now on, in this thread or task. They replace what was bound before."""
    _bound.set(facts)


@contextmanager
def bound(**facts: str) -> Iterator[None]:
    """Binds these facts like `bind`, and afterwards what was bound before."""
    token = _bound.set(facts)
    try:
        yield
    finally:
        _bound.reset(token)


def bound_facts() -> Mapping[str, str]:
    """What is bound: the request's or the job's id, and the job's task."""
    return _bound.get()


def _with_bound(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """structlog's own processor for this looks at each variable of the context, and Django has many."""
    return {**_bound.get(), **line}


async def name_job(call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
    """Middleware of the job worker: lines that are logged and calls to Appmax that are made during a job carry its
    id."""
    job = context.job
    with bound(request_id=f"job-{job.id}", task=job.task_name):
        return await call_next()


# These processors run for our own lines and for those of libraries.
_SHARED: list[Processor] = [
    _with_bound,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
]


def configure_structlog() -> None:
    """Send our own lines through the standard library's loggers, levels and handlers."""
    # No line shows these, so they needn't be found out for each (docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # the place in the code that logs
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


_steps: ContextVar[list[EventDict] | None] = ContextVar("steps", default=None)


def tell(log: Any, event: str, **facts: Any) -> None:
    """Tell what went well. Within a request it becomes one of the `steps` of the request's own line, as writing a line
    costs more than all else that a webhook tells. Outside of a request, in a job or a command, it is a line of its
    own. Warnings and errors are never steps: they are lines at once."""
    steps = _steps.get()
    if steps is None:
        log.info(event, **facts)
    else:
        steps.append({"event": event, **facts})


@contextmanager
def collecting_steps() -> Iterator[list[EventDict]]:
    """Within this context, `tell` appends to the list instead of writing lines."""
    steps: list[EventDict] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


def _write(line: EventDict, **options: Any) -> str:
    """The line as JSON. orjson writes no number of more than 64 bits, which the standard library does."""
    try:
        return orjson.dumps(line).decode()
    except orjson.JSONEncodeError:
        return json.dumps(line, ensure_ascii=False)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """A line that can't be written must not make a payment fail, so a line that says where it comes from takes its
    place. The standard library would print it with all its values, secrets included.

    With `is_json` our own lines without a traceback go straight to the encoder: ProcessorFormatter would copy the
    record and call six functions for each, which takes twice as long.
    """

    is_json = False

    def format(self, record: logging.LogRecord) -> str:
        try:
            line = record.msg
            if self.is_json and isinstance(line, dict) and not line.get("exc_info") and not line.get("stack_info"):
                now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
                return _write(_in_order(None, "", {"timestamp": now, **scrubbed(None, "", line)}))
            return super().format(record)
        except Exception as error:
            what = f"log.unprintable: {type(error).__name__} in a line of {record.name}"
            return super().format(logging.LogRecord(record.name, record.levelno, "", 0, what, None, None))


def formatter(form: str) -> structlog.stdlib.ProcessorFormatter:
    """`form` is "json" for one object a line, or "text" for people."""
    renderer: Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(_write)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, pad_level=False, exception_formatter=structlog.dev.plain_traceback
        )
    made = _Formatter(
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
    made.is_json = form == "json"
    return made


def configuration(level: str, form: str) -> dict[str, Any]:
    """The standard library's configuration, for Django's LOGGING and for gunicorn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "observability.logs.formatter", "form": form}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # At DEBUG these would print SQL parameters and request lines.
            "django.db.backends": {"level": "INFO"},
            "urllib3": {"level": "INFO"},
            "procrastinate": {"level": "WARNING"},  # Below that it logs each periodic task.
            # It warns of every HEAD, as Django lets the server drop the body.
            "gunicorn.http.wsgi": {"level": "ERROR"},
            # Their own handlers would print each line twice, or mail error reports with request bodies.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "gunicorn.error": {"handlers": [], "propagate": True},
        },
    }
