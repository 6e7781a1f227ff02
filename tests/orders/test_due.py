"""How long a question to Appmax waits before it is asked again."""

from datetime import UTC, datetime, timedelta

import pytest

from orders.models import Question
from orders.questions import due
from orders.questions.why import Why

SINCE = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def wait(times: int, *, why: Why = Why.MONEY, asked_after: timedelta | None = None) -> timedelta:
    """How long a question waits that was asked so often, the last time so long after it was put."""
    asked_at = None if asked_after is None else SINCE + asked_after
    return due.again_after(Question(why=why, since=SINCE, asked_at=asked_at, times=times))


def test_the_wait_doubles_up_to_six_hours() -> None:
    seconds = [wait(times).total_seconds() for times in range(1, 14)]

    assert seconds == [15, 30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600, 21600]


def test_a_question_that_was_not_asked_waits_as_after_the_first_time() -> None:
    assert wait(0) == wait(1)


@pytest.mark.parametrize("times", [100, 10_000, 1_000_000_000])
def test_a_question_may_have_been_asked_however_often(times: int) -> None:
    assert wait(times) == timedelta(hours=6)


def test_somebody_waits_for_a_payment_of_which_it_is_not_known_what_became_of_it_and_only_on_the_first_day() -> None:
    first_day = wait(20, why=Why.PAYMENT_UNKNOWN, asked_after=DAY - timedelta(microseconds=1))

    assert first_day == timedelta(minutes=5)
    assert wait(20, why=Why.PAYMENT_UNKNOWN, asked_after=DAY) == timedelta(hours=6)
    assert wait(20, why=Why.PAYMENT_UNKNOWN) == timedelta(hours=6)
    assert wait(20, why=Why.MONEY, asked_after=timedelta()) == timedelta(hours=6)
