"""What is promised of a cascade holds on rows that nobody has seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.compression.risk_control import ANSWERS_NOTHING, fewest_rows, loss_bound, promise, whole_promise


@given(st.integers(0, 40), st.integers(0, 40), st.integers(100, 3000), st.floats(0.6, 0.99))
@settings(max_examples=200)
def test_the_bound_lies_above_the_loss_and_grows_with_what_is_lost(
    lost: int, gained: int, rows: int, confidence: float
) -> None:
    bound = loss_bound(lost, gained, rows, confidence)
    assert (lost - gained) / rows <= bound <= 1
    assert loss_bound(lost + 1, gained, rows, confidence) > bound
    assert loss_bound(lost, gained + 1, rows, confidence) < bound + 1e-3
    assert loss_bound(lost, gained, rows, min(0.995, confidence + 0.005)) >= bound


def test_without_a_difference_the_bound_is_what_the_score_test_gives() -> None:
    z = 1.6448536269514722
    assert loss_bound(0, 0, 1000, 0.95) == pytest.approx(z * z / (1000 + z * z), rel=1e-6)
    assert loss_bound(0, 0, 0, 0.95) == 1.0
    fewest = fewest_rows(0.005, 0.95)
    assert loss_bound(0, 0, fewest, 0.95) <= 0.005 < loss_bound(0, 0, fewest - 1, 0.95)


def test_the_promise_is_kept_as_often_as_it_says() -> None:
    """Draw validation sets from a world whose true loss by threshold is known; count broken promises."""
    random = np.random.default_rng(0)
    draws, broken, shares = 400, 0, []
    for _ in range(draws):
        scores = random.random(1000)
        lost = random.random(1000) < 0.10 * (1 - scores) ** 2  # the less sure, the more is lost
        gained = ~lost & (random.random(1000) < 0.02 * (1 - scores))
        kept = promise(scores, ~lost, ~gained, 0.005, 0.95)
        t = min(kept.threshold, 1.0)
        true_loss = 0.10 * (1 - t) ** 3 / 3 - 0.02 * (1 - t) ** 2 / 2
        broken += true_loss > 0.005
        shares.append(kept.share)
    assert broken / draws <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)
    assert np.mean(shares) > 0.3  # and it promises something


def test_a_cheap_model_that_is_as_good_answers_everything_and_a_useless_one_nothing() -> None:
    scores = np.linspace(0, 1, 1000)
    right, wrong = np.ones(1000, dtype=bool), np.zeros(1000, dtype=bool)
    assert promise(scores, right, right, 0.005, 0.95).share == 1.0
    nothing = promise(scores, wrong, right, 0.005, 0.95)
    assert (nothing.threshold, nothing.share) == (ANSWERS_NOTHING, 0.0)
    assert promise(scores[:100], right[:100], right[:100], 0.005, 0.95).share == 0.0  # too few rows
    assert promise(scores[:0], right[:0], right[:0], 0.005, 0.95).share == 0.0
    assert whole_promise(wrong, right, 0.95).bound == pytest.approx(1.0)


def test_rows_of_equal_score_go_together() -> None:
    scores = np.full(1000, 0.5)
    cheap = np.ones(1000, dtype=bool)
    cheap[999] = False
    kept = promise(scores, cheap, np.ones(1000, dtype=bool), 0.005, 0.95)
    assert kept.share in {0.0, 1.0}
    assert kept.lost == 1
