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
    assert difference_of_confidences(known, correct, shifted) == pytest.approx(truth.mean(), abs=0.03)


def test_where_the_ways_disagree_the_interval_is_wide_and_holds_the_truth() -> None:
    known, correct = calibrated(4000, 1, sure=6)
    shifted, truth = calibrated(4000, 2, sure=1)
    figure = estimated_accuracy(known, correct, shifted)
    assert abs(figure.value - truth.mean()) > 0.3
    assert figure.low < truth.mean() < figure.high
    assert figure.high - figure.low > 0.4


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
    assert held >= 185  # a little more than it says, as it reaches over two estimates


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
        seen(feedback(answer="good")),
        seen(feedback(answer="bad")),
        seen(feedback(correct=False)),
        seen(feedback(answer="bad"), feedback(correct=True)),
        seen(feedback(text="?")),
    ]
    found = observed(window)
    assert (found.labelled, found.right, found.refused, found.conflicting) == (3, 2, 1, 1)
    assert found.accuracy == wilson(2, 4)
    assert observed([seen()]).accuracy is None


def told(prediction: dict[str, object], answer: object) -> Observation:
    return Observation("o", 0.0, "m@1", "t", prediction, 0.0, (feedback(answer=answer),))


def test_numbers_are_right_within_their_interval_and_their_errors_are_told() -> None:
    errors = np.random.default_rng(0).normal(2, 1, 60)
    window = [told({"value": 10.0, "interval": [7.0, 13.0], "score": 0.9}, 10.0 - error) for error in errors]
    found = observed(window)
    assert (found.labelled, found.right) == (60, int((errors <= 3).sum()))
    assert found.figures["bias"].value == pytest.approx(errors.mean())
    assert found.figures["mae"].value == pytest.approx(np.abs(errors).mean())
    low, high = found.figures["bias"].low, found.figures["bias"].high
    assert low is not None
    assert high is not None
    assert low < 2 < high
    several = told({"value": {"a": 1.0, "b": 2.0}, "interval": {"a": None, "b": None}}, {"a": 1.0, "b": 5.0})
    assert {name: figure.value for name, figure in observed([several]).figures.items()} == {
        "mae a": 0, "bias a": 0, "mae b": 3, "bias b": -3,
    }  # fmt: skip


def test_sets_and_spans_are_right_as_a_whole_and_their_f1_is_told() -> None:
    sets = [told({"labels": ["a", "b"]}, ["a"]), told({"labels": []}, []), told({"labels": ["b"]}, ["b"])]
    found = observed(sets)
    assert (found.labelled, found.right, found.figures["micro_f1"].value) == (3, 2, pytest.approx(0.8))
    one, other = {"start": 0, "end": 2, "label": "a"}, {"start": 3, "end": 4, "label": "a"}
    spans = observed([told({"spans": [one]}, [one, other]), told({"spans": [{**other, "text": "x"}]}, [other])])
    assert (spans.labelled, spans.right, spans.figures["entity_f1"].value) == (2, 1, pytest.approx(0.8))


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_holds_its_share_and_stays_between_0_and_1(successes: int, trials: int) -> None:
    figure = wilson(min(successes, trials), trials)
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low <= figure.value + 1e-9
    assert figure.value - 1e-9 <= figure.high <= 1
    assert figure.high - figure.low < 4 / np.sqrt(trials)
