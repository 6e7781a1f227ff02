"""HTTP to Appmax: pooled connections, explicit time-outs, and only those repeats that contract section 5 allows."""

import json as encoding
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Any
from urllib.parse import urlencode

import requests
import structlog
from prometheus_client import Histogram
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.util import Retry

from appmax.connection import BoundedAdapter, Received
from appmax.errors import AppmaxError, OutcomeUnknown, Unavailable

log = structlog.stdlib.get_logger("appmax")

_calls = Histogram(
    "appmax_call_seconds",
    "Calls to Appmax, by route and answer; a call without one has the kind of failure as its status",
    ["method", "route", "status"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60),
)

TRACE_HEADERS = ("CF-Ray", "X-Request-Id", "X-Trace-Id")
LONGEST_WAIT_SECONDS = 2  # A 429 whose Retry-After is longer is not waited for, because a shopper is waiting for us.
DEFAULT_RETRY_AFTER_SECONDS = 60
_NUMBERS = re.compile(r"/\d+")
_SECONDS = re.compile(r"([0-9]{1,6})(?: ?(?:s|seconds?|segundos?))?")
_BACKOFF_SECONDS = (0.2, 0.5)
_GATEWAY_FAILURES = (502, 503, 504)
_HEADERS = {**requests.utils.default_headers(), "Accept": "application/json"}


class Kind(Enum):
    """What kind of call it is, which decides what may be done if no clear answer comes."""

    REPEATABLE = "repeatable"
    """It may be sent again: a read, a calculation, /oauth2/token or /app/authorize."""
    HARMLESS = "harmless"
    """We don't send it again, but it does no harm if it happened."""
    ONCE = "once"
    """It may have happened, so it must not be sent again."""
    PAYMENT = "payment"
    """It may have charged the shopper, so it must not be sent again. A refusal is a decline."""
    CARD = "card"
    """It is a payment, and an order that is cancelled at once means that the card was declined."""

    @property
    def leaves_doubt(self) -> bool:
        """Whether somebody must find out later what a call without a clear answer did."""
        return self not in (Kind.REPEATABLE, Kind.HARMLESS)

    @property
    def is_payment(self) -> bool:
        """Whether the call charges somebody, so that a refusal is a decline."""
        return self in (Kind.PAYMENT, Kind.CARD)


@dataclass(frozen=True)
class Answer:
    """A complete answer. `body` is the parsed JSON, or None if it isn't JSON. `retry_after` is in seconds."""

    status: int
    body: Any
    trace: Mapping[str, str]
    retry_after: int


class Transport:
    """Sends requests for all clients of a process.

    `before_send` is called before each call. `request_id` returns the value of the header X-Request-ID, or None to
    leave it out. `tell` writes what went well to the log. Time-outs are in seconds.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 3.0,
        read_timeout: float = 30.0,
        pool_size: int = 32,
        before_send: Callable[[], None] = lambda: None,
        request_id: Callable[[], str | None] = lambda: None,
        tell: Callable[..., None] = lambda log, event, **facts: log.info(event, **facts),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._before_send = before_send
        self._request_id = request_id
        self._sleep = sleep
        self._tell = tell
        self._adapter = BoundedAdapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)

    def send(
        self,
        method: str,
        base_url: str,
        path: str,
        *,
        kind: Kind,
        token: str | None = None,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Any complete answer, whatever its status. `timeout` (seconds) limits the answer, and also the connecting. The
        `query` is sent behind the path, and isn't logged with it.

        Raises Unavailable or OutcomeUnknown if no complete answer comes. No exception of the HTTP library escapes or is
        chained to ours, because it holds the request with its secrets.
        """
        self._before_send()
        url = base_url + path + (f"?{urlencode(query)}" if query else "")
        attempt = 0
        while True:
            attempt += 1
            error: AppmaxError | None = None
            answer: Answer | None = None
            may_repeat = kind is Kind.REPEATABLE
            started = time.perf_counter()
            try:
                answer = _answer(
                    self._adapter.exchange(
                        self._prepared(method, url, token, json, form),
                        base_url=base_url,
                        connect_timeout=min(self._connect_timeout, timeout or self._connect_timeout),
                        read_timeout=timeout or self._read_timeout,
                    )
                )
            except (requests.RequestException, HTTPError, OSError, ValueError) as failure:
                error = _classified(failure, kind)
                may_repeat = may_repeat or _never_arrived(failure)
            self._log(method, path, answer, error, time.perf_counter() - started, attempt)
            wait = _wait_before_repeat(answer, error, kind, attempt, may_repeat=may_repeat)
            if wait is None:
                if error is not None:
                    raise error from None
                assert answer is not None  # noqa: S101 - without an error there is an answer
                return answer
            self._sleep(wait)

    def _prepared(
        self, method: str, url: str, token: str | None, json: Mapping[str, Any] | None, form: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        """The request, whose body and headers are complete. `requests` would add a login from ~/.netrc."""
        headers = dict(_HEADERS)  # A plain dictionary is enough, as each name is spelled in one way only.
        if request_id := self._request_id():
            headers["X-Request-ID"] = request_id
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = requests.PreparedRequest()
        request.method, request.url = method, url
        request.headers = headers  # type: ignore[assignment] # see above
        if json is not None:
            headers["Content-Type"] = "application/json"
            request.body = encoding.dumps(json, allow_nan=False).encode()
        elif form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            request.body = urlencode(form)
        if request.body is not None:
            headers["Content-Length"] = str(len(request.body))
        return request

    def _log(
        self, method: str, path: str, answer: Answer | None, error: AppmaxError | None, seconds: float, attempt: int
    ) -> None:
        """Log and count the call. Bodies, headers and tokens are never logged."""
        failed = answer is None or answer.status >= 400
        status = answer.status if answer else type(error).__name__
        _calls.labels(method, _NUMBERS.sub("/{id}", path), str(status)).observe(seconds)
        facts = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000), "attempt": attempt}
        facts |= answer.trace if answer else {}
        if failed:
            log.warning("appmax.call", **facts)
        else:
            self._tell(log, "appmax.call", **facts)


