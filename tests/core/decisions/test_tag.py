from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from feilun.core.decisions.tag import TagDecision, runs
from feilun.core.spans import TokenLogits, differences, reordered

NAMES = ("name", "place")


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


def test_what_was_learned_of_neighbours_decides_where_tokens_leave_it_open_and_outlives_the_bundle():
    offsets = np.array([[0, 1], [1, 2]])
    one = TokenLogits("李明", offsets, np.array([[0, 4, 0, 0, 0], [1, 0, 1.1, 0, 0]], np.float32))
    alone = [[0.0] * 5 for _ in range(5)]
    alone[1][2] = -3.0  # a further token of a name is rare behind its first
    learnt = TagDecision(transitions=tuple(map(tuple, alone)), sure_from=(("name", 0.7),))
    again = TagDecision.from_table(json.loads(json.dumps(asdict(learnt))))
    assert again == learnt
    assert [[span.end for span in own] for d in (TagDecision(), again) for own in d.spans([one], NAMES)] == [[2], [1]]


def test_numbers_of_rows_and_of_tokens_are_compared_and_reordered_alike():
    arrays = [np.full((2, 3), value, np.float32) for value in (1.0, 2.0)]
    order = np.array([3, 0, 2, 1])
    assert np.asarray(reordered(arrays, order))[:, 0].tolist() == [1.0, 2.0, 2.0, 1.0]
    tokens = [TokenLogits(str(i), np.zeros((i, 2), np.int64), np.full((i, 3), i, np.float32)) for i in range(4)]
    back = reordered([[tokens[i] for i in order[:2]], [tokens[i] for i in order[2:]]], order)
    assert [one.text for one in back] == ["0", "1", "2", "3"]
    assert differences(tokens, tokens).max() == 0
    assert differences(arrays[0], arrays[1]).tolist() == [1.0] * 6
