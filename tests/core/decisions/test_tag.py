from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.core.decisions.tag import TagDecision, runs, viterbi
from feilun.core.spans import TokenLogits, differences, reordered

NAMES = ("name", "place")


def possible(tags: tuple[int, ...]) -> bool:
    """Say whether each further token stands behind a token of its label."""
    before = (0, *tags[:-1])
    return all(tag == 0 or tag % 2 or earlier in {tag, tag - 1} for earlier, tag in zip(before, tags, strict=True))


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 2))
@settings(max_examples=40, deadline=None)
def test_no_possible_sequence_is_more_probable_than_the_one_found(seed, tokens, labels):
    scores = np.random.default_rng(seed).normal(size=(tokens, 2 * labels + 1))
    (found,) = viterbi([scores])
    every = [tags for tags in product(range(2 * labels + 1), repeat=tokens) if possible(tags)]
    best = max(sum(scores[i, tag] for i, tag in enumerate(tags)) for tags in every)
    assert possible(tuple(found.tolist()))
    assert scores[np.arange(tokens), found].sum() == pytest.approx(best)


def test_texts_decoded_together_get_what_each_gets_alone():
    generator = np.random.default_rng(3)
    scores = [generator.normal(size=(length, 5)) for length in (4, 1, 0, 9, 1, 6)]
    for alone, together in zip((viterbi([one])[0] for one in scores), viterbi(scores), strict=True):
        assert alone.tolist() == together.tolist()


def test_neighbouring_spans_of_one_label_stay_two():
    assert runs(np.array([1, 1, 2, 0, 3, 4, 4, 1])) == [(0, 0), (1, 2), (4, 6), (7, 7)]


def test_spans_hold_the_characters_that_their_tokens_stand_for():
    text = "👍李明 在北京"
    offsets = np.array([[0, 1], [1, 2], [2, 3], [4, 5], [5, 6], [6, 7]])
    logits = np.full((6, 5), -4.0, np.float32)
    logits[np.arange(6), [0, 1, 2, 0, 3, 4]] = 4.0
    one = TokenLogits(text, offsets, logits)
    empty = TokenLogits("", np.empty((0, 2), np.int64), np.empty((0, 5), np.float32))
    found, nothing = TagDecision().decide([one, empty], NAMES)
    assert [(span.text, span.label, text[span.start : span.end]) for span in found.spans or ()] == [
        ("李明", "name", "李明"), ("北京", "place", "北京"),
    ]  # fmt: skip
    assert nothing.spans == ()
    assert found.task == nothing.task == "tag"
    assert 0.99 < found.score <= min(span.score for span in found.spans or ()) + 1e-9
    moved = TokenLogits(text, offsets, -logits)
    assert TagDecision().changed([one, empty], [moved, empty], NAMES).tolist() == [True, False]


def test_numbers_of_rows_and_of_tokens_are_compared_and_reordered_alike():
    arrays = [np.full((2, 3), value, np.float32) for value in (1.0, 2.0)]
    order = np.array([3, 0, 2, 1])
    assert np.asarray(reordered(arrays, order))[:, 0].tolist() == [1.0, 2.0, 2.0, 1.0]
    tokens = [TokenLogits(str(i), np.zeros((i, 2), np.int64), np.full((i, 3), i, np.float32)) for i in range(4)]
    back = reordered([[tokens[i] for i in order[:2]], [tokens[i] for i in order[2:]]], order)
    assert [one.text for one in back] == ["0", "1", "2", "3"]
    assert differences(tokens, tokens).max() == 0
    assert differences(arrays[0], arrays[1]).tolist() == [1.0] * 6
