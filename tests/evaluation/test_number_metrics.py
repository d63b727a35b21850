from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as peers

from feilun.core.corpus import corpus_of
from feilun.core.decisions.regress import RegressDecision
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.evaluation.conformal import reach_of
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.judges.regress import RegressJudge, judgement_of
from feilun.evaluation.metrics.numbers import figures

NAMES = LabelSet(("rating", "价格"))
DECISION = RegressDecision((3.0, 1e6), (1.0, 2e5))


def made(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, list[tuple[float, float]]]:
    generator = np.random.default_rng(seed)
    standard = generator.normal(size=(rows, 2))
    logits = (standard + 0.3 * generator.standard_t(4, size=(rows, 2))).astype(np.float32)
    return logits, [tuple(row) for row in (standard * DECISION.scale + DECISION.centre).tolist()]


class Fixed:
    """A predictor that reads its numbers from the row's id."""

    def __init__(self, logits: np.ndarray, decision: RegressDecision) -> None:
        self.logits, self.decision = logits, decision

    def predict(self, corpus):
        return self.decision.decide(self.logits[[int(i) for i in corpus.id]], NAMES.names)


def test_figures_agree_with_scikit_learn_for_large_numbers_too():
    logits, targets = made()
    found = figures(judgement_of(logits, corpus_of([""] * 300, targets), NAMES, DECISION))
    truth, values = np.array(targets), DECISION.values(logits)
    assert found["r2"] == pytest.approx(peers.r2_score(truth, values))
    assert found["mae"] == pytest.approx(peers.mean_absolute_error(truth, values))
    roots = np.sqrt(peers.mean_squared_error(truth, values, multioutput="raw_values"))
    assert found["rmse"] == pytest.approx(roots.mean())
    assert "coverage" not in found  # no interval is known yet


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_intervals_hold_the_truth_as_often_as_they_say_on_rows_to_come(coverage):
    held = []
    for seed in range(20):
        logits, targets = made(600, seed)
        values, truth = DECISION.values(logits), np.array(targets)
        reach = np.array(reach_of(values[:300], truth[:300], coverage))
        held.append((np.abs(values[300:] - truth[300:]) <= reach).mean())
    assert np.mean(held) == pytest.approx(coverage, abs=0.02)


def test_too_few_rows_give_no_interval_rather_than_a_wrong_one():
    assert reach_of(np.zeros((8, 1)), np.ones((8, 1)), 0.9) == ()
    assert reach_of(np.zeros((9, 1)), np.ones((9, 1)), 0.9) == (1.0,)
    (prediction,) = RegressDecision().decide(np.zeros((1, 1), np.float32), ("rating",))
    assert prediction.to_json()["interval"] is None


def test_a_report_of_numbers_names_each_and_beats_the_mean():
    logits, targets = made()
    corpus = corpus_of(["短文" * (i % 9 + 1) for i in range(300)], targets)
    judge = RegressJudge()
    decision = judge.calibrate(logits, corpus, NAMES, DECISION, None)
    baselines = judge.baselines(corpus, corpus, NAMES)
    report = evaluate(Fixed(logits, decision), corpus, baselines=baselines, slices=["length"])
    assert report.task == "regress"
    assert set(report.per_label) == set(NAMES.names)
    assert report.baselines["mean"]["r2"] == pytest.approx(0, abs=1e-6)
    assert report.value("coverage") == pytest.approx(0.9, abs=0.01)
    for figure in report.metrics.values():
        assert figure.low <= figure.value <= figure.high
    assert sum(row["n"] for row in report.slices["length"].values()) == 300


def test_one_number_is_given_plainly_and_several_by_name():
    one, both = (decision.decide(np.zeros((1, n), np.float32), NAMES.names[:n])[0].to_json()
                 for n, decision in ((1, RegressDecision((3.0,), (1.0,), (0.5,))), (2, DECISION)))  # fmt: skip
    assert (one["value"], one["interval"]) == (3.0, [2.5, 3.5])
    assert both["value"] == {"rating": 3.0, "价格": 1e6}


def test_targets_that_are_no_numbers_are_refused():
    logits, targets = made()
    with pytest.raises(DataError, match=r"2 numbers"):
        evaluate(Fixed(logits, DECISION), corpus_of([""] * 300, [(1.0,)] * 300))
    with pytest.raises(DataError, match="not finite"):
        evaluate(Fixed(logits, DECISION), corpus_of([""] * 300, [*targets[1:], (1.0, float("inf"))]))
