"""What can be switched while the simulator runs: how it answers, and how it sends what it has to tell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.answers import AS_JSON, DOCUMENTED, LIFETIMES, SHAPES, WRITINGS
from simulator.cards import BY_NUMBER, POLICIES
from simulator.models import APP_STORE, MODELS
from simulator.reading import is_number_in, is_whole
from simulator.records import ARRANGEMENTS, AS_SENT, Plan
from simulator.subscriptions import FAILED, PAID

WITH_CREDENTIALS, _, WITH_APP_ID = HEALTH_CHECKS = ("credentials", "external_key", "app_id")
RENEWALS = (PAID, FAILED)
LONGEST_DELAY = 86_400  # seconds
MOST_COPIES = 100


@dataclass(frozen=True)
class Switches:
    """`shape`: of answers about payments. `writing`: of all answers. `lifetime`: how a token says it.

    `cards`: what becomes of every card. `renewals`: what becomes of a subscription's next charge. `rate_limits`:
    whether Appmax's are in force. `webhook_delay` and `token_seconds` in seconds, `pix_minutes` in minutes.
    `health_check`: what the installation callback's body has; only the app's id is certain.
    """

    shape: str = DOCUMENTED
    writing: str = AS_JSON
    cards: str = BY_NUMBER
    renewals: str = RENEWALS[0]
    rate_limits: bool = False
    token_seconds: float = 3600
    lifetime: str = LIFETIMES[0]
    pix_minutes: float = 30
    webhook_model: str = APP_STORE
    webhook_delay: float = 0
    webhook_copies: int = 1
    webhook_order: str = AS_SENT
    webhook_hold: bool = False
    health_check: str = WITH_CREDENTIALS

    @property
    def plan(self) -> Plan:
        """How the simulator's own webhooks go out."""
        return Plan(self.webhook_delay, 0, self.webhook_copies, self.webhook_order, self.webhook_hold)

    def changed(self, wish: Mapping[str, Any]) -> "Switches":
        """A copy with these switches set. `errors(wish)` must be empty."""
        return replace(self, **wish)


CHOICES: Mapping[str, tuple[str, ...]] = {
    "shape": SHAPES,
    "writing": WRITINGS,
    "lifetime": LIFETIMES,
    "cards": POLICIES,
    "renewals": RENEWALS,
    "webhook_model": MODELS,
    "webhook_order": ARRANGEMENTS,
    "health_check": HEALTH_CHECKS,
}
RANGES: Mapping[str, tuple[float, float]] = {
    "token_seconds": (1, 86_400),
    "pix_minutes": (0.001, 43_200),
    "webhook_delay": (0, LONGEST_DELAY),
}
FLAGS = ("rate_limits", "webhook_hold")


def errors(wish: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a wish to change switches, by name."""
    found = {name: error for name, value in wish.items() if (error := _error(name, value))}
    return found if wish else {"switches": "At least one switch must be named."}


def _error(name: str, value: Any) -> str:
    if name in CHOICES:
        return "" if value in CHOICES[name] else f"One of {', '.join(CHOICES[name])}."
    if name in FLAGS:
        return "" if isinstance(value, bool) else "True or false."
    if name in RANGES:
        least, most = RANGES[name]
        return "" if is_number_in(value, least, most) else f"A number from {least:g} to {most:g}."
    if name == "webhook_copies":
        return "" if is_whole(value) and 1 <= value <= MOST_COPIES else f"An integer from 1 to {MOST_COPIES}."
    return "There is no such switch."
