"""What is said where a table lacks a column."""

from __future__ import annotations

from collections.abc import Collection

from feilun.core.errors import nearest
from feilun.core.remark import Remark, said_in


def missing_column(source: object, name: str, there: Collection[str]) -> Remark:
    """Say that a table lacks a column, and which was probably meant.

    Args:
        source: The table.
        name: The column.
        there: The columns that it has.
    """
    hint = nearest(name, there)
    return Remark(f"{source} has no column {name!r}. {hint}", f"{source} 没有列 {name!r}。{said_in('zh', hint)}")
