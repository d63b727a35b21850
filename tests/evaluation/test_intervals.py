"""The intervals hold the value, shrink with the rows, and are those of a bootstrap of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judged import judgement_of
from sklearn.metrics import f1_score, roc_auc_score

from feilun.core.labels import LabelSet
from feilun.core.report import Figure
from feilun.evaluation.intervals import FEWEST_ROWS, Intervals, bootstrap, wilson
from feilun.evaluation.judgement import from_probabilities
from feilun.evaluation.metrics.single_label import figures


@pytest.mark.parametrize(
    ("rows", "labels", "edge"), [(10, 2, 1), (60, 30, 1), (500, 3, 1.5), (500, 3, 30), (400, 2, 0)]
)
def test_intervals_hold_their_value(rows, labels, edge):
    judgement = judgement_of(rows, labels, edge=edge)
    intervals = bootstrap(judgement, 200, seed=1)
    values = figures(judgement)
    assert set(intervals.metrics) == set(values) - {"expected_calibration_error"}
    for name, value in values.items():
        figure = intervals.figure(name, value)
        if figure.low is not None:
            assert 0 <= figure.low <= value <= figure.high, name
    assert intervals.f1.shape == (labels, 2)


def test_intervals_are_those_of_resampled_rows():
    judgement = judgement_of(300, 4, edge=1.0)
    generator = np.random.default_rng(7)
    draws = {"macro_f1": [], "accuracy": [], "roc_auc": []}
    for _ in range(300):
        rows = generator.integers(0, 300, 300)
        truth, chosen = judgement.targets[rows], judgement.predicted[rows]
        draws["macro_f1"].append(f1_score(truth, chosen, average="macro"))
        draws["accuracy"].append((truth == chosen).mean())
        shares = judgement.probabilities[rows] / judgement.probabilities[rows].sum(1, keepdims=True)
        draws["roc_auc"].append(roc_auc_score(truth, shares, multi_class="ovr"))
    ours = bootstrap(judgement, 2000, seed=13)
    for name, values in draws.items():
        assert ours.metrics[name] == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.015), name


def test_the_log_loss_interval_is_about_two_standard_errors():
    judgement = judgement_of(400, 4)
    losses = -np.log(judgement.probabilities[np.arange(400), judgement.targets])
    low, high = bootstrap(judgement, 1000, seed=13).metrics["log_loss"]
    assert high - low == pytest.approx(2 * 1.96 * losses.std() / 20, rel=0.1)


def test_same_seed_same_intervals_in_any_order_of_rows():
    judgement = judgement_of(200, 3)
    order = np.random.default_rng(3).permutation(200)
    fields = ("targets", "predicted", "confidence", "probabilities", "abstained")
    shuffled = replace(judgement, **{name: getattr(judgement, name)[order] for name in fields})
    first, second, other = bootstrap(judgement, 100, 5), bootstrap(shuffled, 100, 5), bootstrap(judgement, 100, 6)
    for name, ends in first.metrics.items():
        assert second.metrics[name] == pytest.approx(ends)
    assert other.metrics["macro_f1"] != first.metrics["macro_f1"]


def test_rare_labels_that_are_never_hit_do_not_lift_the_interval():
    targets = np.repeat([0, 1, 2, 3, 4], [150, 150, 1, 1, 1])
    sure = np.eye(5)[np.where(targets < 2, targets, 0)]
    labels = LabelSet(tuple("abcde"))
    judgement = from_probabilities(sure, targets, labels)
    value = figures(judgement)["macro_f1"]
    low, high = bootstrap(judgement, 500, 1).metrics["macro_f1"]
    assert value == pytest.approx(0.4, abs=0.01)
    assert high - low < 0.02


def test_more_rows_give_narrower_intervals():
    widths = []
    for rows in (50, 500, 5000):
        low, high = bootstrap(judgement_of(rows, 3), 200, 1).metrics["macro_f1"]
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_too_few_rows_or_no_resamples_give_no_intervals():
    assert bootstrap(judgement_of(FEWEST_ROWS - 1, 2), 100, 1) == Intervals()
    assert bootstrap(judgement_of(100, 2), 0, 1) == Intervals()
    assert Intervals().figure("accuracy", 0.5).low is None


def test_an_end_never_lies_on_the_wrong_side_of_the_value():
    intervals = Intervals({"macro_f1": (0.2, 0.3)})
    assert intervals.figure("macro_f1", 0.4) == Figure(0.4, 0.2, 0.4)
    assert intervals.figure("macro_f1", 0.1) == Figure(0.1, 0.1, 0.3)


def test_wilson_is_sound_at_the_edges():
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(20, 20)
    assert 0.8 < low < 0.9
    assert high == 1
    assert wilson(0, 20) == pytest.approx((1 - high, 1 - low))
    low, high = wilson(50, 100)
    assert (low, high) == pytest.approx((0.4038, 0.5962), abs=1e-3)
