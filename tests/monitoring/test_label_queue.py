"""What people called wrong comes first, then what the model is least sure of, and no text twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from feilun.core.observation import Feedback, Observation
from feilun.monitoring.label_queue import ORDER, suggest


def seen(number: int, score: float, text: str | None = None, abstained: bool = False) -> Observation:
    prediction = {"label": "good", "score": score, "abstained": abstained}
    return Observation(f"{number}", 0.0, "m@1", text or f"text {number}", prediction, 0.0)


def told(one: Observation, *said: dict[str, object]) -> Observation:
    return replace(one, feedback=tuple(Feedback("f", one.id, 0.0, **fields) for fields in said))  # type: ignore[arg-type]


def test_the_order() -> None:
    window = [
        seen(0, 0.9),
        seen(1, 0.6),
        seen(2, 0.5, abstained=True),
        seen(3, 0.4, abstained=True),
        told(seen(4, 0.99), {"correct": False}),
        told(seen(5, 0.99), {"answer": "bad"}, {"correct": True}),
        told(seen(6, 0.1), {"answer": "bad"}),
        told(seen(7, 0.2), {"text": "hm"}),
    ]
    assert [(one.observation.id, one.reason) for one in suggest(window, 99)] == [
        ("5", "conflicting feedback"), ("4", "called wrong"), ("3", "left to a person"), ("2", "left to a person"),
        ("7", "low score"), ("1", "low score"), ("0", "low score"),
    ]  # fmt: skip


def test_a_text_comes_once_and_not_at_all_once_its_label_is_known() -> None:
    window = [seen(0, 0.9, "a"), seen(1, 0.3, "a"), seen(2, 0.2, "b"), told(seen(3, 0.9, "b"), {"correct": True})]
    assert [one.observation.id for one in suggest(window, 9)] == ["1"]


def test_what_two_versions_say_differently_comes_before_what_one_is_not_sure_of() -> None:
    def said(number: int, text: str, version: int, label: str) -> Observation:
        prediction = {"label": label, "score": 0.9, "abstained": False}
        return Observation(f"{number}", 0.0, f"m@{version}", text, prediction, 0.0)

    window = [
        said(0, "a", 1, "good"), said(1, "a", 2, "bad"),
        said(2, "b", 1, "good"), said(3, "b", 2, "good"),
        said(4, "c", 1, "bad"), said(5, "c", 1, "good"), said(6, "c", 2, "good"),  # version 1 came to say the same
        seen(7, 0.1),
    ]  # fmt: skip
    found = [(one.observation.text, one.reason) for one in suggest(window, 9)]
    assert found[0] == ("a", "versions disagree")
    assert [reason for _, reason in found[1:]] == ["low score"] * 3


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 5)), max_size=30), st.integers(1, 10))
def test_no_more_than_asked_for_and_in_order(rows: list[tuple[float, bool, int]], count: int) -> None:
    window = [seen(i, score, f"t{text}", abstained) for i, (score, abstained, text) in enumerate(rows)]
    found = suggest(window, count)
    assert len(found) == min(count, len({one.text for one in window}))
    ranks = [(ORDER.index(one.reason), one.observation.score) for one in found]
    assert ranks == sorted(ranks)


def test_written_texts_come_by_likelihood_as_no_two_versions_ever_agree() -> None:
    def written(number: int, version: int, text: str, score: float, **asked: object) -> Observation:
        prediction = {"label": text, "score": score, "text": text, "abstained": False, **asked}
        return Observation(f"{number}", 0.0, f"m@{version}", f"text {number % 2}", prediction, 0.0)

    talk = written(3, 1, "a", 0.1, turns=3)  # nothing can be learned from it
    found = suggest([written(1, 1, "a", 0.9), written(0, 1, "b", 0.5), written(2, 2, "c", 0.8), talk], 9)
    assert [(one.observation.id, one.reason) for one in found] == [("0", "low score"), ("1", "low score")]


def test_numbers_come_as_they_were_answered_and_no_two_versions_ever_agree() -> None:
    def priced(number: int, version: int, value: float) -> Observation:
        prediction = {"label": str(value), "score": 0.9, "value": value, "interval": None}
        return Observation(f"{number}", 0.0, f"m@{version}", f"text {number % 2}", prediction, 0.0)

    found = suggest([priced(1, 1, 9.0), priced(0, 1, 3.0), priced(2, 2, 3.1)], 9)
    assert [(one.observation.id, one.reason) for one in found] == [("1", "no score"), ("0", "no score")]
