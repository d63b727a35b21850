"""Slices hold every row once, under names that a person can read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import judgement_of, predictor_and_corpus

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import UsageError
from feilun.evaluation.slices import MISSING, MOST_VALUES, default_slices, natural_order, slice_figures, slice_values


def corpus_with(column) -> Corpus:
    return replace(corpus_of(["text"] * len(column)), features={"column": column})


VALUES = st.one_of(st.none(), st.text(max_size=4), st.integers(-1000, 1000), st.floats(), st.booleans())


@settings(max_examples=100)
@given(st.lists(VALUES, max_size=60))
def test_every_row_has_a_slice_and_no_value_is_lost(column):
    names = slice_values(corpus_with(column), "column")
    assert len(names) == len(column)
    assert all(names)
    assert len(set(names)) <= max(MOST_VALUES, 5)


def test_rows_and_hits_of_the_slices_add_up():
    _, corpus = predictor_and_corpus(400, 3)
    judgement = judgement_of(400, 3)
    corpus = replace(
        corpus,
        features={"channel": [["app", "web", None][i % 3] for i in range(400)]},
        group=[f"g{i % 50}" for i in range(400)],
        time=[f"2026-{1 + i % 12:02d}-03T10:00:00" for i in range(400)],
    )
    columns = default_slices(corpus)
    assert columns == ["length", "language", "time", "group", "channel"]
    for column, values in slice_figures(judgement, corpus, columns).items():
        assert sum(row["n"] for row in values.values()) == 400, column
        hits = sum(row["n"] * row["accuracy"] for row in values.values())
        assert hits == pytest.approx(judgement.correct.sum())
        for row in values.values():
            assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]


def test_lengths_fall_into_about_equal_buckets_named_by_their_ends():
    corpus = corpus_of(["x" * length for length in range(1, 101)])
    counts = Counter(slice_values(corpus, "length"))
    assert counts == {"1–25": 25, "26–50": 25, "51–75": 25, "76–100": 25}
    assert set(slice_values(corpus_of(["ab", "cd"]), "length")) == {"2"}


def test_time_is_sliced_by_month_and_language_by_script():
    corpus = replace(corpus_of(["我的银行卡丢了怎么办", "where is my card"]), time=["2026-03-01", ""])
    assert slice_values(corpus, "time") == ["2026-03", MISSING]
    assert slice_values(corpus, "language") == ["zh", "en"]
    assert slice_values(corpus_of(["我的 iPhone 屏幕坏了怎么办", "123"]), "language") == ["zh", "none"]


def test_numbers_read_as_text_are_numbers_all_the_same():
    column = [str(number / 2) for number in range(100)] + ["", None]
    names = slice_values(corpus_with(column), "column")
    assert Counter(names)[MISSING] == 2
    assert natural_order(set(names)) == ["0–12", "12.5–24.5", "25–37", "37.5–49.5", MISSING]


def test_rare_values_share_a_slice_that_says_how_many():
    column = [f"v{i}" for i in range(100)] + ["frequent"] * 9
    counts = Counter(slice_values(corpus_with(column), "column"))
    assert counts["frequent"] == 9
    assert counts["(other: 82 values)"] == 82
    assert len(counts) == MOST_VALUES


def test_a_feature_named_as_a_built_in_slice_wins():
    corpus = replace(corpus_of(["a", "b"]), features={"length": ["short", "long"]})
    assert slice_values(corpus, "length") == ["short", "long"]


def test_an_unknown_column_is_refused_and_the_nearest_named():
    corpus = corpus_with(["a"])
    with pytest.raises(UsageError, match="Did you mean 'column'"):
        slice_values(corpus, "colum")
    with pytest.raises(UsageError, match="no column 'time'"):
        slice_values(corpus, "time")


def test_natural_order_is_that_of_a_person():
    names = ["100–200", "9–12", "(missing)", "web", "app", "0.5"]
    assert natural_order(names) == ["0.5", "9–12", "100–200", "app", "web", "(missing)"]
    assert natural_order(["2026-10", "2025-11", "2026-02"]) == ["2025-11", "2026-02", "2026-10"]
