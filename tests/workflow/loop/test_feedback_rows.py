"""What differs by task when people's answers become rows: whole lists, pairs that all say the same, raw cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feilun.core.corpus import Corpus
from feilun.core.observation import Feedback, Observation
from feilun.data.prepare import prepare
from feilun.workflow import recipe as recipes
from feilun.workflow.loop.next_corpus import next_corpus, with_strangers

RANK = {"label": "relevant", "score": 0.9, "relevance": 1.0}


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def seen(number: int, query: str, candidate: str, grade: float) -> Observation:
    said = Feedback(f"f{number}", f"o{number}", 0.0, answer=grade)
    return Observation(f"o{number}", 0.0, "m@1", query, RANK, 0.0, (said,), candidate)


@pytest.fixture
def lists(tmp_path: Path) -> recipes.Recipe:
    """Forty queries with four candidates each, which all lists share."""
    table = [
        {
            "id": f"q{i}",
            "query": f"question {i} {chr(65 + i) * 6}",
            "candidate": f"a long answer, number {j}",
            "grade": int(i % 4 == j),
        }
        for i in range(40)
        for j in range(4)
    ]
    write(tmp_path / "lists.jsonl", table)
    (tmp_path / "rank.toml").write_text(
        'task = "rank"\n[data]\ntrain = "lists.jsonl"\ntext = "query"\npair = "candidate"\ntarget = "grade"\n'
        'group = "id"\n[retrain]\nheld_out = 0.3\n',
        encoding="utf-8",
    )
    return recipes.load(tmp_path / "rank.toml")


def test_the_candidates_of_a_query_stay_together_and_join_its_list(lists: recipes.Recipe, tmp_path: Path) -> None:
    before = prepare(lists.data, task="rank")
    known, judged = before.train.text[0], before.test.text[0]
    found = [
        seen(number, f"{chr(97 + number // 3) * 8} asked", f"answer {number % 3}", number % 3) for number in range(60)
    ]
    found += [seen(60, known, "a further answer", 1), seen(61, judged, "another answer", 1)]
    made = next_corpus(lists, found, tmp_path / "rows").tasks[""]
    held = [text for text in made.new.text if text.endswith("asked")]
    assert len(held) % 3 == 0
    assert 0 < len(held) < 60
    assert made.learned == 62 - len(made.new) - made.near

    again = prepare(made.data, task="rank")
    assert (list(again.test.text), list(again.test.pair or ())) == (
        list(before.test.text),
        list(before.test.pair or ()),
    )
    groups = dict(zip(again.train.text, again.train.group or (), strict=True))
    groups |= dict(zip(again.validation.text, again.validation.group or (), strict=True))
    assert groups[known] == (before.train.group or [""])[0]
    assert judged not in groups  # what is learned of a test query would be known already when it is judged
    learned = {text for text in groups if text.endswith("asked")}
    assert learned
    assert not learned & set(made.new.text)
    assert all(groups[text] == text for text in learned)
    assert len(again.train) + len(again.validation) >= len(before.train) + len(before.validation)


def test_pairs_that_all_say_the_same_are_judged_beside_strangers() -> None:
    corpus = Corpus(["0", "1", "2"], ["a", "a", "b"], ["x", "y", "z"], ["same"] * 3)
    both = with_strangers(corpus)
    assert list(zip(both.text, both.pair or (), both.target or (), strict=True))[3:] == [
        ("a", "z", "different"),  # not a and y: that may well be the same
        ("b", "x", "different"),
    ]


def test_corrections_of_pairs_without_labels_bring_a_column_of_labels(tmp_path: Path) -> None:
    write(
        tmp_path / "pairs.jsonl",
        [{"one": f"text {i} {chr(65 + i) * 5}", "other": f"{chr(65 + i) * 5} said"} for i in range(40)],
    )
    (tmp_path / "pairs.toml").write_text(
        'task = "match"\n[data]\ntrain = "pairs.jsonl"\ntext = "one"\npair = "other"\ntarget = []\n'
        '[model]\nencoder = "bi"\n[retrain]\nheld_out = 0.01\n',
        encoding="utf-8",
    )
    recipe = recipes.load(tmp_path / "pairs.toml")
    said = Feedback("f", "o", 0.0, answer="different")
    found = [Observation("o", 0.0, "m@1", "hello", {"label": "same", "score": 0.9}, 0.0, (said,), "goodbye")]
    made = next_corpus(recipe, found, tmp_path / "rows").tasks[""]
    assert (made.learned, made.left_out()["unknown_label"]) == (1, 0)
    again = prepare(made.data, task="similarity")
    assert again.labels.names == ("different", "same")
    targets = [*(again.train.target or ()), *(again.validation.target or ())]
    assert targets.count("different") == 1
    assert set(made.test.target or ()) == {"different", "same"}


def test_of_written_texts_those_that_teach_what_should_be_written_are_learned(tmp_path: Path) -> None:
    letters = [f"prompt {i} {chr(65 + i) * 5}" for i in range(40)]
    write(tmp_path / "asked.jsonl", [{"text": text, "answer": f"title {text[-3:]}"} for text in letters])
    (tmp_path / "write.toml").write_text(
        'task = "generate"\n[data]\ntrain = "asked.jsonl"\ntarget = "answer"\nmost_rows = 30\n'
        "[retrain]\nheld_out = 0.5\n",
        encoding="utf-8",
    )
    recipe = recipes.load(tmp_path / "write.toml")

    def written(number: int, answer: str | None = None, **asked: object) -> Observation:
        said = Feedback(f"f{number}", f"o{number}", 0.0, answer=answer, correct=None if answer else True)
        own = {"label": "own", "score": 0.5, "text": f"own title {number}", **asked}
        return Observation(f"o{number}", 0.0, "m@1", f"{chr(97 + number % 26) * 9} {number} asked", own, 0.0, (said,))

    found = [written(i, f"told title {i}") for i in range(40)] + [written(i) for i in range(40, 80)]
    found += [written(80, "told in a conversation", turns=3), written(81, "call [PHONE]")]
    made = next_corpus(recipe, found, tmp_path / "rows").tasks[""]
    assert {reason: n for reason, n in made.said.left_out().items() if n} == {"conversation": 1, "personal_data": 1}
    assert all(str(target).startswith("told") for target in made.new.target or ())  # another title may be as good
    assert 0 < made.left_out()["approved_held_out"] < 40
    assert made.learned + len(made.new) + made.approved + made.near == 80
    again = prepare(made.data, task="generate")
    assert len(again.train) + len(again.validation) + len(again.test) == 30 + made.learned  # most_rows cuts none of it
    learned = [*(again.train.target or ()), *(again.validation.target or ())]
    assert any(target.startswith("own") for target in learned)
