"""How often something comes to a merchant, learnt from four weeks, and whether its silence is unusual.

A shop that sleeps at night is not silent at seven in the morning, so the rhythm knows the hours of the day: a silence
is measured by how many would usually have come in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

DAYS = 28  # that a rhythm is learnt from: whole weeks, so that weekends weigh what they do
UNUSUAL_PAYMENTS = 6.0
UNUSUAL_WEBHOOKS = 30.0
"""So many that would usually have come make a silence unusual. Chance alone keeps six expected payments away in one
case of four hundred. An order brings about five webhooks at a time, so thirty of them are six orders' worth."""


@dataclass(frozen=True)
class Rhythm:
    """How many come in each hour of a usual day: 24 numbers, in staff's time zone."""

    by_hour: tuple[float, ...]

    @property
    def per_day(self) -> float:
        return sum(self.by_hour)

    def expected(self, since: datetime, until: datetime) -> float:
        """How many usually come between the two times, which are in staff's time zone."""
        whole_days = max((until - since) // timedelta(days=1), 0)
        total = whole_days * self.per_day
        at = since + timedelta(days=whole_days)
        while at < until:
            next_hour = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            end = min(next_hour, until)
            total += self.by_hour[at.hour] * ((end - at) / timedelta(hours=1))
            at = end
        return total


def learn(counts: Iterable[tuple[date, int, int]], today: date) -> Rhythm | None:
    """The rhythm that these counts show: (day, hour, number) with hours from 0 to 23, of the DAYS days before `today`.

    Days before the first that anything came on don't count, as the merchant may have been new. None if nothing came.
    """
    by_hour = [0] * 24
    first = today
    for day, hour, number in counts:
        by_hour[hour] += number
        first = min(first, day)
    days = (today - first).days
    return Rhythm(tuple(number / days for number in by_hour)) if days else None
