"""Rows of cells by column become what a model reads, or are refused with where and why."""

from __future__ import annotations

import pytest

from feilun.core.errors import UsageError
from feilun.core.row_columns import RowColumns

DATA = {"text": "note", "features": ["amount", "channel"]}
ROW = {"note": "card lost", "amount": 3.5, "channel": None}


def test_features_stand_beside_the_text() -> None:
    corpus = RowColumns.from_table(DATA).corpus([ROW, {**ROW, "note": None}])
    assert corpus.text == ["card lost", ""]
    assert corpus.features == {"amount": [3.5, 3.5], "channel": [None, None]}


def test_verbalised_features_stand_in_the_text_alone() -> None:
    corpus = RowColumns.from_table({**DATA, "verbalise": True}).corpus([ROW])
    assert corpus.text == ["amount: 3.5; channel: unknown. card lost"]
    assert corpus.features == {}


def test_without_a_text_there_are_features_alone() -> None:
    columns = RowColumns.from_table({**DATA, "text": ""})
    assert columns.names == ("amount", "channel")
    assert columns.corpus([ROW]).text == [""]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"note": "a", "amount": 1}, "Row 0 lacks the column 'channel'"),
        ({**ROW, "chanel": 1}, r"Row 0 has the column 'chanel'.*Did you mean 'channel'"),
        ({**ROW, "note": 7}, "Row 0: the column 'note' is a text, and 7 is none"),
    ],
)
def test_wrong_rows_are_refused(row: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        RowColumns.from_table(DATA).check([row])
