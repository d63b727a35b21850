"""Expressions are read by a grammar, never evaluated; what cannot be read is named by its column."""

from __future__ import annotations

import numpy as np
import pytest

from feilun.apps.recommendation.records.signals import parse
from feilun.core.errors import UsageError

TYPES = np.array(["click", "read", "read", "buy"], dtype=object)
VALUES = np.array([1.0, 10, 40, 2])


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("click", [1, 0, 0, 0]),
        ("read >= 30", [0, 0, 1, 0]),
        ("click or read>=30", [1, 0, 1, 0]),
        ("buy and click or read", [0, 1, 1, 0]),
        ("(click or read) and read < 30", [0, 1, 0, 0]),
        ("read != 10", [0, 0, 1, 0]),
        ("阅读 >= 3", [0, 0, 0, 0]),
        ("buy > -1.5", [0, 0, 0, 1]),
        ("'read' >= 30 or 'buy'", [0, 0, 1, 1]),
        ("'add to cart' or click", [1, 0, 0, 0]),
        ("'and' or buy", [0, 0, 0, 1]),
    ],
)
def test_what_holds(text, holds):
    assert parse(text).test(TYPES, VALUES).astype(int).tolist() == holds


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1), ("read >=", 8), ("read >= many", 9), ("click or", 9), ("(click", 7), ("click)", 6), ("and", 1),
        ("click; import os", 6), ("__import__('os')", 11), ("read >= 1e9999999999", 10), ("click buy", 7),
        ("'add to", 1), ("'' or click", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_its_column(text, column):
    with pytest.raises(UsageError, match=f"column {column}:"):
        parse(text)


def test_a_type_with_blanks_stands_in_quotation_marks_and_counts():
    types = np.array(["add to cart", "cart", "add to cart"], dtype=object)
    signal = parse("'add to cart' >= 2")
    assert signal.test(types, np.array([1.0, 5.0, 2.0])).tolist() == [False, False, True]
    assert signal.type == "add to cart"
