from __future__ import annotations

from pathlib import Path

import pytest

from feilun.core.errors import DataError
from feilun.data.prepare import DataSettings, prepare


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
    from dataclasses import replace

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
