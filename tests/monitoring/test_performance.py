"""Accuracy without labels is right where scores are calibrated; with labels it is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.observation import Feedback, Observation
from feilun.monitoring.performance import (
    average_thresholded_confidence,
    difference_of_confidences,
    estimated_accuracy,
    mean_confidence,
    observed,
    wilson,
)


def calibrated(rows: int, seed: int, sure: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw scores, and whether the prediction was right with just that chance."""
    source = np.random.default_rng(seed)
    scores = 0.5 + 0.5 * source.beta(sure, 2, rows)
    return scores, source.random(rows) < scores


def test_calibrated_scores_tell_the_accuracy_also_after_a_shift() -> None:
    known, correct = calibrated(4000, 1, sure=6)
    shifted, truth = calibrated(4000, 2, sure=1)
    assert correct.mean() - truth.mean() > 0.15
    for estimate in (mean_confidence(shifted), difference_of_confidences(known, correct, shifted)):
        assert estimate == pytest.approx(truth.mean(), abs=0.03)


def test_without_a_shift_every_way_gives_the_reference_accuracy() -> None:
    known, correct = calibrated(4000, 1, sure=6)
    again, _ = calibrated(4000, 3, sure=6)
    for way in (difference_of_confidences, average_thresholded_confidence):
        assert way(known, correct, again) == pytest.approx(correct.mean(), abs=0.03)
        assert way(known, correct, known) == pytest.approx(correct.mean(), abs=1e-3)


def test_without_a_shift_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        known, correct = calibrated(400, seed, sure=6)
        scores, _ = calibrated(200, 1000 + seed, sure=6)
        truth = 0.5 + 0.5 * 6 / 8  # the mean of the scores' distribution
        figure = estimated_accuracy(known, correct, scores)
        assert figure is not None
        assert figure.low is not None
        assert figure.high is not None
        held += figure.low <= truth <= figure.high
    assert 180 <= held <= 199


def test_too_few_rows_get_no_estimate() -> None:
    known, correct = calibrated(400, 1, sure=6)
    assert estimated_accuracy(known, correct, known[:49]) is None
    assert estimated_accuracy(known[:49], correct[:49], known) is None


def seen(*said: Feedback) -> Observation:
    return Observation("o", 0.0, "m@1", "t", {"label": "good", "score": 0.9}, 0.0, said)


def feedback(**said: object) -> Feedback:
    return Feedback("f", "o", 0.0, **said)  # type: ignore[arg-type]


def test_feedback_is_counted_once_an_observation() -> None:
    window = [
        seen(),
        seen(feedback(correct=True), feedback(correct=True)),
        seen(feedback(label="good")),
        seen(feedback(label="bad")),
        seen(feedback(correct=False)),
        seen(feedback(label="bad"), feedback(correct=True)),
        seen(feedback(text="?")),
    ]
    found = observed(window)
    assert (found.labelled, found.right, found.refused, found.conflicting) == (3, 2, 1, 1)
    assert found.accuracy == wilson(2, 4)
    assert observed([seen()]).accuracy is None


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_holds_its_share_and_stays_between_0_and_1(successes: int, trials: int) -> None:
    figure = wilson(min(successes, trials), trials)
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low <= figure.value + 1e-9
    assert figure.value - 1e-9 <= figure.high <= 1
    assert figure.high - figure.low < 4 / np.sqrt(trials)
