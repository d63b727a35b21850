"""The baselines learn what can be learned from words, in Chinese and English, and are Predictors."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.evaluation.baselines.single_label import MAJORITY, WORDS, fit_baselines
from feilun.evaluation.baselines.tf_idf import word_pairs
from feilun.evaluation.judgement import scores

GOOD = ["味道很好", "送餐很快", "非常满意", "the food was great", "very friendly staff"]
BAD = ["味道太差", "送餐太慢", "非常失望", "the food was cold", "very rude staff"]


def reviews(rows: int, seed: int = 0) -> Corpus:
    generator = random.Random(seed)
    pairs = [
        (generator.choice(GOOD), "good") if generator.random() < 0.6 else (generator.choice(BAD), "bad")
        for _ in range(rows)
    ]
    return corpus_of([f"{text} {generator.randrange(100)}" for text, _ in pairs], [label for _, label in pairs])


LABELS = LabelSet(("bad", "unseen", "good"))


def test_words_are_learned_and_every_baseline_is_a_predictor():
    baselines = fit_baselines(reviews(200), LABELS)
    assert list(baselines) == [MAJORITY, WORDS]
    fresh = reviews(50, seed=1)
    for baseline in baselines.values():
        assert isinstance(baseline, Predictor)
        predictions = baseline.predict(fresh)
        collected = scores(predictions, LABELS.names)
        assert collected.sum(1) == pytest.approx(np.ones(50), abs=1e-5)
        assert collected[:, 1] == pytest.approx(np.zeros(50))
        assert all(p.score == pytest.approx(max(s for _, s in p.ranked)) for p in predictions)
        assert baseline.predict(fresh.select([])) == []
    assert [p.label for p in baselines[WORDS].predict(fresh)] == list(fresh.target)
    assert {p.label for p in baselines[MAJORITY].predict(fresh)} == {"good"}


def test_the_majority_scores_are_the_shares_of_training():
    train = reviews(200)
    prediction = fit_baselines(train, LABELS)[MAJORITY].predict(train)[0]
    assert dict(prediction.ranked)["good"] == pytest.approx(list(train.target).count("good") / 200)


def test_same_rows_same_model():
    first, second = (fit_baselines(reviews(100), LABELS)[WORDS].predict(reviews(20, 3)) for _ in range(2))
    assert (scores(first, LABELS.names) == scores(second, LABELS.names)).all()


def test_the_second_text_is_read_too():
    train = reviews(100)
    pairs = replace(train, text=["same"] * 100, pair=list(train.text))
    predictions = fit_baselines(pairs, LABELS)[WORDS].predict(pairs)
    assert [p.label for p in predictions] == list(train.target)


def test_where_nothing_can_be_learned_the_majority_remains():
    assert list(fit_baselines(corpus_of(["a", "b"], ["good", "good"]), LABELS)) == [MAJORITY]
    assert list(fit_baselines(corpus_of(["。", "！"], ["good", "bad"]), LABELS)) == [MAJORITY]


def test_numbers_as_targets_are_label_names():
    labels = LabelSet(("0", "1"))
    assert WORDS in fit_baselines(corpus_of(["great food", "cold food"], [1, 0]), labels)
    with pytest.raises(DataError, match="not seen"):
        fit_baselines(corpus_of(["a"], ["x"]), labels)


def test_chinese_is_segmented_into_words_and_pairs_of_words():
    pairs = word_pairs("我的银行卡丢了")
    assert "银行卡" in pairs
    assert any(" " in pair for pair in pairs)
    assert word_pairs("Lost my CARD") == ["lost", "my", "card", "lost my", "my card"]
