"""An order of the demo: when it was made, what arrived of it, and what became of that."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from demo.stories import ASKED, Story
from orders.models import AttemptState
from orders.questions.why import Why
from orders.status import OrderStatus
from webhooks import payload
from webhooks.decide import SET_ASIDE, Decision, Outcome, Seen, decide

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
    status: OrderStatus = OrderStatus.PENDENTE
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


def decided(sale: Sale) -> list[tuple[float, str, Decision, OrderStatus | None]]:
    """What became of each event, by the inbox's own rules, with the order's status before, and in `sale` what came of
    them all."""
    decisions = []
    handled = set()
    sale.updated_at = sale.settled_at if sale.story.method else sale.created_at
    if sale.story.attempt == AttemptState.DECLINED:
        sale.status = OrderStatus.CANCELADO
    for place, (at, name) in enumerate(sale.arrivals, start=1):
        if name == ASKED:
            sale.status, sale.updated_at = sale.story.ends or sale.status, at
            continue
        event = payload.kept(name, "", sale.appmax_order_id, {})
        before: OrderStatus | None = sale.status
        decision = decide(event, Seen(before, was_handled=name in handled), trust="payload")
        if sale.last_fails and place == len(sale.arrivals):
            decision, before = Decision(Outcome.FAILED, reason="OperationalError"), None
        elif sale.story.is_forged and decision.why is Why.MONEY:
            decision = Decision(Outcome.REFUTED, reason=f"Appmax says {sale.status.value}")
        elif decision.status is not None:
            sale.status, sale.updated_at = decision.status, at
        if decision.outcome not in SET_ASIDE:
            handled.add(name)
        decisions.append((at, name, decision, before))
    return decisions
