"""What people said becomes rows: only what people said, each text once, disagreement left out and counted."""

from __future__ import annotations

import pytest

from feilun.core.observation import Feedback, Observation
from feilun.monitoring.reviewed import held_out, reviewed


def one(text: str, predicted: str, *said: str | bool, time: float = 1.0) -> Observation:
    feedback = tuple(
        Feedback(f"f{i}", "o", time + i, **({"correct": s} if isinstance(s, bool) else {"answer": s}))
        for i, s in enumerate(said)
    )
    return Observation(f"{text}-{time}", time, "m@1", text, {"label": predicted}, 0.0, feedback)


def test_a_thumb_up_and_a_named_label_are_labels_and_silence_is_none() -> None:
    found = reviewed([one("a", "x", True), one("b", "x", "y"), one("c", "x")])
    assert [(row.last.text, row.target) for row in found.rows] == [("a", "x"), ("b", "y")]
    assert [row.named for row in found.rows] == [False, True]
    assert sum(found.left_out().values()) == 0


@pytest.mark.parametrize(
    "said",
    [
        [one("a", "x", "x", "y")],
        [one("a", "x", "x"), one("a", "x", "y", time=5)],
        [one("a", "x", True, False)],
        [one("a", "x", False), one("a", "y", "x", time=5)],
    ],
)
def test_people_who_disagree_about_a_text_teach_nothing(said: list[Observation]) -> None:
    found = reviewed(said)
    assert (found.rows, found.left) == ((), {"conflicting": 1})


def test_what_was_only_called_wrong_and_labels_of_another_set_are_counted() -> None:
    found = reviewed(
        [one("a", "x", False), one("b", "x", "old label"), one("c", "x", "y")],
        lambda one, target: None if target in {"x", "y"} else "unknown_label",
    )
    assert [row.last.text for row in found.rows] == ["c"]
    assert {reason: count for reason, count in found.left_out().items() if count} == {"unnamed": 1, "unknown_label": 1}


def test_a_text_that_was_answered_twice_is_one_row_told_when_it_was_told_first() -> None:
    found = reviewed([one("a", "x", "y"), one("a", "x", "y", time=9.0)])
    assert [(row.last.id, row.told) for row in found.rows] == [("a-9.0", 1.0)]
    assert (found.since(0.5), found.since(1.0)) == (1, 0)


def test_a_text_stays_where_it_was_put_and_the_share_is_kept() -> None:
    texts = [f"text {i}" for i in range(4000)]
    kept = {text for text in texts if held_out(text, 0.2)}
    assert 0.17 < len(kept) / len(texts) < 0.23
    assert kept <= {text for text in texts if held_out(text, 0.4)}
