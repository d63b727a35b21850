"""Columns beside the text become the same numbers before training and in the service."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from feilun.core.errors import UsageError
from feilun.core.features import CategoryColumn, FeatureColumns, NumberColumn, category_of, number_of, verbalised

AMOUNT = NumberColumn("amount", 100.0, 50.0)
CHANNEL = CategoryColumn("channel", ("branch", "web"))


def test_a_number_that_is_not_known_is_marked_and_stands_at_the_middle() -> None:
    told = AMOUNT.matrix([100, None, "NA", float("nan"), "150", "1,000"])
    assert told[:, 1].tolist() == [0, 1, 1, 1, 0, 0]
    assert told[1:4, 0].tolist() == [0, 0, 0]
    assert told[0, 0] == 0 < told[4, 0] < told[5, 0]


def test_an_outlier_is_far_away_but_within_a_bound_and_the_order_stays() -> None:
    scaled = AMOUNT.matrix([-1e308, -1e12, -50, 100, 101, 250, 1e6, 1e12, 1e200, 1.7e308])[:, 0]
    assert (np.diff(scaled) >= 0).all()
    assert np.abs(scaled).max() <= 3
    assert scaled[-1] == -scaled[0] == 3


@pytest.mark.parametrize("cell", ["abc", "inf", float("inf"), 10**400, "1 000", [1], True])
def test_what_is_no_finite_number_is_refused_with_row_and_column(cell: object) -> None:
    with pytest.raises(UsageError, match=r"Row 1: the column 'amount' holds numbers"):
        AMOUNT.matrix([1, cell])


def test_not_known_and_not_seen_have_places_of_their_own() -> None:
    told = CHANNEL.matrix(["web", "branch", None, "fax", " web "])
    assert told.argmax(1).tolist() == [1, 0, 2, 3, 1]
    assert (told.sum(1) == 1).all()


def test_whole_numbers_are_one_category_however_they_are_written() -> None:
    assert category_of(3.0) == category_of(3) == category_of("3") == category_of("3.0") == "3"
    assert category_of(True) == "true"
    assert category_of(math.nan) is category_of("  ") is None
    assert number_of("?") is None


def test_columns_come_back_from_json_as_they_were() -> None:
    columns = FeatureColumns((AMOUNT, CHANNEL))
    assert FeatureColumns.from_table(json.loads(json.dumps(columns.to_table()))) == columns
    assert columns.width == columns.matrix({"amount": [1], "channel": ["web"], "more": [0]}, 1).shape[1] == 6
    assert columns.unknown(2).tolist() == [[0, 1, 0, 0, 1, 0]] * 2


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UsageError, match=r"lack the column that this model reads: 'channel'"):
        FeatureColumns((AMOUNT, CHANNEL)).matrix({"amount": [1]}, 1)


def test_columns_are_written_into_the_text() -> None:
    told = verbalised(("loan_amount", "channel"), (1500.0, None), "card lost")
    assert told == "loan amount: 1500; channel: unknown. card lost"
