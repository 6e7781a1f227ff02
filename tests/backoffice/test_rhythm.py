"""A merchant's rhythm: what is usual, and how much a silence means. Plain values; no database."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backoffice.rhythm import DAYS, Rhythm, learn

ZONE = ZoneInfo("America/Sao_Paulo")
TODAY = date(2026, 11, 29)
OFFICE_HOURS = Rhythm(tuple(6.0 if 9 <= hour < 19 else 0.0 for hour in range(24)))  # sixty a day, none at night


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def test_what_is_usual_is_the_mean_of_four_weeks() -> None:
    counts = [(TODAY - timedelta(days=back), 10, 14) for back in range(1, DAYS + 1)]
    counts += [(TODAY - timedelta(days=7), 22, 56)]

    rhythm = learn(counts, TODAY)

    assert rhythm is not None
    assert (rhythm.by_hour[10], rhythm.by_hour[22], rhythm.by_hour[0]) == (14, 2, 0)
    assert rhythm.per_day == 16


def test_days_before_a_merchants_first_do_not_count() -> None:
    rhythm = learn([(TODAY - timedelta(days=2), 10, 30), (TODAY - timedelta(days=1), 11, 10)], TODAY)

    assert rhythm is not None
    assert rhythm.per_day == 20


def test_quiet_days_after_the_first_do_count() -> None:
    rhythm = learn([(TODAY - timedelta(days=20), 10, 40)], TODAY)

    assert rhythm is not None
    assert rhythm.per_day == 2


def test_of_nothing_no_rhythm_is_learnt() -> None:
    assert learn([], TODAY) is None


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (at(27, 10), at(27, 11), 6),
        (at(27, 10), at(27, 10, 20), 2),
        (at(27, 10, 30), at(27, 12, 30), 12),
        (at(27, 19), at(28, 9), 0),  # a night is no silence
        (at(27, 18), at(28, 10), 12),
        (at(26, 18, 30), at(28, 9, 30), 3 + 60 + 3),
        (at(1, 12), at(29, 12), 28 * 60),
        (at(27, 10), at(27, 10), 0),
        (at(27, 11), at(27, 10), 0),  # another machine's clock is ahead
    ],
)
def test_how_many_are_missed_depends_on_the_hours(since: datetime, until: datetime, expected: float) -> None:
    assert OFFICE_HOURS.expected(since, until) == pytest.approx(expected)


def test_the_same_silence_means_more_to_a_busy_merchant() -> None:
    busy, small = (Rhythm((rate,) * 24) for rate in (10.0, 0.5))

    assert busy.expected(at(27, 10), at(27, 13)) == 30
    assert small.expected(at(27, 10), at(27, 13)) == 1.5
