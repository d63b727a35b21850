"""NAB's score on cases whose score is known."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from nab import score

WINDOWS = [(1000, 1099), (3000, 3199)]
ROWS = 8000


def scored(*rows: int) -> float:
    return score(sorted(rows), WINDOWS, ROWS).normalised


def test_silence_is_0_and_the_first_row_of_each_window_100() -> None:
    assert scored() == 0
    assert scored(1000, 3000) == pytest.approx(100)
    assert scored(1000, 1001, 1050, 3000, 3100) == pytest.approx(100)  # later ones in a window count nothing


def test_earlier_is_better_and_the_end_of_a_window_is_worth_next_to_nothing() -> None:
    values = [scored(row, 3000) for row in (1000, 1050, 1090, 1099)]
    assert values == sorted(values, reverse=True)
    half = (2 / (1 + math.exp(-2.5)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    assert scored(1050, 3000) == pytest.approx(100 * (half + 1 + 2) / 4)


def test_false_alarms_cost_eleven_hundredths_and_less_right_behind_a_window() -> None:
    assert scored(1000, 2000, 3000) == pytest.approx(100 - 100 * 0.11 / 4)
    assert scored(900, 1000, 3000) == pytest.approx(100 - 100 * 0.11 / 4)  # before any window
    behind = 0.11 * (2 / (1 + math.exp(5 * 10 / 99)) - 1)
    assert scored(1000, 1109, 3000) == pytest.approx(100 + 100 * behind / 4)


def test_the_first_rows_are_not_scored() -> None:
    assert scored(100, 749) == 0
    assert scored(750) == pytest.approx(-100 * 0.11 / 4)
    assert [score([row], [(900, 950)], 1000).false for row in (149, 150)] == [0, 1]  # 15 % of a short series


def test_a_missed_window_costs_one() -> None:
    assert score([1000], WINDOWS, ROWS).raw == pytest.approx(0)
    assert score([], WINDOWS, ROWS).raw == -2
