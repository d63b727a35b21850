from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from feilun.core.corpus import corpus_of
from feilun.core.decisions.similarity import SimilarityDecision, cosines
from feilun.core.labels import LabelSet
from feilun.evaluation.judges.similarity import SimilarityJudge
from feilun.evaluation.metrics.retrieval import figures, found, retrieval_of
from feilun.evaluation.pair_thresholds import average_precision, best_threshold, fit_similarity
from feilun.evaluation.word_search import bm25, terms, tf_idf, word_cosines

LABELS = LabelSet(("0", "1"))


def test_each_text_looks_for_what_some_row_calls_the_same_among_all_second_texts() -> None:
    corpus = replace(corpus_of(["a", "a", "b", "c"]), pair=["x", "y", "a", "x"])
    task = retrieval_of(corpus, np.array([True, True, False, True]))
    assert task.queries.tolist() == [0, 3]
    assert task.candidates.tolist() == [0, 1, 2]
    assert [places.tolist() for places in task.relevant] == [[0, 1], [0]]
    assert [places.tolist() for places in task.left_out] == [[2], []]  # the text itself is no answer to itself


def test_ranks_are_counted_behind_all_that_is_as_near() -> None:
    corpus = replace(corpus_of(["a", "b"]), pair=["x", "y"])
    task = retrieval_of(corpus, np.array([True, True]))
    assert found(task, lambda rows: np.eye(2)[rows]).tolist() == [[1, 1, 1, 1]] * 2
    assert found(task, lambda rows: np.zeros((len(rows), 2))).tolist() == [[0.5, 0, 1, 1]] * 2
    several = replace(corpus_of(["a"] * 3), pair=["x", "y", "z"])
    task = retrieval_of(several, np.array([True, False, True]))
    by_query = found(task, lambda rows: np.array([[0.1, 0.2, 0.3]]))
    assert by_query.tolist() == [[1, 0.5, 1, 1]]
    assert figures(by_query)["recall@1"] == 0.5


def test_figures_do_not_depend_on_how_many_are_held_at_once(monkeypatch) -> None:
    random = np.random.default_rng(0)
    names = [f"t{i}" for i in random.integers(0, 30, 80)]
    corpus = replace(corpus_of(names), pair=[f"p{i}" for i in random.integers(0, 50, 80)])
    task = retrieval_of(corpus, random.random(80) < 0.6)
    scores = random.random((80, len(task.candidates)))
    whole = found(task, lambda rows: scores[rows])
    monkeypatch.setattr("feilun.evaluation.metrics.retrieval.MOST_AT_ONCE", 100)
    assert np.array_equal(found(task, lambda rows: scores[rows]), whole)


def test_average_precision_and_the_best_threshold_are_those_of_scikit_learn_and_of_trying_all() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(1)
    scores = random.normal(size=200).round(1)
    same = random.random(200) < 1 / (1 + np.exp(-2 * scores))
    assert average_precision(scores, same) == pytest.approx(metrics.average_precision_score(same, scores))
    threshold = best_threshold(scores, same)
    tried = max(((scores >= cut) == same).mean() for cut in np.linspace(-4, 4, 801))
    assert ((scores >= threshold) == same).mean() == pytest.approx(tried)


def test_scores_rise_with_the_cosine_and_are_right_as_often_as_they_say() -> None:
    random = np.random.default_rng(2)
    values = random.uniform(0.5, 1, 4000)
    same = random.random(4000) < 1 / (1 + np.exp(-40 * (values - 0.8)))
    decision = fit_similarity(values, same, SimilarityDecision())
    assert decision.threshold == pytest.approx(0.8, abs=0.03)
    assert 25 < decision.slope < 60
    predictions = decision.decide_by(values, LABELS.names)
    assert all(p.score >= 0.5 and (p.label == "1") == (p.similarity >= decision.threshold) for p in predictions)
    assert fit_similarity(values, np.ones(4000, bool), decision) == decision


def test_without_pairs_that_differ_the_threshold_is_chosen_against_strangers() -> None:
    random = np.random.default_rng(3)
    first = random.normal(size=(50, 16)).astype(np.float32)
    vectors = np.stack([first, first + 0.3 * random.normal(size=first.shape).astype(np.float32)], axis=1)
    corpus = replace(corpus_of([str(i) for i in range(50)], ["1"] * 50), pair=[f"p{i}" for i in range(50)])
    decision = SimilarityJudge().calibrate(vectors, corpus, LABELS, SimilarityDecision(16), None)
    assert cosines(np.roll(vectors, 1, axis=0)[:, ::-1]).min() > decision.threshold
    assert 0.2 < decision.threshold < cosines(vectors).min()
    assert set(SimilarityJudge().figures(vectors, corpus, LABELS, decision)) == {
        "mrr@10", "recall@1", "recall@5", "recall@10",
    }  # fmt: skip


def test_words_in_common_make_texts_near_chinese_and_english_alike() -> None:
    texts = ["怎么修改密码", "信用卡额度如何提升", "How do I change my PIN?", "Where is my card"]
    for index in (bm25, tf_idf):
        search = index(texts)
        assert search(["密码修改不了", "change PIN", "额度"]).argmax(1).tolist() == [0, 2, 1]
        assert search([""]).tolist() == [[0] * 4]
        assert index(["", "!"])(["额度"]).tolist() == [[0, 0]]
    gives = word_cosines(texts)
    assert gives(["修改密码", "修改密码"], ["修改密码", "my card"]).tolist() == pytest.approx([1, 0])
    assert terms("App密码a1") == ["app", "密", "码", "密码", "a1"]
