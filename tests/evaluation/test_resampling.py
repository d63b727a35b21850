from __future__ import annotations

import numpy as np
import pytest

from feilun.evaluation import resampling
from feilun.evaluation.resampling import intervals_of, sums_of_resamples


def mean(sums: np.ndarray) -> dict[str, np.ndarray]:
    return {"mean": sums[:, 0] / sums[:, 1]}


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.stack([np.random.default_rng(seed).normal(2, 3, count), np.ones(count)], axis=1)


def test_the_interval_of_a_mean_is_the_one_that_is_known():
    low, high = (float(end) for end in intervals_of(rows(400), mean, 2000, seed=1)["mean"])
    own = rows(400)[:, 0]
    reach = 1.96 * own.std() / 20
    assert low == pytest.approx(own.mean() - reach, abs=0.03)
    assert high == pytest.approx(own.mean() + reach, abs=0.03)


def test_very_many_rows_are_grouped_without_changing_the_interval(monkeypatch):
    plain = intervals_of(rows(3000), mean, 1000, seed=1)["mean"]
    monkeypatch.setattr(resampling, "MOST_ROWS_RESAMPLED", 1000)
    grouped = intervals_of(rows(3000), mean, 1000, seed=1)["mean"]
    assert np.allclose(plain, grouped, atol=0.02)
    for sums in sums_of_resamples(rows(3000), 5, seed=2):
        assert np.allclose(sums[:, 1], 3000)


def test_few_rows_and_no_resamples_give_none():
    assert intervals_of(rows(9), mean, 100, seed=0) == {}
    assert intervals_of(rows(99), mean, 0, seed=0) == {}
