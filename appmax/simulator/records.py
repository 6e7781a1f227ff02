"""What the simulated Appmax keeps: small records, changed by `State` alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """The moment, as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass
class HealthCheck:
    """One POST of the installation callback. `status` is None if there was no answer; `text` says what came."""

    status: int | None
    text: str
    at: str = field(default_factory=now)

    @property
    def passed(self) -> bool:
        """Only exactly 200 counts."""
        return self.status == 200


@dataclass
class Authorization:
    """An installation under way: what `/app/authorize` was asked for, under its hash."""

    token: str
    external_key: str
    callback_url: str
    created_at: str = field(default_factory=now)
    saved: bool = False
    generated: bool = False
    health_checks: list[HealthCheck] = field(default_factory=list)


@dataclass
class Try:
    """One POST of a webhook, `after` seconds since the first. `status` is None if there was no answer."""

    after: float
    status: int | None
    error: str = ""
    at: str = field(default_factory=now)

    @property
    def answer(self) -> str:
        """The status, or what went wrong instead."""
        return self.error if self.status is None else str(self.status)

    @property
    def succeeded(self) -> bool:
        """Any 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Delivery:
    """A webhook on its way. `state`: sending, waiting (for its next try), delivered, or dropped."""

    id: int
    url: str
    body: dict[str, Any]
    created_at: str = field(default_factory=now)
    state: str = "sending"
    tries: list[Try] = field(default_factory=list)


@dataclass
class Fault:
    """A failure switched on for the next `times` calls of a route.

    `path`: exact; with a slash at its end all beneath it (`/v1/orders/`). `method`: empty for any.
    `hang`: seconds to wait. `work`: the call's work is done first, and then comes the wait and the failure.
    `status` with `body` (JSON, or a text as it stands) and `headers`: what is answered instead.
    `reset`: the connection is closed without an answer.
    With `hang` alone the usual answer comes late.
    """

    path: str
    method: str = ""
    times: int = 1
    hang: float = 0.0
    work: bool = False
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
