"""HTTP to Appmax: one pooled session, explicit time-outs, and only the repeats that contract section 5 allows."""

import functools
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import structlog
from prometheus_client import Histogram
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from appmax.connection import BoundedAdapter
from appmax.errors import AppmaxError, OutcomeUnknown, Unavailable

log = structlog.stdlib.get_logger("appmax")

_calls = Histogram(
    "appmax_call_seconds",
    "Calls to Appmax, by route and answer; a call without one has the kind of failure as its status",
    ["method", "route", "status"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60),
)

TRACE_HEADERS = ("CF-Ray", "X-Request-Id", "X-Trace-Id")
LONGEST_WAIT_SECONDS = 2  # for a 429's Retry-After; a shopper waits behind it
DEFAULT_RETRY_AFTER_SECONDS = 60
_NUMBERS = re.compile(r"/\d+")
_SECONDS = re.compile(r"([0-9]{1,6})(?: ?(?:s|seconds?|segundos?))?")
_BACKOFF_SECONDS = (0.2, 0.5)
_GATEWAY_FAILURES = (502, 503, 504)


class Kind(Enum):
    """What may be done with a call whose answer didn't come."""

    REPEATABLE = "repeatable"  # reads, calculations, /oauth2/token, /app/authorize
    HARMLESS = "harmless"  # not sent again by us, but nobody is hurt if it happened
    ONCE = "once"  # it may have happened
    PAYMENT = "payment"  # it may have charged; and a refusal is a decline
    CARD = "card"  # a payment; and one that is cancelled at once was declined

    @property
    def leaves_doubt(self) -> bool:
        """Whether it matters if a call without a clear answer happened."""
        return self not in (Kind.REPEATABLE, Kind.HARMLESS)

    @property
    def is_payment(self) -> bool:
        """Whether it charges somebody, so that a refusal is a decline."""
        return self in (Kind.PAYMENT, Kind.CARD)


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, body as JSON (None if it isn't), trace headers, Retry-After in seconds."""

    status: int
    body: Any
    trace: Mapping[str, str]
    retry_after: int


class Transport:
    """Shared by all clients of a process. `before_send` is called before each call, `request_id` says what
    goes along as X-Request-ID, if anything."""

    def __init__(
        self,
        *,
        connect_timeout: float = 3.0,
        read_timeout: float = 30.0,
        pool_size: int = 32,
        before_send: Callable[[], None] = lambda: None,
        request_id: Callable[[], str | None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._before_send = before_send
        self._request_id = request_id
        self._sleep = sleep
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # merchants share the session
        self._session.trust_env = False  # it would be read anew for each request: a third of its work
        self._environment = functools.cache(_environment)
        adapter = BoundedAdapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

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
        timeout: float | None = None,
    ) -> Answer:
        """Any complete answer, whatever its status; `timeout`: seconds for the answer, and at most for connecting.

        Raises Unavailable or OutcomeUnknown if there is none. No exception of the HTTP library escapes, nor is one
        chained: it holds the request.
        """
        self._before_send()
        attempt = 0
        while True:
            attempt += 1
            error: AppmaxError | None = None
            answer: Answer | None = None
            may_repeat = kind is Kind.REPEATABLE
            started = time.perf_counter()
            try:
                response = self._session.send(
                    self._prepared(method, base_url + path, token, json, form),
                    timeout=(
                        min(self._connect_timeout, timeout or self._connect_timeout),
                        timeout or self._read_timeout,
                    ),
                    allow_redirects=False,
                    **self._environment(base_url),
                )
                answer = _answer(response)
            except (requests.RequestException, OSError, ValueError) as failure:
                error = _classified(failure, kind)
                may_repeat = may_repeat or _never_arrived(failure)
            self._log(method, path, answer, error, time.perf_counter() - started, attempt)
            wait = _wait_before_repeat(answer, error, kind, attempt, may_repeat=may_repeat)
            if wait is None:
                if error is not None:
                    raise error from None
                assert answer is not None  # noqa: S101 - one of the two
                return answer
            self._sleep(wait)

    def _prepared(
        self, method: str, url: str, token: str | None, json: Mapping[str, Any] | None, form: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        """Without the session's merging of cookies, parameters and hooks that we have none of: a tenth of a call."""
        headers = {**self._session.headers, "Accept": "application/json"}
        if request_id := self._request_id():
            headers["X-Request-ID"] = request_id
        request = requests.PreparedRequest()
        request.prepare(method=method, url=url, headers=headers, json=json, data=form, auth=_Bearer(token), hooks={})
        return request

    def _log(
        self, method: str, path: str, answer: Answer | None, error: AppmaxError | None, seconds: float, attempt: int
    ) -> None:
        """Never bodies, headers or tokens."""
        failed = answer is None or answer.status >= 400
        status = answer.status if answer else type(error).__name__
        _calls.labels(method, _NUMBERS.sub("/{id}", path), str(status)).observe(seconds)
        log.log(
            logging.WARNING if failed else logging.INFO,
            "appmax.call",
            method=method,
            path=path,
            status=status,
            ms=round(seconds * 1000),
            attempt=attempt,
            **(answer.trace if answer and failed else {}),
        )


def _environment(base_url: str) -> Mapping[str, Any]:
    """What the environment says of requests to this host: proxies (HTTPS_PROXY, NO_PROXY) and the certificates to trust
    (REQUESTS_CA_BUNDLE)."""
    found = requests.Session().merge_environment_settings(base_url, {}, None, None, None)
    return {"proxies": dict(found["proxies"]), "verify": found["verify"]}


class _Bearer(requests.auth.AuthBase):
    """Sets Authorization. Given even without a token: otherwise `requests` would take a login from ~/.netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _answer(response: requests.Response) -> Answer:
    # Whatever the Content-Type says, the body is UTF-8, and may begin with a byte order mark.
    text = response.content.decode("utf-8", "replace").lstrip("\ufeff")
    try:
        body = json.loads(text)
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
    """The value without what is good JSON and no good text: NUL and lone surrogates, written as \\u escapes."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def _seconds(header: str | None, body: Any) -> int:
    """Seconds of Retry-After, or of the body's retryAfter ("2", "2 seconds"); a default if neither is a number."""
    for value in (header, body.get("retryAfter") if isinstance(body, dict) else None):
        if found := _SECONDS.fullmatch(str(value).strip()):
            return int(found[1])
    return DEFAULT_RETRY_AFTER_SECONDS


def _classified(failure: Exception, kind: Kind) -> AppmaxError:
    """Whether the request can have arrived."""
    timed_out = isinstance(failure, requests.Timeout) or isinstance(_cause(failure), ReadTimeoutError)
    if _never_arrived(failure) or not kind.leaves_doubt:
        message = "Appmax did not answer in time" if timed_out else "Appmax could not be reached"
        return Unavailable(message, timed_out=timed_out)
    message = "Appmax did not answer in time" if timed_out else "the connection to Appmax broke"
    return OutcomeUnknown(message, timed_out=timed_out)


def _never_arrived(failure: Exception) -> bool:
    """No connection was made, so nothing was sent."""
    return isinstance(_cause(failure), NewConnectionError | NameResolutionError | ConnectTimeoutError)


def _cause(failure: Exception) -> object:
    """What urllib3 says behind an exception of `requests`."""
    reason = failure.args[0] if failure.args else None
    return reason.reason if isinstance(reason, MaxRetryError) else reason


def _wait_before_repeat(
    answer: Answer | None, error: AppmaxError | None, kind: Kind, attempt: int, *, may_repeat: bool
) -> float | None:
    """Seconds to wait before the same request may be sent again; None if it may not.

    `may_repeat`: whether a failure without an answer allows it.
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
