"""JSON Lines: one object a line; the columns are the keys of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feilun.core.errors import DataError, counted
from feilun.core.remark import Remark, said_in
from feilun.data.paths import shown
from feilun.data.readers.encodings import Encoding, facts, open_text
from feilun.data.readers.tables import cell_text, frame_of, pieces, polars
from feilun.text.clean import SURROGATE, join_surrogates

if TYPE_CHECKING:
    from polars import DataFrame

SMALLEST, LARGEST = -(2**63), 2**63 - 1
EXAMPLE = Remark(
    'Each line of a .jsonl file holds one object, such as {"text": "…", "label": "…"}.',
    '文件的每一行应是一个对象，如 {"text": "…", "label": "…"}。',
)


@dataclass(frozen=True)
class JsonLines:
    """A file of JSON Lines that was read once for its columns.

    Args:
        path: The file.
        encoding: How its bytes are read.
        kinds: By column: the one kind of its values (`int`, `float`, `bool`), else `str`.
        surrogates: Lines that hold a lone surrogate.
    """

    path: Path
    encoding: Encoding
    kinds: dict[str, str]
    surrogates: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys in the order in which they first appear."""
        return tuple(self.kinds)

    def facts(self) -> dict[str, Any]:
        """Return how the file was read."""
        found = {"kind": "jsonl", **facts(self.encoding)}
        if self.surrogates:
            lines = counted(self.surrogates, "line")
            note = Remark(
                f"Lone surrogates (\\ud800 and the like) are read as U+FFFD: {lines}.",
                f"孤立的代理项（\\ud800 之类）读作 U+FFFD：{self.surrogates} 行。",
            )
            found["notes"] = [*found.get("notes", []), note]
        return found

    def frames(self, columns: Sequence[str]) -> Iterator[DataFrame]:
        """Yield the rows in pieces; values of mixed kinds, lists and objects are given as text."""
        pl = polars()
        types = {"int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean, "str": pl.String}
        kinds = [self.kinds[name] for name in columns]
        rows = (
            [_cell(row.get(name), kind) for name, kind in zip(columns, kinds, strict=True)]
            for _, row in objects(self.path, self.encoding)
        )
        for piece in pieces(rows):
            yield frame_of(columns, piece, [types[kind] for kind in kinds])


def look(path: Path, encoding: Encoding) -> JsonLines:
    """Find the columns of a file and the kinds of their values.

    Raises:
        DataError: If a line is not a JSON object; the line is named.
    """
    kinds: dict[str, str] = {}
    surrogates = 0
    for _, row in objects(path, encoding):
        surrogates += any(isinstance(value, str) and bool(SURROGATE.search(value)) for value in row.values())
        for name, value in row.items():
            kind = _kind(value)
            known = kinds.setdefault(name, kind)
            if kind and known != kind:
                numbers = {known, kind} == {"int", "float"}
                kinds[name] = kind if not known else "float" if numbers else "str"
    return JsonLines(path, encoding, {name: kind or "str" for name, kind in kinds.items()}, surrogates)


def objects(path: Path, encoding: Encoding) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each object with its line number; blank lines hold none.

    Raises:
        DataError: If a line is not a JSON object.
    """
    with open_text(path, encoding) as file:
        for number, line in enumerate(file, 1):
            if not line.strip("\ufeff \t\r\n"):
                continue
            try:
                value = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                where = _where(error) if isinstance(error, json.JSONDecodeError) else ""
                start = repr(line.strip()[:60])
                problem = Remark(
                    f"{shown(path)}, line {number}{where}: not JSON: {start}.",
                    f"{shown(path)} 第 {number} 行{said_in('zh', where)}不是 JSON：{start}。",
                )
                raise DataError(problem, EXAMPLE) from error
            if not isinstance(value, dict):
                problem = Remark(
                    f"{shown(path)}, line {number}: a JSON {type(value).__name__}, not an object.",
                    f"{shown(path)} 第 {number} 行：是 JSON 的 {type(value).__name__}，不是对象。",
                )
                raise DataError(problem, EXAMPLE)
            yield number, value


def _where(error: json.JSONDecodeError) -> Remark:
    return Remark(f", column {error.colno}: {error.msg}", f"第 {error.colno} 列（{error.msg}）")


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if SMALLEST <= value <= LARGEST else "str"
    return type(value).__name__ if isinstance(value, (bool, float)) else "str"


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "float":
        return float(value)
    if kind in {"int", "bool"}:
        return value
    return None if (text := cell_text(value)) is None else join_surrogates(text)
