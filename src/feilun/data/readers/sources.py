"""Tables of any kind, read in pieces: CSV, TSV, JSON Lines, CoNLL, Parquet, Excel, and SQL databases by URL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data.paths import missing_column, readable_file, shown
from feilun.data.readers import conll, databases, delimited, encodings, json_lines
from feilun.data.readers.archives import check_archive
from feilun.data.readers.tables import PIECE_ROWS, frame_of, pieces, polars

if TYPE_CHECKING:
    from polars import DataFrame, LazyFrame


FIRST_SHEET = Remark("Put the table on the first sheet.", "请把表格放在第一个工作表。")


class Source(Protocol):
    """A table that was looked at and can be read."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Its column names."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return how it is read: kind, encoding, delimiter and what was noticed."""
        ...

    def frames(self, columns: Sequence[str]) -> Iterator[DataFrame]:
        """Yield its rows in order, in pieces of at most 50,000; at least one piece, which may be empty."""
        ...


def open_source(source: str, *, query: str | None = None, encoding: str = "auto") -> Source:
    """Look at a table and make it ready to be read.

    Args:
        source: A path, or the URL of a database.
        query: The SQL query, for a database.
        encoding: Encoding of a text file; `auto` detects it.

    Returns:
        The table.

    Raises:
        DataError: If it cannot be read; the message says why and what would be valid.
    """
    if "://" in source:
        return databases.look(source, query)
    path = readable_file(source, tuple(READERS))
    if query is not None:
        raise DataError(
            Remark(
                f"{shown(path)} is a file; data.query is for a database.",
                f"{shown(path)} 是文件，data.query 只用于数据库。",
            ),
            Remark("Leave out the query.", "请去掉查询语句。"),
        )
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            Remark(
                f"{shown(path)} has the ending {path.suffix!r}, which is no table that Feilun reads.",
                f"{shown(path)} 的扩展名是 {path.suffix!r}，不是飞轮能读的表格。",
            ),
            Remark(
                f"Valid: {', '.join(READERS)}, or the URL of a database.",
                f"可用：{'、'.join(READERS)}，或数据库的 URL。",
            ),
        )
    return reader(path, encoding)


def open_rows(
    source: str, *, query: str | None = None, columns: Sequence[str] | None = None, encoding: str = "auto"
) -> Iterator[DataFrame]:
    """Yield a table's rows in order, in pieces of at most 50,000, without holding more than one.

    Args:
        source: A path, or the URL of a database.
        query: The SQL query, for a database.
        columns: The columns to read; all where absent.
        encoding: Encoding of a text file; `auto` detects it.

    Yields:
        Frames. CSV and databases give text; empty cells are null. A table without rows gives one empty frame.

    Raises:
        DataError: If the table cannot be read or lacks a column.
    """
    opened = open_source(source, query=query, encoding=encoding)
    wanted = tuple(opened.columns if columns is None else columns)
    for name in wanted:
        if name not in opened.columns:
            raise DataError(missing_column(source, name, opened.columns))
    yield from opened.frames(wanted)


def column_names(source: str, *, query: str | None = None, encoding: str = "auto") -> list[str]:
    """Return a table's column names in order.

    Raises:
        DataError: If the table cannot be read.
    """
    return list(open_source(source, query=query, encoding=encoding).columns)


@dataclass(frozen=True)
class DelimitedSource:
    """A CSV or TSV file."""

    table: delimited.Delimited

    @property
    def columns(self) -> tuple[str, ...]:
        """The header."""
        return self.table.header

    def facts(self) -> dict[str, Any]:
        """Return delimiter and encoding."""
        name = {"\t": "tab", delimited.NO_DELIMITER: "none (one column)"}.get(
            self.table.delimiter, self.table.delimiter
        )
        return {"kind": "csv", "delimiter": name, **encodings.facts(self.table.encoding)}

    def frames(self, columns: Sequence[str]) -> Iterator[DataFrame]:
        """Yield the rows in pieces, all cells as text."""
        positions = [self.table.header.index(name) for name in columns]
        for piece in pieces([row[i] or None for i in positions] for row in self.table.rows()):
            yield frame_of(columns, piece)


@dataclass(frozen=True)
class PolarsSource:
    """A file that polars reads itself: Parquet piece by piece, Excel as a whole (it holds a million rows at most)."""

    lazy: LazyFrame
    kind: str
    path: Path
    more: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names."""
        return tuple(self.lazy.collect_schema().names())

    def facts(self) -> dict[str, Any]:
        """Return the kind of file."""
        return {"kind": self.kind, **self.more}

    def frames(self, columns: Sequence[str]) -> Iterator[DataFrame]:
        """Yield the rows in pieces, cells in their own types."""
        empty = True
        try:
            for piece in self.lazy.select(columns).collect_batches(chunk_size=PIECE_ROWS, maintain_order=True):
                for part in piece.iter_slices(PIECE_ROWS):
                    yield part
                    empty = False
        except polars().exceptions.PolarsError as error:
            raise _damaged(self.path, self.kind, error) from error
        if empty:
            yield self.lazy.select(columns).limit(0).collect()


