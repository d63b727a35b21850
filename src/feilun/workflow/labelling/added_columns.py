"""A table written again with further columns, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.data.readers.sources import column_names, open_rows
from feilun.workflow.finished.predict_file import write_frames

if TYPE_CHECKING:
    from polars import DataFrame


def write_added(source: str, path: Path, columns: Mapping[str, type], cells: Mapping[int, Sequence[Any]]) -> int:
    """Write a table's rows, all of them, with further columns behind their own.

    Args:
        source: The table.
        path: The file; its ending picks csv, tsv, jsonl or parquet.
        columns: Names of the further columns, with the type of their cells: str or float.
        cells: By the number of a row, the first being 1, what stands in them; empty in the other rows.

    Returns:
        Rows written.

    Raises:
        DataError: If the table has such a column.
    """
    taken = set(columns) & set(column_names(source))
    if taken:
        raise DataError(
            Remark(
                f"{shown(source)} already has the column {min(taken)!r}.", f"{shown(source)} 已经有列 {min(taken)!r}。"
            ),
            Remark("Rename it: it would be overwritten.", "请把它改名，否则会被覆盖。"),
        )
    nothing = [None] * len(columns)

    def widened() -> Iterator[DataFrame]:
        import polars

        start = 1
        for frame in open_rows(source):
            rows = [cells.get(number, nothing) for number in range(start, start + len(frame))]
            start += len(frame)
            yield frame.with_columns(
                polars.Series(name, [row[i] for row in rows], kind) for i, (name, kind) in enumerate(columns.items())
            )

    return write_frames(widened(), path)
