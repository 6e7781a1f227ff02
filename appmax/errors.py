"""What can go wrong at Appmax, told apart by what the caller may do next."""

from collections.abc import Mapping


class AppmaxError(Exception):
    """`message`: Appmax's words, or ours if it had none. `status`: the HTTP status it answered, None if it answered
    none. `trace`: the answer's CF-Ray, X-Request-Id and X-Trace-Id, which Appmax's support asks for."""

    def __init__(self, message: str, *, status: int | None = None, trace: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.trace = dict(trace or {})


class Declined(AppmaxError):
    """The payment was refused and nothing was charged; another attempt is the shopper's choice.

    `order_status`: what the order is now, `recusado_por_risco` if Appmax said so, else `cancelado`.
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
    """Our request is at fault; `status` is 400, 404, 409 or 422, which also stands for a 403 that is about this request
    and for a refusal with 200. The same request will fail again."""


class Unavailable(AppmaxError):
    """Certainly nothing happened, or it was a read: may be tried again later.

    `timed_out`: no answer in time. `retry_after`: seconds to wait, if and only if Appmax answered 429.
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


class CredentialsRefused(Unavailable):
    """Appmax takes these credentials no longer: its auth server gives no token for them, or a call was answered with an
    OAuth error or, for a fresh token too, with 401. Nothing happened, and nothing will until they are replaced."""


class OutcomeUnknown(AppmaxError):
    """It may have happened: time-out (`timed_out`), 5xx, reset, a firewall's page, or an answer nobody understands.
    Never send it again; `GET /v1/orders/{id}` tells the truth later."""

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
