from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from feilun.core.errors import DataError
from feilun.data.prepare import prepare
from feilun.data.settings import DataSettings


def table(folder: Path, labels: list[str], header: str = "text,b,label") -> DataSettings:
    lines = [header, *(f"text {i},other {i},{labels[i % len(labels)]}" for i in range(60))]
    (folder / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    return DataSettings(train=str(folder / "pairs.csv"), pair="b")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "0"], ("0", "1")),
        (["Yes", "no"], ("no", "Yes")),
        (["不同", "相同"], ("不同", "相同")),
        (["1"], ("0", "1")),
    ],
)
def test_the_label_of_pairs_that_say_the_same_comes_second(tmp_path, labels, expected) -> None:
    splits = prepare(table(tmp_path, labels), task="similarity")
    assert splits.labels.names == expected


def test_a_label_may_be_named_and_a_column_left_out(tmp_path) -> None:
    settings = table(tmp_path, ["para", "other"])
    with pytest.raises(DataError, match="cannot be told which one"):
        prepare(settings, task="similarity")
    assert prepare(replace(settings, same="para"), task="similarity").labels.names == ("other", "para")
    with pytest.raises(DataError, match=r"name that of pairs that say the same in data\.same"):
        prepare(replace(settings, same="paraphrase"), task="similarity")
    alone = prepare(replace(settings, target=()), task="similarity")
    assert alone.labels.names == ("different", "same")
    assert set(alone.train.target or ()) == {"same"}


def test_three_labels_and_none_that_says_the_same_are_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="has 3 labels"):
        prepare(table(tmp_path, ["0", "1", "2"]), task="similarity")
    with pytest.raises(DataError, match="cannot be told"):
        prepare(table(tmp_path, ["0"]), task="similarity")


@pytest.mark.parametrize("task", ["match", "similarity"])
def test_a_pair_with_an_empty_side_is_dropped_and_counted(tmp_path, task) -> None:
    settings = table(tmp_path, ["1", "0"])
    path = tmp_path / "pairs.csv"
    path.write_text(path.read_text("utf-8") + "\nalone, ,1\n,second,0\n", encoding="utf-8")
    dropped = prepare(settings, task=task).report["rows"]["dropped"]
    assert dropped["empty second text"] == 1
    assert dropped["empty text"] == 1
    path.write_text("text,b,label\n" + "\n".join(f"text {i},,{i % 2}" for i in range(40)), encoding="utf-8")
    with pytest.raises(DataError, match=r"No row of .* has a second text"):
        prepare(settings, task=task)