def _delimited(path: Path, encoding: str, delimiter: str | None = None) -> Source:
    return DelimitedSource(delimited.look(path, _encoding(path, encoding), delimiter))


def _tab_separated(path: Path, encoding: str) -> Source:
    return _delimited(path, encoding, "\t")


def _json_lines(path: Path, encoding: str) -> Source:
    found = json_lines.look(path, _encoding(path, encoding))
    if not found.columns:
        raise DataError(
            Remark(f"{shown(path)} has no rows.", f"{shown(path)} 没有数据行。"),
            Remark(
                'Each line of a .jsonl file holds one object, {"text": "…", …}.',
                '文件的每一行应是一个对象：{"text": "…", …}。',
            ),
        )
    return found


def _conll(path: Path, encoding: str) -> Source:
    return conll.Conll(path, _encoding(path, encoding))


def _parquet(path: Path, encoding: str) -> Source:
    pl = polars()
    try:
        lazy = pl.scan_parquet(path, glob=False)
        lazy.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, "parquet", error) from error
    return PolarsSource(lazy, "parquet", path, {})


def _excel(path: Path, encoding: str) -> Source:
    pl = polars()
    import fastexcel

    check_archive(path)
    try:
        sheets = fastexcel.read_excel(path).sheet_names
        frame = pl.read_excel(
            path,
            sheet_id=1,
            drop_empty_rows=False,
            drop_empty_cols=True,
            raise_if_empty=False,
            infer_schema_length=None,
        )
    except (pl.exceptions.PolarsError, fastexcel.FastExcelError) as error:
        raise _damaged(path, "xlsx", error) from error
    if not frame.columns:
        raise DataError(
            Remark(
                f"The sheet {sheets[0]!r} of {shown(path)} is empty.", f"{shown(path)} 的工作表 {sheets[0]!r} 是空的。"
            ),
            FIRST_SHEET,
        )
    _check_sheet(frame, sheets, path)
    unread = {"unread_sheets": sheets[1:]} if len(sheets) > 1 else {}
    return PolarsSource(frame.lazy(), "xlsx", path, {"sheet": sheets[0], **unread})


def _check_sheet(frame: DataFrame, sheets: Sequence[str], path: Path) -> None:
    """Refuse a first sheet that is a title page, or whose first row is a title and not the header."""
    named = [column for column in frame.columns if not column.startswith("__UNNAMED__")]
    first = next((row for row in frame.iter_rows() if any(cell is not None for cell in row)), (None,))
    if len(frame.columns) > 1 and named == frame.columns[:1] and None not in first:  # below a title stand the names
        raise DataError(
            Remark(
                f"The first row of the sheet {sheets[0]!r} of {shown(path)} names only the first of "
                f"{len(frame.columns)} columns ({named[0]!r}): it seems to be a title.",
                f"{shown(path)} 的工作表 {sheets[0]!r} 的第一行只命名了 {len(frame.columns)} 列中的第一列"
                f"（{named[0]!r}），看来是标题，不是表头。",
            ),
            Remark(
                "Delete the rows above the names of the columns, or name every column.",
                "请删去列名上方的行，或者给每一列命名。",
            ),
        )
    if frame.is_empty() and len(sheets) > 1:
        others = ", ".join(repr(sheet) for sheet in sheets[1:])
        raise DataError(
            Remark(
                f"The sheet {sheets[0]!r} of {shown(path)} has no rows below its first; not read: {others}.",
                f"{shown(path)} 的工作表 {sheets[0]!r} 在第一行以下没有数据；未读取：{others}。",
            ),
            FIRST_SHEET,
        )


def _encoding(path: Path, name: str) -> encodings.Encoding:
    return encodings.detect(path) if name == "auto" else encodings.declared(path, name)


def _damaged(path: Path, kind: str, error: Exception) -> DataError:
    reason = json.dumps(str(error).partition("\n")[0], ensure_ascii=False)
    return DataError(
        Remark(f"{shown(path)} cannot be read as {kind}: {reason}.", f"{shown(path)} 无法作为 {kind} 读取：{reason}。"),
        Remark(
            "It may be damaged, or of another kind than its ending says.",
            "文件可能已损坏，或实际类型与扩展名不符。",
        ),
    )


READERS: Mapping[str, Callable[[Path, str], Source]] = {
    ".csv": _delimited,
    ".tsv": _tab_separated,
    ".tab": _tab_separated,
    ".txt": _delimited,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".conll": _conll,
    ".bio": _conll,
    ".bmes": _conll,
    ".parquet": _parquet,
    ".xlsx": _excel,
    ".xls": _excel,
}
"""How a file is read, by its ending."""
