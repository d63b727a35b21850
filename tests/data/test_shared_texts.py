"""Pairs that share a text: kept in one set, and told where given files tear them apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.remark import said_in
from feilun.core.splits import Splits
from feilun.data.prepare import prepare
from feilun.data.settings import DataSettings
from feilun.data.shared_texts import by_shared_texts

ASKED = "pair of number {} about {} of {}"
TOPICS = ("transfers", "cards", "loans", "savings", "fees")


def pairs(questions: range) -> list[dict[str, str]]:
    """Five pairs for each question, each with another second text."""
    return [
        {
            "a": f"question {hash_(q)} on {q}",
            "b": ASKED.format(hash_(7 * q + n), topic, hash_(q + n)),
            "same": str(n % 2),
        }
        for q in questions
        for n, topic in enumerate(TOPICS)
    ]


def hash_(number: int) -> int:
    return number * 2654435761 % 1000003


def prepared(folder: Path, **parts: list[dict[str, str]]) -> Splits:
    for name, rows in parts.items():
        polars.DataFrame(rows).write_csv(folder / f"{name}.csv")
    files = {name: str(folder / f"{name}.csv") for name in parts}
    return prepare(DataSettings(text="a", pair="b", target="same", **files), task="match")


def shared(one: Corpus, other: Corpus) -> set[str]:
    return {*one.text, *(one.pair or ())} & {*other.text, *(other.pair or ())}


def test_pairs_that_share_a_text_are_split_together(tmp_path: Path) -> None:
    splits = prepared(tmp_path, train=pairs(range(60)))
    assert len(splits.validation) == len(splits.test) == 30
    for one, other in (
        (splits.train, splits.validation),
        (splits.train, splits.test),
        (splits.validation, splits.test),
    ):
        assert not shared(one, other)
    assert not [note for note in splits.report["notes"] if "training pair" in note]


def test_given_files_that_share_texts_are_told(tmp_path: Path) -> None:
    rows = pairs(range(60))
    splits = prepared(tmp_path, train=rows[::2], validation=rows[1::2], test=pairs(range(60, 80)))
    notes = [note for note in splits.report["notes"] if "training pair" in note]
    assert [note.startswith("100% of the validation pairs") for note in notes] == [True]
    assert "100% 的验证文本对" in said_in("zh", notes[0])


def test_groups_follow_shared_texts_through_other_pairs() -> None:
    corpus = replace(corpus_of(["a", "b", "d", "e"]), pair=["b", "c", "x", "y"])
    groups = by_shared_texts(corpus).tolist()
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


def test_pairs_that_all_hang_together_are_not_united() -> None:
    corpus = replace(corpus_of([f"text {i}" for i in range(40)]), pair=["the same hypothesis"] * 40)
    assert len(set(by_shared_texts(corpus).tolist())) == 40


def test_a_search_may_be_asked_anew_about_the_same_collection(tmp_path: Path) -> None:
    rows = [{**row, "same": "1"} for row in pairs(range(60))]
    for name, part in (("train", rows[::2]), ("test", rows[1::2])):
        polars.DataFrame(part).write_csv(tmp_path / f"{name}.csv")
    files = {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}
    splits = prepare(DataSettings(text="b", pair="a", target=(), **files), task="similarity")
    assert not [note for note in splits.report["notes"] if "training pair" in note]
