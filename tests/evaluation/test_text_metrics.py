"""ROUGE-L by cases computed by hand, perplexity by its definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.corpus import corpus_of
from feilun.evaluation.baselines.texts import beginning, fit_lead
from feilun.evaluation.metrics.texts import figures_of, judge_texts, longest_common, perplexity, rouge_l, units
from feilun.text.segment import words


@pytest.mark.parametrize(
    ("written", "known", "cut", "expected"),
    [
        # Lin 2004, section 3.1: "police killed the gunman" against two candidates
        ("police kill the gunman", "police killed the gunman", words, 0.75),
        ("the gunman kill police", "police killed the gunman", words, 0.5),
        ("the the the", "the", words, 2 * 1 / (3 + 1)),
        ("银行上调贷款利率", "银行贷款利率上调", units, 2 * 6 / 16),
        ("银行上调贷款利率", "银行上调 LPR 利率", units, 2 * 6 / (8 + 7)),
        ("LPR下调，房贷", "lpr 下调 房贷!", units, 1.0),
        ("", "abc", units, 0.0),
        ("abc", "", words, 0.0),
    ],
)
def test_rouge_l_as_computed_by_hand(written, known, cut, expected) -> None:
    assert rouge_l(written, known, cut) == pytest.approx(expected)


def test_words_and_characters_of_chinese_differ() -> None:
    assert units("上调贷款利率 2%") == ["上", "调", "贷", "款", "利", "率", "2"]
    assert rouge_l("上海银行", "上海", units) == pytest.approx(2 * 2 / 6)
    assert rouge_l("贷款利率", "贷款利率", words) == 1


short = st.lists(st.sampled_from("abc"), max_size=7)


@given(short, short)
def test_the_longest_common_subsequence_is_the_longest(one, other) -> None:
    def all_of(items):
        return {picked for count in range(len(items) + 1) for picked in combinations(items, count)}

    assert longest_common(one, other) == max(map(len, all_of(one) & all_of(other)))


def test_figures_come_from_sums_over_rows() -> None:
    surprise = np.array([[2.0, 2.0], [6.0, 2.0]])
    judged = judge_texts(["a b", "c"], ["a b", "d"], surprise)
    figures = figures_of(judged.sums.sum(0))
    assert figures["perplexity"] == pytest.approx(np.exp(2.0)) == perplexity(surprise)
    assert (figures["rouge_l"], figures["exact_match"]) == (0.5, 0.5)
    assert "perplexity" not in figures_of(judge_texts(["a"], ["a"]).sums.sum(0))


def test_the_beginning_of_the_text_is_as_long_as_answers_are() -> None:
    lead = fit_lead(["一二三", "one two three four", "五六七八九"])
    said = [one.text for one in lead.predict(corpus_of(["央行，今日宣布降息", "Rates rise, banks say so today"]))]
    assert said == ["央行，今日", "Rates rise, banks say"]
    assert beginning("短", 4) == "短"
