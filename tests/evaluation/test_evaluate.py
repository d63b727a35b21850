"""One judge for all predictors: its report is true, complete and the same every time; bad rows are refused by name."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from judged import judgement_of, names_of, predictor_and_corpus
from sklearn.metrics import f1_score

from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError, UsageError
from feilun.core.prediction import Decision
from feilun.core.report import Report
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.intervals import bootstrap
from feilun.evaluation.metrics.single_label import figures


def test_the_report_is_true_and_survives_json():
    predictor, corpus = predictor_and_corpus(300, 4, decision=Decision(abstain_below=0.6))
    baseline, _ = predictor_and_corpus(300, 4, seed=0, edge=0.2)
    report = evaluate(predictor, corpus, slices=["length"], baselines={"weak": baseline}, resamples=50)
    labels = [prediction.label for prediction in predictor.predict(corpus)]
    assert report.n == 300
    assert report.value("macro_f1") == pytest.approx(f1_score(corpus.target, labels, average="macro"))
    assert np.sum(report.confusion) == 300
    assert tuple(report.labels) == names_of(4)
    assert report.baselines["weak"]["accuracy"] < report.value("accuracy")
    assert report.metrics["macro_f1"].low < report.value("macro_f1") < report.metrics["macro_f1"].high
    assert all(row["f1_low"] <= row["f1"] <= row["f1_high"] for row in report.per_label.values())
    again = Report.from_json(json.loads(json.dumps(report.to_json())))
    assert again.to_json() == report.to_json()
    assert evaluate(predictor, corpus, slices=["length"], baselines={"weak": baseline}, resamples=50) == report


def test_decisions_add_up_and_cost_what_they_say():
    predictor, corpus = predictor_and_corpus(300, 4, decision=Decision(abstain_below=0.6))
    decisions = evaluate(predictor, corpus, resamples=0, cost_error=10, cost_review=2).decisions
    predictions = predictor.predict(corpus)
    wrong = sum(p.label != t and not p.abstained for p, t in zip(predictions, corpus.target, strict=True))
    assert decisions["decided"] + decisions["to_person"] == decisions["n"] == 300
    assert decisions["to_person"] == sum(p.score < 0.6 for p in predictions)
    assert decisions["wrong"] == wrong <= decisions["wrong_if_all_decided"]
    assert decisions["threshold"] == 0.6
    assert decisions["cost"] == 10 * wrong + 2 * decisions["to_person"]
    assert decisions["cost_review_all"] == 600


def test_one_cost_alone_is_refused():
    predictor, corpus = predictor_and_corpus(20, 2)
    with pytest.raises(UsageError, match="together"):
        evaluate(predictor, corpus, cost_error=1)


@pytest.mark.parametrize("absent", [None, "", float("nan")])
def test_rows_without_target_are_refused_by_id(absent):
    predictor, corpus = predictor_and_corpus(20, 2)
    targets = list(corpus.target)
    targets[7] = targets[11] = absent
    with pytest.raises(DataError, match=r"2 of 20 rows have no target: 7, 11\."):
        evaluate(predictor, replace(corpus, target=targets))


def test_no_target_column_and_no_rows_are_refused():
    predictor, corpus = predictor_and_corpus(20, 2)
    with pytest.raises(DataError, match="no targets"):
        evaluate(predictor, replace(corpus, target=None))
    with pytest.raises(DataError, match="no rows"):
        evaluate(predictor, corpus_of([], []))


def test_unseen_labels_are_named_with_their_rows_before_the_long_work():
    predictor, corpus = predictor_and_corpus(20, 2)
    seen = []

    class Counting:
        def predict(self, rows):
            seen.append(len(rows))
            return predictor.predict(rows)

    targets = list(corpus.target)
    targets[3] = targets[5] = " LABEL 0 "
    targets[4] = "另一类"
    with pytest.raises(DataError) as error:
        evaluate(Counting(), replace(corpus, target=targets))
    message = str(error.value)
    assert "2 labels that the model does not know" in message
    assert "' LABEL 0 ' (2 rows, first '3')" in message
    assert "'另一类' (1 row, first '4')" in message
    assert "Did you mean 'label 0'?" in message
    assert seen == [1]


def test_numbers_as_targets_are_compared_as_names():
    predictor, corpus = predictor_and_corpus(20, 2)
    numbered = replace(predictor, names=("0", "1"))
    targets = [names_of(2).index(target) for target in corpus.target]
    assert evaluate(numbered, replace(corpus, target=targets)).n == 20


def test_a_predictor_that_loses_rows_is_caught():
    predictor, corpus = predictor_and_corpus(20, 2)

    class Losing:
        def predict(self, rows):
            return predictor.predict(rows)[:10]

    with pytest.raises(ValueError, match="10 predictions for 20 rows"):
        evaluate(Losing(), corpus)


def test_a_baseline_that_is_not_beaten_is_said_plainly():
    weak, corpus = predictor_and_corpus(300, 3, edge=0.1)
    strong, _ = predictor_and_corpus(300, 3, edge=3.0)
    notes = " ".join(evaluate(weak, corpus, baselines={"strong": strong}, resamples=0).notes)
    assert "does not beat the baseline “strong”" in notes
    assert not evaluate(strong, corpus, baselines={"weak": weak}, resamples=0).notes


def test_a_lead_that_may_be_chance_is_said_to_be_so():
    predictor, corpus = predictor_and_corpus(300, 3, edge=1.5)
    almost = replace(predictor, logits=predictor.logits.copy())
    row = next(i for i, p in enumerate(predictor.predict(corpus)) if p.label == corpus.target[i])
    almost.logits[row] = -almost.logits[row]
    notes = " ".join(evaluate(predictor, corpus, baselines={"almost": almost}, resamples=0).notes)
    assert "may be chance" in notes


def test_small_perfect_and_partial_samples_carry_a_remark():
    predictor, corpus = predictor_and_corpus(40, 3, edge=40)
    notes = " ".join(evaluate(predictor, corpus).notes)
    assert "Only 40 rows" in notes
    assert "as high as 7.5%" in notes
    rows = [i for i, target in enumerate(corpus.target) if target != "label 0"]
    notes = " ".join(evaluate(predictor, corpus.select(rows)).notes)
    assert "1 of 3 labels has no rows here, so nothing is known of it: label 0." in notes


def test_labels_that_are_never_predicted_or_rare_are_named():
    predictor, corpus = predictor_and_corpus(300, 3, edge=9)
    predictor.logits[:, 2] = -99
    rows = [i for i, target in enumerate(corpus.target) if target != "标签1" or i < 12]
    notes = " ".join(evaluate(predictor, corpus.select(rows), resamples=0).notes)
    assert "1 of 3 labels is never predicted: label 2." in notes
    assert "1 of 3 labels has fewer than 10 rows here, so its figures say little: 标签1." in notes


def test_a_weak_slice_and_scores_that_promise_too_much_are_named():
    predictor, corpus = predictor_and_corpus(400, 2, edge=2)
    logits = predictor.logits.copy()
    logits[:100] = -logits[:100]
    corpus = replace(corpus, features={"channel": ["fax"] * 100 + ["web"] * 300})
    notes = " ".join(evaluate(replace(predictor, logits=logits * 9), corpus, slices=["channel"]).notes)
    assert "Weaker where channel is fax" in notes
    assert "promise too much" in notes


def test_ten_thousand_rows_of_150_labels_take_seconds_not_minutes():
    judgement = judgement_of(10_000, 150, edge=3)
    start = time.process_time()
    figures(judgement)
    bootstrap(judgement, 1000, 13)
    assert time.process_time() - start < 20  # a guard against row-by-row loops (about 0.6 s); not a benchmark
