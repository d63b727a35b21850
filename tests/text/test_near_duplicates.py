"""Near duplicates are found as an exhaustive comparison finds them, and nothing else is."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.text.near_duplicates import comparable, near_duplicate_groups, near_duplicates, shingles

WORDS = ["the", "bank", "charged", "my", "card", "twice", "last", "week", "and", "nobody", "answers"]
WORDS += ["银行", "贷款", "利率", "服务", "态度", "很好", "为什么", "还没", "到账"]


def random_texts(rows: int, seed: int) -> list[str]:
    source = random.Random(seed)
    texts = [" ".join(source.choices(WORDS, k=source.randint(6, 25))) for _ in range(rows)]
    for _ in range(rows // 4):
        words = source.choice(texts).split()
        words[source.randrange(len(words))] = source.choice(WORDS)
        texts.append(" ".join(words))
    return texts


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_those_of_all_pairs(seed: int) -> None:
    texts = random_texts(200, seed)
    groups = near_duplicate_groups(texts, 0.8)
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in combinations(range(len(texts)), 2):
        if near_duplicates(texts[i], texts[j], 0.8):
            low, high = sorted((root(i), root(j)))
            parent[high] = low
    assert groups.tolist() == [root(i) for i in range(len(texts))]
    assert len(set(groups.tolist())) < len(texts)


@settings(max_examples=100)
@given(st.lists(st.text(max_size=12), max_size=12))
def test_a_group_holds_equal_texts_and_is_named_by_its_first(texts: list[str]) -> None:
    groups = near_duplicate_groups([*texts, *texts]).tolist()
    size = len(texts)
    assert groups[size:] == groups[:size]
    assert all(groups[group] == group <= i for i, group in enumerate(groups))


def test_case_blanks_punctuation_and_links_do_not_count() -> None:
    texts = ["Great food!!", "great  food", "Great food https://t.co/x1", "好吃，推荐！", "好吃 推荐"]
    assert near_duplicate_groups(texts).tolist() == [0, 0, 0, 3, 3]


def test_different_signs_and_empty_texts_stay_apart() -> None:
    assert near_duplicate_groups(["😀", "😡", "", "!!!", "😀"]).tolist() == [0, 1, 2, 3, 0]


def test_short_opposites_are_not_duplicates() -> None:
    assert len(set(near_duplicate_groups(["很好吃", "不好吃", "好吃", "good", "not good"]).tolist())) == 5


@given(st.text(max_size=30), st.text(max_size=30))
def test_near_is_symmetric_and_a_text_is_near_itself(one: str, other: str) -> None:
    assert near_duplicates(one, other) == near_duplicates(other, one)
    assert near_duplicates(one, one)
    assert bool(shingles(one)) == bool(comparable(one))


def test_crowded_buckets_stay_cheap() -> None:
    texts = [f"您的订单{i:06d}已经发货，请注意查收，谢谢您的支持，祝您生活愉快，欢迎再次光临本店" for i in range(5000)]
    groups = near_duplicate_groups(texts)
    assert len(np.unique(groups)) < 100
