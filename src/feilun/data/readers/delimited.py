"""CSV and TSV, read with the standard library's parser.

Polars reads faster, but fills short rows with nulls without a word and names no line; here every row has as many cells
as the header or is named with its line. Speed: about 40 MB/s of three columns, far above what follows it.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOBase
from itertools import islice
from pathlib import Path

from feilun.core.errors import DataError
from feilun.core.remark import Remark, said_in
from feilun.data.paths import GIVE_ROWS, shown
from feilun.data.readers.encodings import Encoding, open_text

DELIMITERS = (",", "\t", ";", "|")
NO_DELIMITER = "\x1f"
"""For files of a single column, in which commas are text: the unit separator, which texts do not use."""

LONGEST_CELL = 1 << 28
SAMPLED_LINES = 200
NAMED_LINES = 10
OPEN_QUOTE = Remark("a quote is opened and never closed", "引号没有闭合")


@dataclass(frozen=True)
class Delimited:
    """A delimited file that was looked at.

    Args:
        path: The file.
        encoding: How its bytes are read.
        delimiter: What stands between cells.
        header: Its column names, made unique.
    """

    path: Path
    encoding: Encoding
    delimiter: str
    header: tuple[str, ...]

    def rows(self) -> Iterator[list[str]]:
        """Yield the rows below the header, each with as many cells as there are columns.

        Raises:
            DataError: If rows have another number of cells, or a quote is never closed; the lines are named.
        """
        width = len(self.header)
        with open_text(self.path, self.encoding) as file:
            records = _Records(file, self.delimiter, self.path)
            next(records)
            for row in records:
                if len(row) == width:
                    yield row
                elif width == 1 and not row:
                    yield [""]
                elif row:
                    yield self._squared(row, records)

    def _squared(self, row: list[str], records: _Records) -> list[str]:
        """Take off empty cells beyond the last column, as spreadsheets write them; other ragged rows are an error."""
        width = len(self.header)
        if len(row) > width and not any(row[width:]):
            return row[:width]
        ragged = [(records.line, len(row), row)]
        for other in records:
            if other and len(other) != width and not (len(other) > width and not any(other[width:])):
                ragged.append((records.line, len(other), other))
                if len(ragged) > NAMED_LINES:
                    break
        raise self._ragged(ragged)

    def _ragged(self, ragged: Sequence[tuple[int, int, list[str]]]) -> DataError:
        line, cells, row = ragged[0]
        start = ", ".join(repr(cell[:20]) for cell in row[:3])
        others = _other_lines([line for line, *_ in ragged[1:]])
        name = {"\t": Remark("tab", "制表符")}.get(self.delimiter, repr(self.delimiter))
        return DataError(
            Remark(
                f"{shown(self.path)}, line {line}: {cells} cells where the header has {len(self.header)} "
                f"({', '.join(self.header[:8])}); the line starts {start}.{others}",
                f"{shown(self.path)} 第 {line} 行：有 {cells} 个单元格，而表头是 {len(self.header)} 个"
                f"（{'、'.join(self.header[:8])}）；该行开头是 {start}。{said_in('zh', others)}",
            ),
            Remark(
                f"A text that holds the delimiter ({name}), a quote or a line break must stand in double quotes.",
                f"含有分隔符（{said_in('zh', name)}）、引号或换行的文本要放在双引号内。",
            ),
        )


def _other_lines(lines: Sequence[int]) -> str:
    """Name further lines, as a sentence behind another; nothing where there are none."""
    if not lines:
        return ""
    named, more = list(map(str, lines[: NAMED_LINES - 1])), len(lines) >= NAMED_LINES
    return Remark(
        f" Other such lines: {', '.join(named)}{' and more' if more else ''}.",
        f"同样的行还有：{'、'.join(named)}{' 等' if more else ''}。",
    )


def look(path: Path, encoding: Encoding, delimiter: str | None = None) -> Delimited:
    """Find a file's delimiter and header.

    Args:
        path: The file.
        encoding: How its bytes are read.
        delimiter: What stands between cells, where that is known.

    Returns:
        The file, ready to be read.

    Raises:
        DataError: If there is no header.
    """
    with open_text(path, encoding) as file:
        sample = "".join(islice(file, SAMPLED_LINES))[: 1 << 20]
    if not sample.strip("\ufeff\r\n\t ,;"):
        empty = Remark(f"{shown(path)} has no header and no rows.", f"{shown(path)} 没有表头，也没有数据行。")
        raise DataError(empty, GIVE_ROWS)
    delimiter = delimiter or sniff(sample)
    with open_text(path, encoding) as file:
        header = next(_Records(file, delimiter, path))
    if any("\0" in name for name in header):
        raise DataError(
            Remark(
                f"{shown(path)} is not a text table: its header holds NUL bytes.",
                f"{shown(path)} 不是文本表格：表头含有 NUL 字节。",
            ),
            Remark("Save it as CSV in UTF-8.", "请另存为 UTF-8 编码的 CSV。"),
        )
    return Delimited(path, encoding, delimiter, _unique(header))


def sniff(sample: str) -> str:
    """Return the delimiter under which most lines have as many cells as the header, and the header at least two."""
    csv.field_size_limit(LONGEST_CELL)  # the module's default refuses texts above 128 KB
    best, best_score = NO_DELIMITER, (0.0, 0)
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter) if row]
        width = len(rows[0])
        if width < 2:
            continue
        full = rows[:-1] if len(rows) > 2 else rows  # the sample may end within a row
        score = (sum(len(row) == width for row in full) / len(full), width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


class _Records(Iterator[list[str]]):
    """The parser with the line on which each record starts, and an error where a quote stays open to the end."""

    def __init__(self, file: TextIOBase, delimiter: str, path: Path) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._lines = _Lines(file)
        self._parser = csv.reader(self._lines, delimiter=delimiter)
        self._path = path
        self.line = 0

    def __next__(self) -> list[str]:
        self.line = self._lines.count + 1
        try:
            record = next(self._parser)
        except csv.Error as error:
            raise self._fault(OPEN_QUOTE if "field limit" in str(error) else str(error)) from error
        if self._lines.ended and self._lines.count >= self.line:
            raise self._fault(OPEN_QUOTE)
        return record

    def _fault(self, problem: str) -> DataError:
        return DataError(
            Remark(
                f"{shown(self._path)}, line {self.line}: {problem}.",
                f"{shown(self._path)} 第 {self.line} 行：{said_in('zh', problem)}。",
            ),
            Remark(
                'Close it, or write a quote within a text twice: "He said ""no""".',
                '请补上引号；文本内部的引号要写两遍："他说""不""。"。',
            ),
        )


class _Lines(Iterator[str]):
    """The lines of a file, counted; the parser asks beyond the last line only between records or in an open quote."""

    def __init__(self, file: TextIOBase) -> None:
        self._file = file
        self.count = 0
        self.ended = False

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            self.ended = True
            raise StopIteration
        self.count += 1
        return line


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    """Name nameless columns and number repeated names."""
    names = [name.strip().lstrip("\ufeff") or f"column_{i}" for i, name in enumerate(header, 1)]
    while len(names) > 1 and not header[len(names) - 1].strip() and names[-1].startswith("column_"):
        names.pop()  # a delimiter at the end of the header
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(result)
