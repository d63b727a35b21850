"""What people tell of answers: checked, one form for equal answers, and a training table that reads them back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feilun.core.answers.table import ANSWERS, answer_kind
from feilun.core.errors import UsageError
from feilun.core.observation import Feedback, Observation


def seen(prediction: dict[str, Any], text: str = "a loan, a card", *said: Feedback) -> Observation:
    return Observation("o", 0.0, "m@1", text, prediction, 0.0, said)


NAMES = ("credit", "cards", "a|b")
PREDICTIONS: dict[str, dict[str, Any]] = {
    "classify": {"label": "credit", "score": 0.9, "ranked": []},
    "multilabel": {"label": "credit | cards", "score": 0.9, "labels": ["credit", "cards"], "ranked": []},
    "tag": {
        "label": "loan [credit]", "score": 0.9,
        "spans": [{"start": 2, "end": 6, "label": "credit", "text": "loan", "score": 0.9}],
    },
    "rank": {"label": "relevant", "score": 0.9, "relevance": 3.25},
    "regress": {"label": "12.5", "score": 0.9, "value": 12.5, "interval": [10.0, 15.0]},
    "generate": {"label": "A title\n", "score": 0.9, "text": "A title\n", "tokens": 3, "finish_reason": "stop"},
}  # fmt: skip
SEVERAL = {
    "label": "1 | 2", "score": 0.9, "value": {"price": 1.0, "length": 2.0},
    "interval": {"price": [0.0, 2.0], "length": None},
}  # fmt: skip


@pytest.mark.parametrize("task", PREDICTIONS)
def test_a_prediction_tells_its_kind_and_is_right_where_it_is_called_so(task: str) -> None:
    kind, prediction = ANSWERS[task], PREDICTIONS[task]
    assert answer_kind(prediction) is kind
    own = kind.own(prediction)
    assert kind.right(prediction, kind.target(own))
    assert kind.target(kind.checked(own, seen(prediction), NAMES)) == kind.target(own)


def test_a_text_is_told_in_any_words_and_right_where_they_are_the_same() -> None:
    kind, found = ANSWERS["generate"], seen(PREDICTIONS["generate"])
    told = kind.checked("  Another title ", found, ())
    assert (told, kind.cells(kind.target(told))) == ("Another title", ("Another title",))
    assert [kind.right(found.prediction, target) for target in ("A  title", "a title", told)] == [True, False, False]
    with pytest.raises(UsageError, match="The answer is empty"):
        kind.checked(" \n", found, ())


def test_a_thumb_up_calls_a_written_text_right_and_two_texts_are_a_disagreement() -> None:
    up = Feedback("f", "o", 0.0, correct=True)
    assert seen(PREDICTIONS["generate"], "t", up).known_answer == "A title"
    found = seen(PREDICTIONS["generate"], "t", up, Feedback("g", "o", 1.0, answer="Another title"))
    assert (found.known_answer, found.conflicting) == (None, True)


@pytest.mark.parametrize(
    ("said", "labels"),
    [
        (["cards", "credit", "cards"], ["cards", "credit"]),
        ([], []),
        ("cards | credit", ["cards", "credit"]),
        ("a|b", ["a|b"]),
        ('["a|b", "cards"]', ["a|b", "cards"]),
        ("[]", []),
    ],
)
def test_sets_of_labels_are_told_as_lists_or_in_a_cell(said: Any, labels: list[str]) -> None:
    assert ANSWERS["multilabel"].checked(said, seen(PREDICTIONS["multilabel"]), NAMES) == labels


@pytest.mark.parametrize(
    ("said", "says"),
    [(["crdit"], "Did you mean 'credit'"), ("cards|crdit", "'crdit' is no label"), ("[cards", "is no list")],
)
def test_sets_that_cannot_be_are_refused(said: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ANSWERS["multilabel"].checked(said, seen(PREDICTIONS["multilabel"]), NAMES)


def test_no_label_at_all_is_an_answer_too() -> None:
    found = seen(PREDICTIONS["multilabel"], "t", Feedback("f", "o", 0.0, answer=[]))
    assert (found.known_answer, found.conflicting) == ((), False)


def test_the_order_of_labels_is_no_disagreement() -> None:
    said = (Feedback("f", "o", 0.0, answer=labels) for labels in (["a", "b"], ["b", "a"]))
    found = seen(PREDICTIONS["multilabel"], "t", *said)
    assert (found.known_answer, found.conflicting) == (("a", "b"), False)


@pytest.mark.parametrize(
    ("said", "target"),
    [({"length": 3, "price": 4}, (4.0, 3.0)), ('{"price": 4, "length": 3}', (4.0, 3.0))],
)
def test_several_numbers_are_told_by_name_in_any_order(said: Any, target: tuple[float, ...]) -> None:
    kind = ANSWERS["regress"]
    assert kind.target(kind.checked(said, seen(SEVERAL), NAMES)) == target
    assert kind.cells(target) == target


def test_a_number_is_right_within_its_interval_and_as_it_is_where_there_is_none() -> None:
    kind = ANSWERS["regress"]
    assert [kind.right(PREDICTIONS["regress"], (true,)) for true in (9.0, 10.0, 14.9)] == [False, True, True]
    assert [kind.right(SEVERAL, true) for true in ((0.5, 2.0), (0.5, 2.1), (3.0, 2.0))] == [True, False, False]
    assert kind.target(kind.checked("12.50", seen(PREDICTIONS["regress"]), NAMES)) == (12.5,)


@pytest.mark.parametrize(
    ("said", "prediction", "says"),
    [
        ("much", PREDICTIONS["regress"], "value is 'much', no finite number"),
        (float("nan"), PREDICTIONS["regress"], "no finite number"),
        (True, PREDICTIONS["regress"], "no finite number"),
        (4, SEVERAL, "gives several numbers, and '4' is one"),
        ({"price": 1}, SEVERAL, "number 'length' is missing"),
        ({"price": 1, "lenght": 2}, SEVERAL, "gives no number 'lenght'. Did you mean 'length'"),
        ({"price": 1, "length": "far"}, SEVERAL, "length is 'far'"),
    ],
)
def test_numbers_that_cannot_be_are_refused(said: Any, prediction: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ANSWERS["regress"].checked(said, seen(prediction), NAMES)


@pytest.mark.parametrize(("said", "grade"), [(2, 2.0), ("0", 0.0), (1.5, 1.5)])
def test_relevance_is_told_as_a_grade_and_right_where_it_says_relevant_alike(said: Any, grade: float) -> None:
    kind = ANSWERS["rank"]
    told = kind.target(kind.checked(said, seen(PREDICTIONS["rank"]), NAMES))
    assert told == grade
    assert kind.right(PREDICTIONS["rank"], told) is (grade > 0)


@pytest.mark.parametrize(("said", "says"), [(-1, "grades begin at 0"), ("much", "no finite number")])
def test_grades_that_cannot_be_are_refused(said: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ANSWERS["rank"].checked(said, seen(PREDICTIONS["rank"]), NAMES)


def test_a_thumb_up_calls_a_candidate_relevant() -> None:
    found = seen(PREDICTIONS["rank"], "t", Feedback("f", "o", 0.0, correct=True))
    assert found.known_answer == 1.0


TASKS = {
    "label": "mood: good; topics: credit", "score": 0.8,
    "tasks": {"mood": {"label": "good", "score": 0.9}, "topics": {**PREDICTIONS["multilabel"], "score": 0.8}},
}  # fmt: skip


def test_each_of_several_tasks_has_its_own_feedback() -> None:
    said = (
        Feedback("f", "o", 1.0, answer={"topics": ["cards"]}),
        Feedback("g", "o", 2.0, answer={"mood": None}, correct=False),
        Feedback("h", "o", 3.0, correct=False),
    )
    mood, topics = seen(TASKS, "t", *said).parts
    assert (mood.id, mood.task, mood.kind, mood.refused, mood.known_answer) == (
        "o/mood",
        "mood",
        ANSWERS["classify"],
        True,
        None,
    )
    assert (topics.refused, topics.known_answer) == (False, ("cards",))
    assert not seen(TASKS, "t", *said).conflicting
    assert seen(TASKS, "t", *said, Feedback("i", "o", 4.0, correct=True)).conflicting
    assert seen(PREDICTIONS["classify"]).part("topics") is None


LOAN, CARD = {"start": 2, "end": 6, "label": "credit"}, {"start": 10, "end": 14, "label": "cards"}


@pytest.mark.parametrize("said", [[CARD, LOAN], json.dumps([LOAN, CARD])])
def test_spans_are_told_in_any_order_or_in_a_cell(said: Any) -> None:
    kind = ANSWERS["tag"]
    told = kind.checked(said, seen(PREDICTIONS["tag"]), NAMES)
    assert told == [LOAN, CARD]
    assert kind.cells(kind.target(told)) == ([LOAN, CARD],)
    assert not kind.right(PREDICTIONS["tag"], kind.target(told))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ([{**LOAN, "end": 99}], "has 14 characters: none from 2 to 99"),
        ([{**LOAN, "end": 2}], "none from 2 to 2"),
        ([{**LOAN, "start": -1}], "none from -1 to 6"),
        ([{**LOAN, "start": "2"}], "characters: none from"),
        ([LOAN, {**CARD, "start": 5}], "overlap"),
        ([{**LOAN, "label": "crdit"}], "Did you mean 'credit'"),
        ([{"start": 2, "end": 6}], "no list of spans"),
        ("loan", "no list of spans"),
    ],
)
def test_spans_that_cannot_be_are_refused(said: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ANSWERS["tag"].checked(said, seen(PREDICTIONS["tag"]), NAMES)
