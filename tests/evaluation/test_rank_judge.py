"""Orders of candidates are judged by query, beside the order by words."""

from __future__ import annotations

from dataclasses import replace
from math import log2

import numpy as np
import pytest

from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import RankDecision
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Prediction
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.judges.rank import RankJudge, judgement_of
from feilun.evaluation.quality import QUALITIES
from feilun.evaluation.word_search import bm25, bm25_pairs

LABELS = LabelSet(("relevance",))
CORPUS = Corpus(
    id=list("abcdefgh"),
    text=["loan rate"] * 3 + ["lost card"] * 3 + ["hello"] * 2,
    pair=["the loan rate", "opening hours", "card fees", "block a lost card", "loan", "a card", "x", "y"],
    target=[1.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0],
    group=["1", "1", "1", "2", "2", "2", "3", "3"],
)
SCORES = np.array([[0.1], [0.9], [0.0], [3.0], [-1.0], [2.0], [5.0], [0.0]], dtype=np.float32)


class Told:
    decision = RankDecision()

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = scores

    def predict(self, corpus: Corpus) -> list[Prediction]:
        rows = [CORPUS.id.index(identity) for identity in corpus.id]
        return self.decision.decide(self.scores[rows], ())


def test_figures_are_those_worked_out_by_hand() -> None:
    figures = RankJudge().figures(SCORES, CORPUS, LABELS, RankDecision())
    assert figures["mrr@10"] == pytest.approx((1 / 2 + 1) / 2)
    assert figures["ndcg@10"] == pytest.approx((1 / log2(3) + 1) / 2)
    assert figures["auc"] == pytest.approx((0.5 + 1) / 2), "the third query has nothing to find"


def test_a_report_has_intervals_baselines_and_what_only_one_of_both_finds() -> None:
    baselines = RankJudge().baselines(CORPUS, CORPUS, LABELS)
    report = evaluate(Told(SCORES), CORPUS, baselines=baselines)
    assert report.task == "rank"
    assert report.baselines["BM25"]["mrr@10"] == 1
    assert report.baselines["BM25"]["only_baseline_right"] == 1
    assert any("does not beat the baseline" in note for note in report.notes)
    assert set(report.to_json()) >= {"ndcg@10", "mrr@10"}


def test_rows_in_any_order_are_judged_alike() -> None:
    order = np.random.default_rng(1).permutation(len(CORPUS))
    mixed = RankJudge().figures(SCORES[order], CORPUS.select(order.tolist()), LABELS, RankDecision())
    assert mixed == pytest.approx(RankJudge().figures(SCORES, CORPUS, LABELS, RankDecision()))


def test_the_probability_is_calibrated_and_the_order_kept() -> None:
    source = np.random.default_rng(0)
    logits = source.normal(size=(400, 1)).astype(np.float32)
    relevant = source.random(400) < 1 / (1 + np.exp(-(3 * logits[:, 0] - 1)))
    corpus = Corpus(id=[str(i) for i in range(400)], text=["q"] * 400, target=relevant.astype(float).tolist())
    fitted = RankJudge().calibrate(logits, corpus, LABELS, RankDecision(), None)
    assert (fitted.slope, fitted.offset) == (pytest.approx(3, abs=1), pytest.approx(-1, abs=0.5))
    told = fitted.probabilities(logits)[:, 1]
    assert (np.diff(told[np.argsort(logits[:, 0])]) >= 0).all()
    none = replace(corpus, target=[0.0] * 400)
    assert RankJudge().calibrate(logits, none, LABELS, RankDecision(), None).slope == 1


def test_the_figure_for_int8_is_the_mean_over_queries() -> None:
    right, needed = QUALITIES["rank"].rows(SCORES, CORPUS, LABELS, RankDecision())
    assert right.tolist() == [False, False, False, True, False, False, False, False]
    expected = judgement_of(SCORES[:, 0], CORPUS).figures["ndcg@10"]
    assert QUALITIES["rank"].figure(needed.sum(0)) == pytest.approx(np.nanmean(expected))


def test_bm25_of_a_pair_is_that_of_the_search() -> None:
    texts = list(CORPUS.pair or ())
    searched = bm25(texts)(CORPUS.text)
    assert bm25_pairs(texts)(CORPUS.text, texts) == pytest.approx(np.diag(searched), abs=1e-5)


def test_rows_without_anything_relevant_are_refused() -> None:
    with pytest.raises(DataError, match="nothing to find"):
        evaluate(Told(SCORES), CORPUS.select([6, 7]))
