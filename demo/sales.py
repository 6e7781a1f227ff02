"""An order of the demo: when it was made, what arrived of it, and what became of that."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from orders.models import AttemptState
from orders.status import OrderStatus, advances
from webhooks import payload
from webhooks.demo.stories import ASKED, FAILURE, Story, status_of
from webhooks.models import DUPLICATE, IGNORED, NOT_BELIEVED, UNKNOWN

# How busy each hour of a day is in Brazil.
BRAZIL = ZoneInfo("America/Sao_Paulo")
HOURS = (3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 10, 11, 11, 10, 10, 10, 10, 10, 11, 12, 13, 13, 10, 6)


@dataclass(frozen=True)
class Merchant:
    """A demo merchant. `is_old`: registered in the old panel, which sends the standard model."""

    pk: int
    external_key: str
    is_old: bool = False


@dataclass(slots=True)
class Sale:
    """An order: first as planned, with what arrives of it until now; then with what became of that."""

    pk: int
    appmax_order_id: int
    merchant: Merchant
    story: Story
    created_at: float
    tried_at: float  # the payment attempt
    arrivals: list[tuple[float, str]]  # (when, event or ASKED)
    last_fails: bool = False  # its last event couldn't be handled
    status: str = OrderStatus.PENDENTE.value
    updated_at: float = 0.0
    customer_id: int = 0
    total_cents: int = 0
    customer: dict[str, Any] = field(default_factory=dict)

    @property
    def events(self) -> list[tuple[float, str]]:
        """Those of the arrivals that are events."""
        return [arrival for arrival in self.arrivals if arrival[1] != ASKED]

    @property
    def settled_at(self) -> float:
        """When Appmax had answered the payment call."""
        return self.tried_at + 1.4


def moments(count: int, start: float, hours: int, seed: str) -> Iterator[float]:
    """`count` moments of the hours after `start`, in ascending order, as busy as HOURS says."""
    rng = random.Random(f"{seed} moments")  # noqa: S311 - demo data
    begins = [start + 3600 * hour for hour in range(hours)]
    busy = list(itertools.accumulate(HOURS[datetime.fromtimestamp(begin, BRAZIL).hour] for begin in begins))
    done = 0
    for begin, share in zip(begins, busy, strict=True):
        target = count * share // busy[-1]
        yield from sorted(rng.uniform(begin, begin + 3600) for _ in range(target - done))
        done = target


def outcomes_of(sale: Sale) -> list[tuple[float, str, str | None]]:
    """What the inbox made of each event (its error_message), and in `sale` what came of them all."""
    outcomes = []
    handled = set()
    sale.updated_at = sale.settled_at if sale.story.method else sale.created_at
    if sale.story.attempt == AttemptState.DECLINED:
        sale.status = OrderStatus.CANCELADO.value
    for place, (at, name) in enumerate(sale.arrivals, start=1):
        if name == ASKED:
            sale.status, sale.updated_at = str(sale.story.ends), at
            continue
        status = status_of(name)
        note = None
        if sale.last_fails and place == len(sale.arrivals):
            note = FAILURE
        elif sale.story.is_forged and payload.means_money(name):
            note = f"{NOT_BELIEVED}Appmax says {sale.status}"
        elif name in handled:
            note = DUPLICATE
        elif status is None:
            note = None if payload.is_known(name) else UNKNOWN
        elif advances(sale.status, status):
            sale.status, sale.updated_at = status, at
        elif sale.status == status:
            note = f"{IGNORED}the order is {status} already"
        else:
            note = f"{IGNORED}the order is {sale.status}, this event means {status}"
        handled.add(name)
        outcomes.append((at, name, note))
    return outcomes
