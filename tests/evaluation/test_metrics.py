"""The figures agree with scikit-learn's, and do not depend on the order of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judged import judgement_of
from sklearn import metrics as reference

from feilun.core.prediction import Decision, Prediction, Ranking
from feilun.evaluation.judgement import Judgement, scores
from feilun.evaluation.metrics.confidence import coverage_curve, expected_calibration_error, reliability
from feilun.evaluation.metrics.single_label import compare, figures, per_label, roc_auc

CASES = [(2, 50, 0.5), (3, 500, 1.5), (7, 400, 0.0), (40, 300, 2.0), (5, 11, 8.0), (30, 25, 0.5)]


@pytest.mark.parametrize(("labels", "rows", "edge"), CASES)
def test_figures_are_those_of_scikit_learn(labels, rows, edge):
    judgement = judgement_of(rows, labels, edge=edge)
    ours, truth, chosen = figures(judgement), judgement.targets, judgement.predicted
    assert ours["accuracy"] == pytest.approx(reference.accuracy_score(truth, chosen))
    for average in ("macro", "micro", "weighted"):
        expected = reference.f1_score(truth, chosen, average=average, zero_division=0)
        assert ours[f"{average}_f1"] == pytest.approx(expected)
    probabilities = judgement.probabilities / judgement.probabilities.sum(1, keepdims=True)
    assert ours["log_loss"] == pytest.approx(reference.log_loss(truth, probabilities, labels=range(labels)), abs=1e-6)
    expected = np.mean(((np.eye(labels)[truth] - judgement.probabilities) ** 2).sum(1))
    assert ours["brier"] == pytest.approx(expected)


@pytest.mark.parametrize("labels", [2, 3, 9])
def test_roc_auc_is_that_of_scikit_learn(labels):
    judgement = judgement_of(400, labels)
    shares = judgement.probabilities / judgement.probabilities.sum(1, keepdims=True)
    if labels == 2:
        expected = reference.roc_auc_score(judgement.targets, shares[:, 1])
    else:
        expected = reference.roc_auc_score(judgement.targets, shares, multi_class="ovr")
    assert figures(judgement)["roc_auc"] == pytest.approx(expected)


def test_roc_auc_counts_ties_by_half():
    judgement = judgement_of(200, 2)
    flat = replace(judgement, probabilities=np.full((200, 2), 0.5))
    assert roc_auc(flat) == (pytest.approx(0.5), pytest.approx(0.0))


def test_roc_auc_is_absent_where_all_rows_are_of_one_class():
    judgement = judgement_of(30, 3)
    assert "roc_auc" not in figures(replace(judgement, targets=np.zeros(30, dtype=np.int64)))


def test_per_label_is_that_of_scikit_learn_also_for_labels_without_rows():
    judgement = judgement_of(60, 30, edge=0.5)
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        judgement.targets, judgement.predicted, labels=range(30), zero_division=0
    )
    rows = per_label(judgement)
    assert list(rows) == list(judgement.labels)
    assert min(support) == 0
    for i, row in enumerate(rows.values()):
        assert row["precision"] == pytest.approx(precision[i])
        assert row["recall"] == pytest.approx(recall[i])
        assert row["f1"] == pytest.approx(f1[i])
        assert row["support"] == support[i]


def test_confusion_is_that_of_scikit_learn():
    judgement = judgement_of(300, 6)
    expected = reference.confusion_matrix(judgement.targets, judgement.predicted, labels=range(6))
    assert (judgement.confusion == expected).all()


def test_order_of_rows_changes_nothing():
    judgement = judgement_of(500, 5)
    order = np.random.default_rng(1).permutation(500)
    shuffled = Judgement(
        judgement.labels,
        judgement.targets[order],
        judgement.predicted[order],
        judgement.confidence[order],
        judgement.probabilities[order],
        judgement.abstained[order],
    )
    ours, theirs = figures(judgement), figures(shuffled)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert theirs[name] == pytest.approx(value), name
    curves = [coverage_curve(j.confidence, j.correct) for j in (judgement, shuffled)]
    assert curves[0] == curves[1]


def test_a_certain_error_leaves_the_log_loss_finite():
    judgement = judgement_of(10, 2)
    wrong = 1 - np.eye(2)[judgement.targets]
    assert 0 < figures(replace(judgement, probabilities=wrong))["log_loss"] < 20


def test_reliability_holds_every_row_and_gives_the_calibration_error():
    judgement = judgement_of(700, 4)
    bins = reliability(judgement.confidence, judgement.correct)
    assert sum(row["count"] for row in bins) == 700
    hits = sum(row["count"] * row["accuracy"] for row in bins)
    assert hits == pytest.approx(judgement.correct.sum())
    by_hand = sum(abs(row["count"] * (row["accuracy"] - row["confidence"])) for row in bins) / 700
    assert expected_calibration_error(judgement.confidence, judgement.correct) == pytest.approx(by_hand)
    assert len(reliability(np.array([2.1, 2.9, 3.0]) / 15, np.ones(3, dtype=bool))) == 1  # (2/15, 3/15]
    certain = np.array([0.0, 1.0])
    assert len(reliability(certain, np.array([False, True]))) == 2


def test_a_perfectly_calibrated_predictor_has_no_calibration_error():
    confidence = np.full(1000, 0.8)
    correct = np.arange(1000) < 800
    assert expected_calibration_error(confidence, correct) == pytest.approx(0, abs=1e-9)
    assert expected_calibration_error(confidence, ~correct) == pytest.approx(0.6)


@pytest.mark.parametrize("rows", [1, 2, 50, 3000])
def test_coverage_curve_tells_what_its_thresholds_do(rows):
    judgement = judgement_of(rows, 4)
    curve = coverage_curve(judgement.confidence, judgement.correct)
    coverages = [point["coverage"] for point in curve]
    assert coverages == sorted(set(coverages))
    assert len(curve) <= 101
    assert curve[-1]["coverage"] == 1
    assert curve[-1]["accuracy"] == pytest.approx(judgement.correct.mean())
    for point in curve:
        decided = judgement.confidence >= point["threshold"]
        assert decided.mean() == pytest.approx(point["coverage"])
        assert judgement.correct[decided].mean() == pytest.approx(point["accuracy"])


def test_rows_of_equal_score_are_decided_together():
    curve = coverage_curve(np.array([0.5, 0.9, 0.5, 0.5]), np.array([True, True, False, False]))
    assert [point["coverage"] for point in curve] == [0.25, 1.0]


def test_abstention_is_kept_beside_the_best_guess():
    judgement = judgement_of(300, 3, decision=Decision(abstain_below=0.7))
    assert (judgement.abstained == (judgement.confidence < 0.7)).all()
    assert (judgement.predicted == judgement.probabilities.argmax(1)).all()


def test_scores_follow_the_wanted_order_and_miss_no_row():
    first = Prediction("a", 0.7, Ranking(("a", "b"), np.array([0.7, 0.3], dtype=np.float32)))
    other = Prediction("b", 0.6, Ranking(("b", "c", "a"), np.array([0.6, 0.3, 0.1], dtype=np.float32)))
    collected = scores([first, other, first], ("c", "a", "b"))
    assert collected == pytest.approx(np.array([[0, 0.7, 0.3], [0.3, 0.1, 0.6], [0, 0.7, 0.3]]))
    assert scores([other], ("a", "b")) == pytest.approx(np.array([[0.1, 0.6]]))


def test_compare_counts_the_rows_that_one_alone_gets_right():
    ours, other = judgement_of(400, 3, edge=2.0), judgement_of(400, 3, edge=0.0)
    counts = compare(ours, other)
    assert counts["only_model_right"] - counts["only_baseline_right"] == ours.correct.sum() - other.correct.sum()
    assert compare(ours, ours) == {"only_model_right": 0, "only_baseline_right": 0}