def _answer(response: Received | requests.Response) -> Answer:
    # The body is UTF-8 whatever the Content-Type says, and may begin with a byte order mark.
    text = response.content.decode("utf-8", "replace").lstrip("\ufeff")
    try:
        body = encoding.loads(text)
        if "\\u" in text:
            body = _storable(body)
    except (ValueError, RecursionError):
        body = None
    return Answer(
        status=response.status_code,
        body=body,
        trace={name: response.headers[name][:200] for name in TRACE_HEADERS if name in response.headers},
        retry_after=_seconds(response.headers.get("Retry-After"), body),
    )


def _storable(value: Any) -> Any:
    """The value without the characters that JSON can write as \\u escapes and PostgreSQL can't store: NUL and lone
    surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def _seconds(header: str | None, body: Any) -> int:
    """Seconds of Retry-After, which may be a date (RFC 9110, section 10.2.3), or of the body's retryAfter ("2",
    "2 seconds"), or the default if neither can be read. A date counts for six hours at most."""
    for value in (header, body.get("retryAfter") if isinstance(body, dict) else None):
        text = str(value).strip()
        if found := _SECONDS.fullmatch(text):
            return int(found[1])
        with suppress(HTTPError, ValueError, OverflowError):
            return ceil(Retry().parse_retry_after(text))
    return DEFAULT_RETRY_AFTER_SECONDS


def _classified(failure: Exception, kind: Kind) -> AppmaxError:
    """Unavailable if the request can't have arrived or does no harm, else OutcomeUnknown."""
    cause = _cause(failure)
    is_connecting = isinstance(cause, ConnectTimeoutError) and not isinstance(cause, NewConnectionError)
    timed_out = is_connecting or isinstance(cause, ReadTimeoutError) or isinstance(failure, requests.Timeout)
    if _never_arrived(failure) or not kind.leaves_doubt:
        message = "Appmax did not answer in time" if timed_out else "Appmax could not be reached"
        return Unavailable(message, timed_out=timed_out)
    message = "Appmax did not answer in time" if timed_out else "the connection to Appmax broke"
    return OutcomeUnknown(message, timed_out=timed_out)


def _never_arrived(failure: Exception) -> bool:
    """Whether no connection was made, so that nothing was sent."""
    return isinstance(_cause(failure), NewConnectionError | NameResolutionError | ConnectTimeoutError)


def _cause(failure: Exception) -> object:
    """The exception of urllib3, which one of `requests` holds."""
    if isinstance(failure, HTTPError):
        return failure
    reason = failure.args[0] if failure.args else None
    return reason.reason if isinstance(reason, MaxRetryError) else reason


def _wait_before_repeat(
    answer: Answer | None, error: AppmaxError | None, kind: Kind, attempt: int, *, may_repeat: bool
) -> float | None:
    """Seconds to wait before the same request is sent again; None if it must not be.

    `may_repeat` tells whether the request may be sent again after a failure without an answer.
    """
    if answer is not None and answer.status == 429:
        return answer.retry_after if attempt == 1 and answer.retry_after <= LONGEST_WAIT_SECONDS else None
    repeats = len(_BACKOFF_SECONDS) if kind is Kind.REPEATABLE else 1
    if attempt > repeats:
        return None
    if may_repeat and isinstance(error, Unavailable) and not error.timed_out:
        return _BACKOFF_SECONDS[attempt - 1]
    if answer is not None and answer.status in _GATEWAY_FAILURES and kind is Kind.REPEATABLE:
        return _BACKOFF_SECONDS[attempt - 1]
    return None
