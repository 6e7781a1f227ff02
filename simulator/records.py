"""What the simulated Appmax keeps: small records, changed by `State` and `Outbox` alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from secrets import SystemRandom
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

AS_SENT, REVERSED, SHUFFLED = ARRANGEMENTS = ("as_sent", "reversed", "shuffled")  # of a batch of webhooks

BRAZIL = ZoneInfo("America/Sao_Paulo")  # Appmax documents no zone; the product reads its dates so, too

_Item = TypeVar("_Item")
_fault_ids = count(1)


def now() -> str:
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    """The moment in UTC as all records have it. Such texts compare as their moments do."""
    return moment.isoformat(timespec="milliseconds")


def as_appmax_writes(moment: str) -> str:
    """A moment as Appmax writes it: "2026-05-21 05:34:30", in Brazil's time and without a zone; an empty text stays."""
    return f"{datetime.fromisoformat(moment).astimezone(BRAZIL):%Y-%m-%d %H:%M:%S}" if moment else ""


def arranged(items: Sequence[_Item], arrangement: str) -> list[_Item]:
    result = list(reversed(items)) if arrangement == REVERSED else list(items)
    if arrangement == SHUFFLED:
        SystemRandom().shuffle(result)
    return result


@dataclass
class HealthCheck:
    """One POST of the installation callback. `status` is None if there was no answer; `text` says what came."""

    status: int | None
    text: str
    at: str = field(default_factory=now)

    @property
    def passed(self) -> bool:
        return self.status == 200


@dataclass
class Authorization:
    """An installation under way: what `/app/authorize` was asked for, under its hash.

    `account`: who was logged in to the panel and pressed Salvar. Nobody proved that the external_key is theirs.
    """

    token: str
    external_key: str
    callback_url: str
    account: str = ""
    domain_names: tuple[str, ...] = ()
    created_at: str = field(default_factory=now)
    saved: bool = False
    generated: bool = False
    health_checks: list[HealthCheck] = field(default_factory=list)

    @property
    def merchant(self) -> str:
        """Whose credentials the app gets: without a login, those of an account that is named like the external_key."""
        return self.account or self.external_key


@dataclass(frozen=True)
class Plan:
    """How a batch of webhooks goes out. `delay` before the first and `pause` between two are in seconds.

    `copies`: each that often, one after another. `hold`: not before it is released.
    """

    delay: float = 0.0
    pause: float = 0.0
    copies: int = 1
    arrangement: str = AS_SENT
    hold: bool = False


@dataclass
class Try:
    """One POST of a webhook, `after` seconds since the first. `status` is None if there was no answer."""

    after: float
    status: int | None
    error: str = ""
    at: str = field(default_factory=now)

    @property
    def answer(self) -> str:
        return self.error if self.status is None else str(self.status)

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Delivery:
    """A webhook on its way. `state`: held, sending, waiting (for its next try), delivered, or dropped.

    `next_try_at`: when the next try is due; empty while one is under way, and if there is none to come.
    """

    id: int
    url: str
    body: dict[str, Any]
    created_at: str = field(default_factory=now)
    state: str = "sending"
    tries: list[Try] = field(default_factory=list)
    order_id: int | None = None
    next_try_at: str = ""


@dataclass(frozen=True)
class PaymentLink:
    """A page on which anybody can pay `value` cents."""

    id: int
    external_key: str
    name: str
    description: str
    value: int
    payments: tuple[str, ...]
    max_installments: int


@dataclass
class Fault:
    """A failure switched on for the next `times` calls of a route; 0: until it is switched off.

    `path`: exact; with a slash at its end all beneath it (`/v1/orders/`). `method`: empty for any.
    `hang`: seconds to wait. `work`: the call's work is done first, and then comes the wait and the failure.
    `status` with `body` (JSON, or a text as it stands) and `headers`: what is answered instead.
    `reset`: the connection is closed without an answer.
    With `hang` alone the usual answer comes late.
    `meanwhile`: called before the wait; only tests in the same process can give it.
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
    meanwhile: Callable[[], None] | None = None
    id: int = field(default_factory=lambda: next(_fault_ids))

    @property
    def says(self) -> str:
        steps = ["the work is done"] * self.work + [f"{self.hang:g} s pass"] * bool(self.hang)
        if self.reset:
            return ", then ".join([*steps, "the connection is reset"])
        return ", then ".join([*steps, str(self.status) if self.status else "the usual answer"])
