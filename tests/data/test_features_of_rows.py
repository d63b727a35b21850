"""Kinds of columns are found, their statistics come from training rows, and columns that mislead are named."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError
from feilun.core.features import CategoryColumn, NumberColumn
from feilun.core.splits import Splits
from feilun.data.duplicates import near_groups
from feilun.data.features import learn_column
from feilun.data.prepare import load_corpus, prepare
from feilun.data.settings import DataSettings

ROWS = 120


def rows(seed: int = 0) -> list[dict[str, Any]]:
    source = random.Random(seed)
    made = []
    for number in range(ROWS):
        amount = round(source.lognormvariate(5, 1), 2)
        channel = source.choice(["web", "web", "branch", "phone"])
        risky = amount > 200 or channel == "phone"
        label = "bad" if risky != (source.random() < 0.1) else "good"
        made.append({"id": number, "amount": amount, "channel": channel, "same": 1, "code": f"{number % 5:03d}",
                     "empty": "NA" if number % 7 else source.randint(0, 50), "label": label,
                     "note": f"call {number % 4}",
                     "after": {"bad": 90, "good": 10}[label] + source.random()})  # fmt: skip
    return made


def prepared(folder: Path, made: list[dict[str, Any]] | None = None, **settings: Any) -> Splits:
    made = rows() if made is None else made
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(made[0]))
        writer.writeheader()
        writer.writerows(made)
    return prepare(DataSettings(str(path), **{"text": "", **settings}))


def test_kinds_and_statistics_are_those_of_the_training_rows(tmp_path: Path) -> None:
    splits = prepared(tmp_path, features=("amount", "channel", "code", "empty"))
    assert splits.features is not None
    amount, channel, code, empty = splits.features.columns
    assert isinstance(amount, NumberColumn)
    values = sorted(splits.train.features["amount"])
    assert amount.centre == pytest.approx((values[len(values) // 2] + values[(len(values) - 1) // 2]) / 2)
    assert isinstance(channel, CategoryColumn)
    assert channel.categories == ("branch", "phone", "web")
    assert isinstance(code, CategoryColumn), "codes with leading zeros are no amounts"
    assert isinstance(empty, NumberColumn)
    table = {row["name"]: row for row in splits.report["features"]}
    assert table["empty"]["missing"] > ROWS / 2
    assert table["channel"]["kind"] == "category"
    assert splits.report["rows"]["kept"] == ROWS, "rows without a text are no duplicates"


def test_numbers_that_are_codes_are_declared(tmp_path: Path) -> None:
    splits = prepared(tmp_path, features=("amount", "empty"), categories=("empty",))
    assert splits.features is not None
    assert [column.kind for column in splits.features.columns] == ["number", "category"]


def test_rare_categories_teach_what_it_is_not_to_have_been_seen() -> None:
    column = learn_column("city", ["A"] * 5 + ["B"] * 2 + [None])
    assert isinstance(column, CategoryColumn)
    assert column.categories == ("A",)
    assert column.numbers(["A", "B", "C", None]).tolist() == [0, 2, 2, 1]


def test_a_column_that_is_the_same_everywhere_is_left_out_and_said(tmp_path: Path) -> None:
    splits = prepared(tmp_path, features=("amount", "same"))
    assert splits.features is not None
    assert splits.features.names == ("amount",)
    assert any("'same' is the same in every training row" in note for note in splits.report["notes"])
    texts = [{**row, "note": f"call {row['id']} about {row['amount']}"} for row in rows()]
    with pytest.raises(DataError, match=r"Every column of data\.features is the same"):
        prepared(tmp_path, texts, text="note", features=("same",))


def test_what_is_written_down_after_the_target_is_suspected(tmp_path: Path) -> None:
    notes = prepared(tmp_path, features=("amount", "after")).report["notes"]
    assert any("'after' alone tells the target" in note for note in notes)
    assert not any("'amount' alone" in note for note in notes)


@pytest.mark.parametrize(
    ("change", "features", "says"),
    [
        ({}, ("id", "amount"), r"'id' of data\.features has another value in each of"),
        ({"amount": "inf"}, ("amount",), r"rows have no finite number in the column 'amount': .*is infinite"),
        (
            {"amount": "much"},
            ("amount",),
            r"column 'amount'.* (holds numbers, but for 1 of|'much' in row 1 is no number)",
        ),
    ],
)
def test_columns_that_cannot_be_learnt_from_are_refused(
    tmp_path: Path, change: dict[str, Any], features: tuple[str, ...], says: str
) -> None:
    made = rows()
    made[0].update(change)
    with pytest.raises(DataError, match=says):
        prepared(tmp_path, made, features=features)


def test_names_of_single_rows_are_an_id(tmp_path: Path) -> None:
    made = [{**row, "client": f"c{row['id']}"} for row in rows()]
    with pytest.raises(DataError, match=r"'client' .* it is an id"):
        prepared(tmp_path, made, features=("client", "amount"))


def test_numbers_of_accounts_are_suspected(tmp_path: Path) -> None:
    made = [{**row, "account": 10**9 + 7919 * 104729 * place % 10**9} for place, row in enumerate(rows())]
    splits = prepared(tmp_path, made, features=("account", "amount"))
    [note] = [note for note in splits.report["notes"] if "another whole number in each" in note]
    assert "'account'" in note


def test_equal_texts_with_other_features_are_other_rows(tmp_path: Path) -> None:
    beside = prepared(tmp_path, text="note", features=("amount",))
    assert beside.report["rows"]["kept"] == ROWS
    twice = rows() + rows()
    assert prepared(tmp_path, twice, text="note", features=("amount", "channel")).report["rows"]["kept"] == ROWS


def test_verbalised_columns_are_texts_and_no_features(tmp_path: Path) -> None:
    splits = prepared(tmp_path, text="note", features=("amount", "channel"), verbalise=True)
    assert splits.features is None
    assert splits.train.features == {}
    assert all(text.startswith("amount: ") and "call" in text for text in splits.train.text)
    assert splits.report["rows"]["kept"] == ROWS
    settings = DataSettings(str(tmp_path / "rows.csv"), text="note", features=("amount",), verbalise=True)
    assert load_corpus(str(tmp_path / "rows.csv"), settings, require_target=False).text[0].startswith("amount: ")


def test_rows_without_a_text_are_numbered_in_their_order() -> None:
    """By these numbers they are split: those of Python's hashes are others in each process."""
    corpus = Corpus(id=list("abcd"), text=[""] * 4, features={"amount": ["2", "1", "2", "3"]})
    settings = DataSettings(train="", text="", features=("amount",))
    assert near_groups([corpus], settings).tolist() == [0, 1, 0, 2]
