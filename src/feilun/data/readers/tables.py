"""Pieces of a table as polars frames, and cells as text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from polars import DataFrame

PIECE_ROWS = 50_000
PIECE_CHARACTERS = 1 << 25
"""A piece ends at either bound, so that long texts do not make it large."""


def polars() -> Any:
    """Return the library polars, which the light install does not have.

    Raises:
        MissingExtra: If it is not installed.
    """
    try:
        import polars
    except ImportError as error:
        raise MissingExtra("polars", "data", Remark("Reading tables", "读取表格")) from error
    return polars


def pieces(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """Gather rows into pieces of bounded size; no rows make one empty piece, so that columns are still known."""
    piece: list[Sequence[Any]] = []
    characters = 0
    none = True
    for row in rows:
        piece.append(row)
        characters += sum(len(cell) for cell in row if isinstance(cell, str))
        if len(piece) >= PIECE_ROWS or characters >= PIECE_CHARACTERS:
            yield piece
            piece, characters, none = [], 0, False
    if piece or none:
        yield piece


def frame_of(columns: Sequence[str], rows: Sequence[Sequence[Any]], types: Sequence[Any] | None = None) -> DataFrame:
    """Make a frame of rows.

    Args:
        columns: Column names.
        rows: The cells by row.
        types: A polars type for each column; text where absent.

    Returns:
        The frame, also of no rows.
    """
    pl = polars()
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    kinds = types or [pl.String] * len(columns)
    return pl.DataFrame([pl.Series(name, cell, kind) for name, cell, kind in zip(columns, cells, kinds, strict=True)])


def texts_of(frame: DataFrame, column: str) -> list[str | None]:
    """Return a column's cells as text; empty ones are None."""
    values = frame[column].to_list()
    if frame.schema[column] == polars().String:
        return [value or None for value in values]
    return [cell_text(value) for value in values]


def cell_text(value: Any) -> str | None:
    """Return a cell as the text that a person would read: whole numbers without `.0`, times as ISO 8601."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
