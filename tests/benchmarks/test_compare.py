"""`make bench` compares two runs by their shares of the floor, and only if the floor stayed where it was."""

from dataclasses import asdict
from typing import Any

import pytest

from benchmarks.load import Figures, compare, print_floor, print_table


def _row(per_second: float, floor: float) -> Figures:
    return Figures("status, 16", per_second, 5, 20, 0, 0.5, 0.1, 300, floor)


def _run(rows: list[Figures], floors: list[float]) -> dict[str, list[Any]]:
    return {"floors": floors, "figures": [asdict(row) for row in rows]}


def test_shares_are_compared_not_requests_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    compare(_run([_row(1000, 5000)], [5000]), [_row(1200, 4000)], [4000])
    assert "| status, 16 | 20.0% | 30.0% | 1.50 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ([5000, 5000, 3600], [5000]),  # it moved within the earlier run
        ([5000], [5000, 5000, 6400]),  # within this one
        ([5000], [3600]),  # between them
    ],
)
def test_a_run_whose_floor_moved_by_more_than_a_quarter_is_compared_with_nothing(
    then: list[float], now: list[float]
) -> None:
    with pytest.raises(SystemExit, match=r"not compared: the bare view moved by 2[0-9]%, of which 25% are allowed"):
        compare(_run([_row(1000, 5000)], then), [_row(1000, 5000)], now)


def test_a_kind_is_shown_as_the_median_of_its_rounds_and_their_spread(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([_row(1000, 5000), _row(1000, 4000), _row(1500, 5000)])
    assert "| 25% | 20% to 30% |" in capsys.readouterr().out


def test_a_floor_that_moved_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_floor([5000, 5000, 3000])
    assert "it moved by 40%" in capsys.readouterr().out
