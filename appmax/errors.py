"""What can go wrong at Appmax, with one class for each thing that the caller may do next."""

from collections.abc import Mapping


class AppmaxError(Exception):
    """`message` is Appmax's, or ours if it gave none. `status` is the HTTP status, and None without an answer. `trace`
    holds the answer's CF-Ray, X-Request-Id and X-Trace-Id, which Appmax's support asks for."""

    def __init__(self, message: str, *, status: int | None = None, trace: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.trace = dict(trace or {})


class Declined(AppmaxError):
    """The payment was refused and nothing was charged. The shopper may try again.

    `order_status` is the order's new status: `recusado_por_risco` if Appmax said so, else `cancelado`.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        trace: Mapping[str, str] | None = None,
        order_status: str = "cancelado",
    ) -> None:
        super().__init__(message, status=status, trace=trace)
        self.order_status = order_status


class Rejected(AppmaxError):
    """Our request is at fault, and would fail again. `status` is 400, 404, 409 or 422; the last also stands for a 403
    that is about this request, and for an error that Appmax answered with 200."""


class Unavailable(AppmaxError):
    """Nothing happened, or the call was only a read, so it may be tried again later.

    `timed_out` tells that no answer came in time. `retry_after` is the number of seconds to wait if Appmax answered
    429, and None otherwise.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        trace: Mapping[str, str] | None = None,
        timed_out: bool = False,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, status=status, trace=trace)
        self.timed_out = timed_out
        self.retry_after = retry_after


class CredentialsUnreadable(Unavailable):
    """The merchant's secret can't be read on our side, so nothing was sent."""


class TooFast(Unavailable):
    """The merchant's calls would come faster than Appmax allows, so nothing was sent. `retry_after` is in seconds."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("this merchant's requests come faster than Appmax allows", retry_after=retry_after)


class CredentialsRefused(Unavailable):
    """Appmax no longer accepts these credentials, so nothing happens until they are replaced.

    Either its auth server gave no token for them, or it answered a call with an OAuth error, or it answered 401 even to
    a new token.
    """


class OutcomeUnknown(AppmaxError):
    """The call may have happened, so it must never be sent again. `GET /v1/orders/{id}` tells later whether it did.

    The reason is a time-out (`timed_out`), a 5xx, a broken connection, a firewall's page, or an unreadable answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        trace: Mapping[str, str] | None = None,
        timed_out: bool = False,
    ) -> None:
        super().__init__(message, status=status, trace=trace)
        self.timed_out = timed_out
