"""Preparing loses no row unseen, lets no text stand in two sets, and says what is wrong in words."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from tables import labelled, texts, write_csv

from feilun.core.errors import DataError
from feilun.core.splits import Splits
from feilun.data.loading import RowNumbers
from feilun.data.prepare import load_corpus, prepare
from feilun.data.render import render
from feilun.data.settings import CleanSettings, DataSettings
from feilun.data.split import SplitSettings
from feilun.text.near_duplicates import near_duplicates
from feilun.text.times import read_time


def shown(splits: Splits) -> str:
    console = Console(width=300, file=io.StringIO(), record=True)
    console.print(render(splits.report))
    return console.export_text()


def conserved(splits: Splits) -> None:
    """Rows in = rows kept + rows dropped by reason, in all and by source."""
    rows = splits.report["rows"]
    sets = [splits.train, splits.validation, splits.test]
    assert rows["in"] == rows["kept"] + sum(rows["dropped"].values())
    assert rows["kept"] == sum(map(len, sets)) == sum(splits.report["sets"].values())
    for source in splits.report["sources"].values():
        assert source["rows"] == source["kept"] + sum(drop["rows"] for drop in source["dropped"].values())


def apart(splits: Splits) -> None:
    """No text stands, or nearly stands, in two sets."""
    sets = [splits.train, splits.validation, splits.test]
    for i, one in enumerate(sets):
        for other in sets[i + 1 :]:
            assert not [(a, b) for a in one.text for b in other.text if near_duplicates(a, b)]


cell = st.text(st.sampled_from('abc好吃 不，<b>&１\u200b\x00\n"'), max_size=8)
rows = st.lists(st.tuples(cell, st.sampled_from(["good", "bad", "bad ", "", " "])), max_size=40)


@settings(max_examples=40)
@given(rows, rows, st.sampled_from(["none", "exact", "near"]), st.sampled_from(["label", "random"]), st.booleans())
def test_no_row_is_lost_unseen_and_no_text_stands_in_two_sets(
    tmp_path_factory: pytest.TempPathFactory, more: list[Any], test: list[Any], deduplicate: str, by: str, given: bool
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    train = write_csv(folder / "train.csv", [*labelled(30, ["good", "bad", "bad "]), *more])
    test_rows = [*labelled(3, seed=0), *labelled(4, seed=9), *test]
    data = DataSettings(
        train=train,
        test=write_csv(folder / "test.csv", test_rows) if given else None,
        clean=CleanSettings(deduplicate=deduplicate),  # type: ignore[arg-type]
        split=SplitSettings(by=by),  # type: ignore[arg-type]
    )
    splits = prepare(data)
    conserved(splits)
    apart(splits)
    kept = {"train": splits.train, "validation": splits.validation}
    read = ["", *(label for _, label in [*labelled(30, ["good", "bad", "bad "]), *more])]
    for corpus in kept.values():
        assert all(read[int(i)] == label for i, label in zip(corpus.id, corpus.target or (), strict=True))
    again = prepare(data)
    assert again.fingerprint == splits.fingerprint
    assert json.loads(json.dumps(splits.report)) == json.loads(json.dumps(again.report))
    assert shown(splits)


def test_dropped_rows_are_counted_by_reason_and_named(tmp_path: Path) -> None:
    made = labelled(40)
    train = [*made, made[3], ("", "good"), (" \u200b ", "bad"), ("no label here at all", " ")]
    near = made[5][0] + "!!"
    splits = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", [*train, (near, made[5][1])])))
    assert splits.report["rows"]["dropped"] == {
        "empty text": 2,
        "no label": 1,
        "same text and label as an earlier row": 1,
    }
    assert splits.report["sources"]["train"]["dropped"]["empty text"] == {"rows": 2, "examples": ["42", "43"]}
    assert near in [text for part in (splits.train, splits.validation, splits.test) for text in part.text]
    clean = CleanSettings(deduplicate="near")
    dropped = prepare(DataSettings(train=str(tmp_path / "a.csv"), clean=clean)).report["rows"]["dropped"]
    assert dropped["nearly the same text and the same label as an earlier row"] == 1
    none = prepare(DataSettings(train=str(tmp_path / "a.csv"), clean=CleanSettings(deduplicate="none")))
    assert none.report["rows"]["kept"] == 42


def test_cleaning_is_counted_by_step_and_applied(tmp_path: Path) -> None:
    made = [*labelled(30), ("<b>tidy</b> me up now please", "good"), ("ＡＢＣ full width letters", "bad")]
    splits = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", made)))
    assert splits.report["cleaning"] == {"html": 1, "whitespace": 1, "full_width": 1}
    kept = [text for part in (splits.train, splits.validation, splits.test) for text in part.text]
    assert {"tidy me up now please", "ABC full width letters"} <= set(kept)


@pytest.mark.parametrize("leakage", ["drop", "keep"])
def test_training_rows_that_leak_into_given_files(tmp_path: Path, leakage: str) -> None:
    made = labelled(40)
    test = [made[0], (made[1][0].upper() + " !", "good"), *labelled(5, seed=8)]
    validation = [made[2], test[2], *labelled(5, seed=9)]
    data = DataSettings(
        train=write_csv(tmp_path / "train.csv", made),
        validation=write_csv(tmp_path / "dev.csv", validation),
        test=write_csv(tmp_path / "test.csv", test),
        split=SplitSettings(leakage=leakage),  # type: ignore[arg-type]
    )
    splits = prepare(data)
    conserved(splits)
    reason = "text stands, or nearly stands, in the {} file"
    assert splits.report["leaks"] == {
        "train": {reason.format("validation"): 1, reason.format("test"): 2},
        "validation": {reason.format("test"): 1},
    }
    assert list(splits.test.text) == [text for text, _ in test]
    if leakage == "drop":
        apart(splits)
        examples = splits.report["sources"]["train"]["dropped"][reason.format("test")]
        assert examples == {"rows": 2, "examples": ["1", "2"]}
    else:
        assert splits.report["sets"] == {"train": 40, "validation": 7, "test": 7}


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", labelled(40))
    with pytest.raises(DataError, match="not the same file"):
        prepare(DataSettings(train=source, test=source))


def test_a_label_whose_rows_all_leak_does_not_disappear(tmp_path: Path) -> None:
    made = [*labelled(30), ("the only row of its kind in here", "rare")]
    test = write_csv(tmp_path / "test.csv", [made[-1], *labelled(5, seed=3)])
    splits = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", made), test=test))
    assert splits.labels.names == ("bad", "good", "rare")
    rare = {row["label"]: row["advice"] for row in splits.report["rare_labels"]}
    assert "cannot be learnt" in rare["rare"]


def test_conflicting_labels_are_listed_and_kept(tmp_path: Path) -> None:
    made = [*labelled(30), ("contested text about a loan", "good"), ("contested  text about a loan", "bad")]
    splits = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", made)))
    conflicts = splits.report["conflicts"]
    assert (conflicts["texts"], conflicts["rows"]) == (1, 2)
    assert conflicts["listed"] == [
        {"text": "contested text about a loan", "row": "31", "labels": {"good": 1, "bad": 1}}
    ]
    assert splits.report["rows"]["kept"] == 32
    assert "contested text" in shown(splits)
    apart(splits)


def test_look_alike_labels_are_suggested_not_merged(tmp_path: Path) -> None:
    made = labelled(60, ["good", "Good", "good ", "bad", " sad"])
    made += [(f"{text}, all in all", label) for text, label in labelled(48, ["bad\u200b", "1", "1.0", "1.05"])]
    splits = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", made)))
    assert splits.labels.names == (" sad", "1", "1.0", "1.05", "Good", "bad", "bad\u200b", "good", "good ")
    assert splits.report["similar_labels"] == [
        {"1": 12, "1.0": 12},
        {"good": 12, "Good": 12, "good ": 12},
        {"bad": 12, "bad\u200b": 12},
    ]
    notes = " ".join(splits.report["notes"])
    assert "write them alike ('good')" in notes
    assert "' sad' has blanks around it" in notes


def test_a_label_with_one_row_stays_in_train_and_is_named(tmp_path: Path) -> None:
    made = [*labelled(50), ("a lonely text of its own", "rare")]
    splits = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", made)))
    assert "rare" in (splits.train.target or ())
    assert splits.report["rare_labels"][0]["rows"] == 1
    assert "Label 'rare' has 1 row, all in train" in shown(splits)


def test_three_thousand_labels(tmp_path: Path) -> None:
    made = labelled(9000, [f"label {i}" for i in range(3000)])
    splits = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", made)))
    conserved(splits)
    assert len(splits.labels) == 3000
    assert len(set(splits.train.target or ())) == 3000
    assert len(shown(splits).splitlines()) < 60


@pytest.mark.parametrize(
    ("made", "columns", "says"),
    [
        (labelled(10), {}, "10 rows to use: too few"),
        (labelled(40, ["good"]), {}, "All 40 rows have the same label 'good'"),
        ([(f"{i}.5", "ab"[i % 2]) for i in range(40)], {}, "holds numbers, not texts: '0.5'"),
        ([(text, f"{i}.25") for i, text in enumerate(texts(40))], {}, "40 different numbers in 40 rows"),
        ([("", "good")] * 30, {}, "None of the 30 rows"),
        ([], {}, "has a header (text, label) but no rows"),
        (
            labelled(40),
            {"target": "sentiment"},
            "a.csv has no column 'sentiment' (it has: text, label). "
            "Set data.target in the recipe, or pass --set data.target=label.",
        ),
        (labelled(40), {"features": ("amount",)}, "no column 'amount'"),
    ],
)
def test_what_cannot_be_trained_on_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[Any], columns: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "a.csv", made)
    with pytest.raises(DataError) as error:
        prepare(DataSettings(train=str(tmp_path / "a.csv"), **columns))
    assert says in str(error.value)


def test_a_missing_target_names_the_likely_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = [(text, text[::-1], label) for text, label in labelled(30)]
    write_csv(tmp_path / "news.csv", made, header="title,body,sentiment")
    with pytest.raises(DataError) as error:
        prepare(DataSettings(train="news.csv", text="title"))
    assert str(error.value) == (
        "news.csv has no column 'label' (it has: title, body, sentiment). "
        "Set data.target in the recipe, or pass --set data.target=sentiment."
    )


def test_unseen_labels_of_a_test_file_are_named_with_their_rows(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "a.csv", labelled(30))
    test = write_csv(tmp_path / "b.csv", [*labelled(3, seed=5), ("what a nice branch", "goood")])
    with pytest.raises(DataError, match=r"'goood' \(1 row, the first is row 4\)\. Did you mean 'good'"):
        prepare(DataSettings(train=train, test=test))


def test_groups_are_never_torn_and_leak_across_files(tmp_path: Path) -> None:
    made = [(text, label, f"customer {i % 12}") for i, (text, label) in enumerate(labelled(120))]
    source = write_csv(tmp_path / "a.csv", made, header="text,label,who")
    for by in ("group", "label"):
        splits = prepare(DataSettings(train=source, group="who", split=SplitSettings(by=by)))  # type: ignore[arg-type]
        groups = [set(part.group or ()) for part in (splits.train, splits.validation, splits.test)]
        assert all(groups)
        assert sum(map(len, groups)) == len(set().union(*groups)) == 12
    test = write_csv(tmp_path / "b.csv", [("something else entirely, new", "good", "customer 3")], "text,label,who")
    splits = prepare(DataSettings(train=source, test=test, group="who"))
    conserved(splits)
    assert splits.report["rows"]["dropped"] == {"group stands in the test file": 10}


def test_time_splits_know_no_future(tmp_path: Path) -> None:
    made = [(text, label, f"2025/{i % 12 + 1}/{i % 28 + 1}") for i, (text, label) in enumerate(labelled(200))]
    made += [("no time", "good", "soon"), (made[11][0] + "!", "bad", "2025-01-02")]
    source = write_csv(tmp_path / "a.csv", made, header="text,label,at")
    splits = prepare(DataSettings(train=source, time="at", split=SplitSettings(by="time")))
    conserved(splits)
    apart(splits)
    assert max(splits.train.time or ()) < min(splits.validation.time or ()) < min(splits.test.time or ())
    dropped = splits.report["rows"]["dropped"]
    assert dropped == {"no readable time": 1, "group or nearly the same text stands in a later set": 1}
    (tmp_path / "b.csv").write_text((tmp_path / "a.csv").read_text().replace("2025", "anno"))
    with pytest.raises(DataError, match="time that can be read"):
        prepare(DataSettings(train=str(tmp_path / "b.csv"), time="at", split=SplitSettings(by="time")))


def test_a_set_that_gets_no_row_says_where_the_rows_went(tmp_path: Path) -> None:
    rows = [(text, label, f"2025-01-{i % 28 + 1:02}", "one") for i, (text, label) in enumerate(labelled(60))]
    source = write_csv(tmp_path / "a.csv", rows, header="text,label,at,story")
    settings = DataSettings(train=source, time="at", group="story", split=SplitSettings(by="time"))
    with pytest.raises(DataError, match=r"of 60 rows are split by time \(dropped \d+: group or nearly the same text"):
        prepare(settings)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2025-01-05T09:30", "2025-01-05T09:30:00"),
        ("2025/1/5 9:30", "2025-01-05T09:30:00"),
        ("2025年1月5日", "2025-01-05T00:00:00"),
        ("20250105", "2025-01-05T00:00:00"),
        ("1736069400", "2025-01-05T09:30:00+00:00"),
        ("05/01/2025", None),
        ("2025/13/5", None),
        ("", None),
    ],
)
def test_times_are_read_without_guessing(text: str, iso: str | None) -> None:
    moment = read_time(text)
    assert (moment and moment.isoformat()) == iso


def test_lengths_in_tokens_and_what_is_cut(tmp_path: Path) -> None:
    made = [*labelled(30), ("word " * 50_000, "good")]
    splits = prepare(
        DataSettings(train=write_csv(tmp_path / "a.csv", made)),
        lambda text, pair: np.array([len(words.split()) for words in text]),
        max_tokens=20,
    )
    length = splits.report["length"]
    assert (length["cut_rows"], length["cut_tokens"], length["tokens"]["maximum"]) == (1, 49_980, 50_000)
    assert "Longer than 20 tokens, and cut: 1 of the texts" in shown(splits)
    assert "tokens" in splits.profile


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    made = labelled(40)
    one = prepare(DataSettings(train=write_csv(tmp_path / "a.csv", made)))
    two = prepare(DataSettings(train=write_csv(tmp_path / "b.csv", made, encoding="utf-16")))
    other = prepare(DataSettings(train=write_csv(tmp_path / "c.csv", [(made[0][0] + " x", made[0][1]), *made[1:]])))
    assert one.fingerprint == two.fingerprint != other.fingerprint
    assert set(one.profile["labels"]) == {"good", "bad"}
    assert sum(one.profile["labels"].values()) == pytest.approx(1)


def test_pairs_features_and_labels_in_number_order(tmp_path: Path) -> None:
    made = [(text, text[::-1], str(i % 11), "007" if i % 2 else "12", str(i / 2)) for i, text in enumerate(texts(110))]
    source = write_csv(tmp_path / "a.csv", made, header="a,b,label,code,amount")
    splits = prepare(DataSettings(train=source, text="a", pair="b", features=("code", "amount")))
    assert splits.labels.names == tuple(str(i) for i in range(11))
    assert all(one == other[::-1] for one, other in zip(splits.test.text, splits.test.pair or (), strict=True))
    assert set(splits.train.features["code"]) == {"007", "12"}
    assert all(isinstance(value, float) for value in splits.train.features["amount"])


def test_without_targets_rows_are_split_all_the_same(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [(text,) for text in texts(50)], header="text")
    splits = prepare(DataSettings(train=source), require_target=False)
    conserved(splits)
    assert splits.train.target is None
    assert len(splits.labels) == 0


def test_a_further_corpus_is_read_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = [("<b>raw</b>", "good"), ("", "bad"), ("no label", "")]
    source = write_csv(tmp_path / "a.csv", made)
    with caplog.at_level(logging.WARNING):
        corpus = load_corpus(source, DataSettings(train=source), require_target=True)
    assert list(corpus.text) == ["<b>raw</b>", ""]
    assert "1 of 3 rows left out (no label): rows 3" in caplog.text
    assert len(load_corpus(source, DataSettings(train=source), require_target=False)) == 3


def test_row_numbers_behave_as_a_list_of_texts() -> None:
    ids = RowNumbers(np.array([3, 5, 9]))
    assert list(ids) == ["3", "5", "9"] == [*ids[:2], ids[-1]]
    assert ids == ["3", "5", "9"]
    assert "5" in ids


def test_settings_replace_keeps_defaults() -> None:
    data = DataSettings(train="a.csv")
    assert replace(data, text="title").split == SplitSettings()
    assert CleanSettings(redact=("phone",)).cleaning().apply("13812345678") == "[PHONE]"
