"""Arms are stable and even; off-policy estimates find the truth that was hidden in the log."""

from __future__ import annotations

import numpy as np
import pytest

from feilun.apps.recommendation.experiments.arms import arm_of
from feilun.apps.recommendation.experiments.off_policy import doubly_robust, inverse_propensity
from feilun.apps.recommendation.ranking.click_probability import fit_clicks
from feilun.core.errors import UsageError


def test_an_arm_is_stable_even_and_independent_between_experiments():
    users = [f"u{i}" for i in range(4000)]
    first = [arm_of(user, "one", ("a", "b"), (0.25, 0.75)) for user in users]
    assert first == [arm_of(user, "one", ("a", "b"), (0.25, 0.75)) for user in users]
    assert 0.22 < np.mean([arm == "a" for arm in first]) < 0.28
    second = [arm_of(user, "two", ("a", "b"), (0.5, 0.5)) for user in users]
    both = np.mean([x == "a" and y == "a" for x, y in zip(first, second, strict=True)])
    assert both == pytest.approx(0.125, abs=0.03)
    with pytest.raises(UsageError, match="together 1"):
        arm_of("u", "x", ("a", "b"), (0.5, 0.6))


def test_estimates_find_what_another_policy_earns():
    source = np.random.default_rng(0)
    worth = np.array([0.1, 0.3, 0.6])
    logging, other = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.2, 0.7])
    actions = source.choice(3, 20_000, p=logging)
    rewards = (source.random(20_000) < worth[actions]).astype(float)
    truth = float(other @ worth)
    ips = inverse_propensity(rewards, logging[actions], other[actions])
    wrong = np.array([0.5, 0.5, 0.5])
    robust = doubly_robust(rewards, logging[actions], other[actions], wrong[actions], np.full(20_000, other @ wrong))
    assert rewards.mean() < truth - 0.2
    for figure in (ips, robust):
        assert figure.value == pytest.approx(truth, abs=0.02)
        assert figure.low < truth < figure.high
    with pytest.raises(UsageError, match="above 0"):
        inverse_propensity(rewards, np.zeros(20_000), other[actions])
    assert np.isnan(inverse_propensity(np.ones(3), np.ones(3), np.zeros(3)).value)


def test_click_probabilities_are_calibrated_and_freed_from_the_place():
    source = np.random.default_rng(1)
    scores, places = source.normal(size=30_000), source.integers(1, 11, 30_000)
    chances = 1 / (1 + np.exp(-(-1 + 1.5 * scores - 0.7 * np.log(places))))
    curve = fit_clicks(scores, places, source.random(30_000) < chances)
    assert curve.slope == pytest.approx(1.5, abs=0.1)
    assert curve.bias == pytest.approx(-0.7, abs=0.1)
    assert np.abs(curve.probabilities(scores, places) - chances).max() < 0.05
    assert curve.probabilities(np.array([0.0]))[0] > curve.probabilities(np.array([0.0]), np.array([5]))[0]
    assert fit_clicks(scores[:50], places[:50], np.ones(50, bool)) is None
