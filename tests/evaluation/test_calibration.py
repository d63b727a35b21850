"""Calibration lowers the loss and stays finite; thresholds are the best there are and do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import logits_of, names_of
from scipy.optimize import minimize_scalar

from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError, UsageError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision
from feilun.evaluation.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    REVIEW_ALL,
    Abstention,
    cheapest_threshold,
    fit_temperature,
    label_thresholds,
    negative_log_likelihood,
    threshold_for_accuracy,
)
from feilun.evaluation.judges.classify import ClassifyJudge


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_temperature_is_the_minimum_of_the_loss(scale):
    logits, targets = logits_of(2000, 5)
    found = minimize_scalar(
        lambda t: negative_log_likelihood(logits * scale, targets, t), bounds=(0.05, 20), method="bounded"
    )
    assert fit_temperature(logits * scale, targets) == pytest.approx(found.x, rel=0.02)


def test_temperature_undoes_a_scale():
    logits, targets = logits_of(3000, 4)
    once = fit_temperature(logits, targets)
    assert fit_temperature(logits * 3, targets) == pytest.approx(once * 3, rel=1e-3)


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 1000), st.sampled_from([0.0, 1e-3, 1.0, 50.0, 1e4]))
def test_temperature_is_finite_and_never_raises_the_loss(rows, labels, seed, scale):
    generator = np.random.default_rng(seed)
    logits = (generator.normal(size=(rows, labels)) * scale).astype(np.float32)
    targets = generator.integers(0, labels, rows)
    temperature = fit_temperature(logits, targets)
    assert LOWEST_TEMPERATURE - 1e-9 <= temperature <= HIGHEST_TEMPERATURE + 1e-9
    before, after = (negative_log_likelihood(logits, targets, t) for t in (1.0, temperature))
    assert after <= before


@pytest.mark.parametrize(
    "logits", [np.eye(3) * 9, np.eye(3) * 1e-3, np.zeros((3, 3)), np.eye(3)[:1] * 5, np.zeros((0, 3)), np.ones((3, 1))]
)
def test_temperature_of_perfect_flat_few_and_no_rows_is_finite(logits):
    targets = np.arange(len(logits)) % logits.shape[1]
    temperature = fit_temperature(logits, targets)
    assert np.isfinite(Decision(temperature=temperature).probabilities(logits)).all()
    if len(logits):
        before, after = (negative_log_likelihood(logits, targets, t) for t in (1.0, temperature))
        assert after <= before


def test_logits_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        fit_temperature(np.array([[np.nan, 1.0]]), np.array([0]))


def brute_force(scores, correct, cost_error, cost_review):
    thresholds = [0.0, *scores.tolist(), REVIEW_ALL]
    costs = []
    for threshold in thresholds:
        decided = scores >= threshold
        costs.append((decided & ~correct).sum() * cost_error + (~decided).sum() * cost_review)
    return min(costs)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9, 1.0]), st.booleans()), min_size=1, max_size=30),
    st.sampled_from([0, 1, 3, 10, 1000]),
    st.sampled_from([0, 1, 2.5, 10]),
)
def test_no_threshold_is_cheaper_and_its_figures_are_true(rows, cost_error, cost_review):
    scores, correct = np.array([score for score, _ in rows]), np.array([right for _, right in rows])
    found = cheapest_threshold(scores, correct, cost_error, cost_review)
    assert found.cost == brute_force(scores, correct, cost_error, cost_review)
    decided = scores >= found.value
    assert found.decided == decided.sum()
    assert found.wrong == (decided & ~correct).sum()
    assert found.cost_decide_all == (~correct).sum() * cost_error
    assert found.cost_review_all == len(rows) * cost_review
    assert found.saving >= 0
    assert found.policy == {len(rows): "decide all", 0: "review all"}.get(found.decided, "threshold")


def test_a_cheap_error_decides_all_and_a_dear_one_reviews_all():
    scores, correct = np.array([0.9, 0.8, 0.7]), np.array([False, True, False])
    assert cheapest_threshold(scores, correct, 1, 100).policy == "decide all"
    assert cheapest_threshold(scores, correct, 1, 100).value == 0
    assert cheapest_threshold(np.array([0.9, 0.8]), np.array([True, False]), 1, 1).decided == 2  # of equals, the most
    dear = cheapest_threshold(scores, correct, 100, 1)
    assert (dear.policy, dear.value, dear.cost) == ("review all", REVIEW_ALL, 3)
    assert all(
        prediction.abstained
        for prediction in Decision(abstain_below=dear.value).decide(np.eye(3) * 99, ("a", "b", "c"))
    )


@pytest.mark.parametrize("costs", [(-1, 1), (1, -1), (float("nan"), 1), (1, float("inf"))])
def test_impossible_costs_are_refused(costs):
    with pytest.raises(UsageError, match="cost"):
        cheapest_threshold(np.array([0.5]), np.array([True]), *costs)


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="at least one row"):
        cheapest_threshold(np.array([]), np.array([], dtype=bool), 1, 1)


@pytest.mark.parametrize("wanted", [0.8, 0.9, 0.99])
def test_a_threshold_for_an_accuracy_reaches_it_and_decides_the_most(wanted):
    generator = np.random.default_rng(4)
    scores = generator.random(800)
    correct = generator.random(800) < scores
    found = threshold_for_accuracy(scores, correct, wanted)
    assert found.accuracy >= wanted
    for threshold in np.unique(scores):
        decided = scores >= threshold
        if correct[decided].mean() >= wanted:
            assert decided.sum() <= found.decided
    careful = threshold_for_accuracy(scores, correct, wanted, confidence=0.95)
    assert careful.decided <= found.decided


def test_an_accuracy_out_of_reach_reviews_all():
    found = threshold_for_accuracy(np.array([0.9, 0.8]), np.array([False, True]), 0.9)
    assert (found.policy, found.value, found.decided) == ("review all", REVIEW_ALL, 0)
    assert threshold_for_accuracy(np.array([0.9]), np.array([True]), 1.0).policy == "decide all"


@pytest.mark.parametrize(("accuracy", "confidence"), [(0, 0.5), (1.1, 0.5), (0.9, 0.4), (0.9, 1.0)])
def test_impossible_wishes_are_refused(accuracy, confidence):
    with pytest.raises(UsageError):
        threshold_for_accuracy(np.array([0.5]), np.array([True]), accuracy, confidence)


def test_each_label_gets_its_own_threshold_where_it_has_rows():
    generator = np.random.default_rng(5)
    scores = generator.random(500)
    predicted = np.repeat([0, 1, 2], [245, 245, 10])
    correct = np.where(predicted == 0, True, generator.random(500) < scores)
    wanted = lambda own, right: threshold_for_accuracy(own, right, 0.9).value  # noqa: E731
    found = dict(label_thresholds(scores, correct, predicted, ("sure", "unsure", "rare"), wanted))
    assert found["sure"] == 0
    assert found["unsure"] > 0.3
    assert "rare" not in found


def test_a_judge_asked_for_it_lets_each_label_abstain_at_its_own_score():
    logits, targets = logits_of(900, 3, seed=4)
    logits[:, 0] += np.where(targets == 2, 2.5, 0).astype(np.float32)  # the third class is often taken for the first
    names = LabelSet(names_of(3))
    corpus = corpus_of(["text"] * 900, [names.names[i] for i in targets])
    wanted = Abstention(lambda own, right: threshold_for_accuracy(own, right, 0.8).value, by_label=True)
    decision = ClassifyJudge().calibrate(logits, corpus, names, Decision(), wanted)
    own = dict(decision.label_thresholds)
    assert own[names.names[0]] > max(own[name] for name in names.names[1:])
    answers = decision.decide(logits, names.names)
    decided = [answer.label == names.names[targets[i]] for i, answer in enumerate(answers) if not answer.abstained]
    assert np.mean(decided) >= 0.8
