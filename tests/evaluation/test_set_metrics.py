from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peers

from feilun.core.corpus import corpus_of
from feilun.core.decisions.multilabel import MultilabelDecision
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.judges.multilabel import MultilabelJudge, judgement_of
from feilun.evaluation.label_thresholds import best_threshold, fit_sigmoid_temperature, fit_thresholds
from feilun.evaluation.metrics.label_sets import figures

LABELS = LabelSet(("price", "power", "油耗", "空间"))


def made(rows: int = 200, seed: int = 0) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    generator = np.random.default_rng(seed)
    targets = generator.random((rows, 4)) < [0.5, 0.3, 0.2, 0.1]
    logits = (generator.normal(size=(rows, 4)) + 2.5 * targets - 1.5).astype(np.float32)
    return logits, [tuple(LABELS.names[i] for i in np.flatnonzero(row)) for row in targets]


class Fixed:
    """A predictor that reads its logits from the row's id."""

    def __init__(self, logits: np.ndarray, decision: MultilabelDecision) -> None:
        self.logits, self.decision = logits, decision

    def predict(self, corpus):
        return self.decision.decide(self.logits[[int(i) for i in corpus.id]], LABELS.names)


def test_figures_agree_with_scikit_learn():
    logits, targets = made()
    judged = judgement_of(logits, corpus_of([""] * 200, targets), LABELS, MultilabelDecision(temperature=1.3))
    found, truth, chosen = figures(judged), judged.targets, judged.predicted
    for average in ("micro", "macro"):
        assert found[f"{average}_f1"] == pytest.approx(peers.f1_score(truth, chosen, average=average))
    assert found["subset_accuracy"] == pytest.approx(peers.accuracy_score(truth, chosen))
    assert found["hamming_loss"] == pytest.approx(peers.hamming_loss(truth, chosen))
    assert found["roc_auc"] == pytest.approx(peers.roc_auc_score(truth, judged.probabilities, average="macro"))
    assert found["log_loss"] == pytest.approx(peers.log_loss(truth.ravel(), judged.probabilities.ravel()))
    own = truth.any(1)
    assert found["ndcg"] == pytest.approx(peers.ndcg_score(truth[own], judged.probabilities[own], k=5))


def test_a_report_of_sets_has_figures_intervals_and_decisions_that_add_up():
    logits, targets = made()
    corpus = corpus_of(["短" * (i % 7 + 1) for i in range(200)], targets)
    report = evaluate(Fixed(logits, MultilabelDecision(abstain_below=0.5)), corpus, slices=["length"])
    assert report.task == "multilabel"
    for name in ("micro_f1", "macro_f1", "subset_accuracy", "hamming_loss"):
        figure = report.metrics[name]
        assert figure.low is not None
        assert figure.low <= figure.value <= figure.high
    assert sum(row["n"] for row in report.slices["length"].values()) == 200
    assert report.decisions["decided"] + report.decisions["to_person"] == 200
    assert sum(row["support"] for row in report.per_label.values()) == sum(map(len, targets))


def test_labels_that_the_model_does_not_know_and_targets_that_are_no_lists_are_refused():
    logits, targets = made()
    predictor = Fixed(logits, MultilabelDecision())
    with pytest.raises(DataError, match=r"'colour' \(1 row, first '0'\)"):
        evaluate(predictor, corpus_of([""] * 200, [("colour",), *targets[1:]]))
    with pytest.raises(DataError, match="not a list of labels"):
        evaluate(predictor, corpus_of([""] * 200, ["price"] * 200))


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=60)
def test_no_other_threshold_gives_a_better_f1(rows):
    scores = np.array([score / 20 for score, _ in rows])
    truth = np.array([true for _, true in rows])

    def f1(threshold: float) -> float:
        chosen = scores >= threshold
        return 2 * (chosen & truth).sum() / max(1, chosen.sum() + truth.sum())

    found = best_threshold(scores, truth)
    if truth.any():
        inside = list(np.arange(0.05, 0.96, 0.005))
        assert f1(found) >= max(map(f1, inside)) - 1e-9 or found in {0.05, 0.95}
    else:
        assert found == 0.5


def test_rare_labels_share_the_common_threshold_and_the_temperature_undoes_a_scaling():
    logits, targets = made(1000)
    truth = judgement_of(logits, corpus_of([""] * 1000, targets), LABELS, MultilabelDecision()).targets
    truth[:, 3] &= np.arange(1000) < 40
    common, own = fit_thresholds(MultilabelDecision().probabilities(logits), truth, LABELS.names)
    assert 0 < common < 1
    assert {name for name, _ in own} == {name for i, name in enumerate(LABELS.names) if truth[:, i].sum() >= 10}
    plain = fit_sigmoid_temperature(logits, truth)
    assert fit_sigmoid_temperature(3 * logits, truth) == pytest.approx(3 * plain, rel=0.01)


def test_calibration_never_lowers_the_f1_on_the_rows_it_saw():
    logits, targets = made(400, seed=3)
    corpus = corpus_of([""] * 400, targets)
    judge, plain = MultilabelJudge(), MultilabelDecision()
    fitted = judge.calibrate(logits, corpus, LABELS, plain, None)
    before, after = (judge.figures(logits, corpus, LABELS, decision)["macro_f1"] for decision in (plain, fitted))
    assert after >= before
    baselines = judge.baselines(corpus_of(["贵 price", "power 动力"] * 200, targets), corpus, LABELS)
    assert len(baselines) == 2
    assert all(len(one.predict(corpus)) == 400 for one in baselines.values())
