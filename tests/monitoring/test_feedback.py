"""Feedback is checked, kept beside all other, and never taken twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from feilun.core.decisions.multitask import joined
from feilun.core.errors import UsageError
from feilun.monitoring.feedback import FeedbackDesk, KeyReused, UnknownObservation
from feilun.monitoring.log import ObservationLog
from feilun.storage.database import open_database
from monitoring.made import LABELS, predictions


@pytest.fixture
def desk(database_url: str) -> Iterator[FeedbackDesk]:
    database = open_database(database_url)
    with ObservationLog(database) as log:
        yield FeedbackDesk(log, lambda bundle: LABELS if bundle == "m@1" else ())
    database.close()


@pytest.fixture
def observed(desk: FeedbackDesk) -> str:
    return observe(desk)


def observe(desk: FeedbackDesk, bundle: str = "m@1") -> str:
    (identity,) = desk.log.observe(bundle, ["很好"], predictions(1), 0.0)
    assert identity is not None
    return identity


PREDICTED = predictions(1)[0].label
OTHER, THIRD = (label for label in LABELS if label != PREDICTED)


def test_an_answer_that_is_not_written_yet_can_be_spoken_of(desk: FeedbackDesk, observed: str) -> None:
    given = desk.give(observed, label=OTHER, text="打 13812345678")
    assert given.observation.id == observed
    assert given.observation.feedback == (given.feedback,)
    assert (given.observation.known_answer, given.feedback.text) == (OTHER, "打 [PHONE]")
    assert not given.repeated


def test_conflicting_feedback_is_kept_and_shown(desk: FeedbackDesk, observed: str) -> None:
    assert desk.give(observed, correct=True).observation.known_answer == PREDICTED
    assert not desk.give(observed, label=PREDICTED).observation.conflicting
    found = desk.give(observed, label=OTHER).observation
    assert (found.conflicting, found.known_answer, len(found.feedback)) == (True, None, 3)


@pytest.mark.parametrize(
    ("said", "conflicting", "known"),
    [
        ([{"correct": False}], False, None),
        ([{"correct": False}, {"label": OTHER}], False, OTHER),
        ([{"correct": False}, {"correct": True}], True, None),
        ([{"label": OTHER}, {"label": THIRD}], True, None),
        ([{"label": OTHER}, {"label": OTHER}, {"correct": False}], False, OTHER),
        ([{"text": "?"}], False, None),
        ([{"correct": False, "label": OTHER}], False, OTHER),
        ([{"correct": True, "label": PREDICTED}], False, PREDICTED),
    ],
)
def test_what_several_people_say(desk: FeedbackDesk, observed: str, said: list[dict], conflicting, known) -> None:  # type: ignore[type-arg]
    for one in said:
        found = desk.give(observed, **one).observation
    assert (found.conflicting, found.known_answer) == (conflicting, known)
    assert len(found.feedback) == len(said)


def test_the_same_key_is_taken_once(desk: FeedbackDesk, observed: str) -> None:
    first = desk.give(observed, label=OTHER, key="k")
    again = desk.give(observed, label=OTHER, key="k")
    assert (again.repeated, again.feedback) == (True, first.feedback)
    assert len(again.observation.feedback) == 1
    with pytest.raises(KeyReused, match="'k' came before with other feedback"):
        desk.give(observed, label=THIRD, key="k")
    assert not desk.give(observe(desk), label=OTHER, key="k").repeated  # a key counts within its observation
    assert not desk.give(observed, label=OTHER).repeated  # without a key, another person may say the same


def test_the_same_key_at_the_same_moment_is_taken_once(desk: FeedbackDesk, observed: str) -> None:
    given = []

    def give() -> None:
        given.append(desk.give(observed, label=OTHER, key="k"))

    threads = [threading.Thread(target=give) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.repeated for one in given) == [False, *[True] * 5]
    assert len({one.feedback.id for one in given}) == 1


def test_wrong_feedback_is_refused_with_what_would_be_right(desk: FeedbackDesk, observed: str) -> None:
    with pytest.raises(UnknownObservation, match="no observation 'none'"):
        desk.give("none", correct=True)
    with pytest.raises(UsageError, match=r"'goood' is no label of m@1\. Did you mean 'good'\?"):
        desk.give(observed, label="goood")
    with pytest.raises(UsageError, match="says nothing"):
        desk.give(observed, text=" ")
    with pytest.raises(UsageError, match=r"thumbs up, but the label .* is not the one"):
        desk.give(observed, label=OTHER, correct=True)
    with pytest.raises(UsageError, match=r"thumbs down, but the label .* is the one"):
        desk.give(observed, label=PREDICTED, correct=False)
    with pytest.raises(UsageError, match="not known here"):
        desk.give(observe(desk, "gone@7"), label="good")
    assert len(desk.give(observed, correct=True).observation.feedback) == 1


def test_of_several_tasks_the_one_that_is_meant_must_be_named(desk: FeedbackDesk) -> None:
    first, second = predictions(2)
    (identity,) = desk.log.observe("m@1", ["很好"], [joined({"mood": first, "size": second})], 0.0)
    with pytest.raises(UsageError, match=f"Name the one that is meant: {identity}/mood, {identity}/size"):
        desk.give(str(identity), label=OTHER)
    with pytest.raises(UsageError, match="Tell the right answer as 'label'"):
        desk.give(f"{identity}/mood", labels=[OTHER])
    assert desk.give(str(identity), correct=True).observation.feedback
