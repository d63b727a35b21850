"""CSV and JSON Lines files, alone or in a folder, followed as they grow: each is read on from its last byte."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.sources.source import Batch, Letter
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.text.chinese_bytes import Encoding, decode

ENDINGS = (".csv", ".jsonl", ".ndjson")
NO_TEXT = "neither UTF-8 nor GB 18030 nor Big5"
PIECE_BYTES = 1 << 20
LONGEST_RECORD = 1 << 24
"""A record larger than this is none: without an end, a file would fill the memory."""

BEGINNING_BYTES = 1 << 10
"""By so many bytes a file is told from another that took its name."""

ROW = re.compile(rb'(?:(?:"(?:[^"]++|"")*+"[^,\n]*+|(?!")[^,\n]*+),)*+(?:"(?:[^"]++|"")*+"[^,\n]*+|(?!")[^,\n]*+)\n')
"""A row of a CSV file; a quote that does not begin a cell is a sign like any other."""


@dataclass(frozen=True)
class Files:
    """A file, or all CSV and JSON Lines files of a folder.

    Args:
        path: The file or folder.
        form: How its records are read.
        whole: Take the last line of a file although no line break ends it; else more of it may be to come.
    """

    path: Path
    form: Form = field(default_factory=Form)
    whole: bool = True

    @property
    def name(self) -> str:
        """Return the path's own name."""
        return f"files:{self.path.absolute()}"

    def read(self, position: Any) -> Iterator[Batch]:
        """Yield what stands in the files after a position: by file name, its bytes read, its beginning and its header.

        Raises:
            DataError: If there is no such file or folder, or one cannot be read; the others of a folder are, first.
        """
        if not self.path.exists():
            raise missing(self.path)
        known: dict[str, Any] = dict(position or {})
        refused: list[DataError] = []
        for path in self._paths():
            try:
                for state, records, dead in self._read_file(path, known.get(path.name)):
                    known = {**known, path.name: state}
                    yield Batch(records, known, dead)
            except OSError as error:
                refused.append(
                    DataError(
                        Remark(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"),
                        Remark("Check who may read it.", "请检查读取权限。"),
                    )
                )
        if refused:
            raise refused[0]

    def _paths(self) -> list[Path]:
        if not self.path.is_dir():
            if self.path.suffix.lower() not in ENDINGS:
                raise DataError(
                    Remark(
                        f"{self.path} ends with {self.path.suffix!r}.", f"{self.path} 的后缀是 {self.path.suffix!r}。"
                    ),
                    Remark(f"Valid: {', '.join(ENDINGS)}.", f"可用：{'、'.join(ENDINGS)}。"),
                )
            return [self.path]
        return sorted(path for path in self.path.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())

    def _read_file(self, path: Path, state: Any) -> Iterator[tuple[Any, tuple[Any, ...], tuple[Letter, ...]]]:
        table = path.suffix.lower() == ".csv"
        with path.open("rb") as file:
            if not state or not _goes_on(file, state):
                # another file under the same name; what was read of it before is known by its keys
                state = {"bytes": 0, "lines": 0, "header": None}
            file.seek(state["bytes"])
            while piece := _complete(file, table, self.whole):
                found, records, dead = _read_piece(piece, table, path.name, state)
                read = state["bytes"] + len(piece)
                lines = state["lines"] + piece.count(b"\n")
                state = {**state, **found, "bytes": read, "lines": lines, "begins": _beginning(file, read)}
                yield state, tuple(records), tuple(dead)
                file.seek(read)


def missing(path: Path) -> DataError:
    """Return what is said of a file that is not there."""
    return DataError(
        Remark(f"There is no file {path}.", f"没有文件 {path}。"),
        Remark("Give a .csv or .jsonl file, or a folder of them.", "请给出 .csv 或 .jsonl 文件，或其文件夹。"),
    )


def _beginning(file: io.BufferedReader, read: int) -> str:
    """Return a digest of the first bytes that were read of a file."""
    file.seek(0)
    return hashlib.sha256(file.read(min(read, BEGINNING_BYTES))).hexdigest()[:16]


def _goes_on(file: io.BufferedReader, state: Mapping[str, Any]) -> bool:
    """Return whether a file still is the one that was read, or has grown since."""
    if file.seek(0, io.SEEK_END) < state["bytes"]:
        return False
    # positions of before this was noted have no beginning
    return "begins" not in state or state["begins"] == _beginning(file, state["bytes"])


def _complete(file: io.BufferedReader, table: bool, whole: bool) -> bytes:
    """Read up to the end of a record, about a piece; nothing where no record is complete.

    Of what is too long for a record the first line is given, or as much of it as was read.
    """
    start = file.tell()
    held = b""
    while True:
        more = file.read(PIECE_BYTES)
        held += more
        ended = len(held) if whole and not more else _end_of_records(held, table)
        if not ended and len(held) > LONGEST_RECORD:
            ended = held.find(b"\n") + 1 or len(held)
        if ended or not more:
            file.seek(start + ended)
            return held[:ended]


def _end_of_records(held: bytes, table: bool) -> int:
    """Return where the last complete record ends; a line break within quotes ends none."""
    if not table:
        return held.rfind(b"\n") + 1
    end = 0
    while found := ROW.match(held, end):
        end = found.end()
    return end


def _read_piece(
    piece: bytes, table: bool, name: str, state: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, Mapping[str, Any]]], list[Letter]]:
    """Return what is known of a file now, header and encoding, with records and what is none of whole lines of it."""
    line = state["lines"]
    if len(piece) > LONGEST_RECORD and b"\n" not in piece[:-1]:
        reason = f"a record of more than {LONGEST_RECORD:,} bytes"
        return {}, [], [Letter(f"{name}, line {line + 1}", reason, repr(piece[:1000]))]
    before: Encoding = state.get("encoding", "gb18030")
    if not table:
        return _objects(piece, name, line, before)
    found = decode(piece, before)
    if found is None:
        return {}, [], [Letter(f"{name}, from line {line + 1}", NO_TEXT, repr(piece[:1000]))]
    text, encoding = found
    header, records, dead = _rows(list(io.StringIO(text, newline="")), name, line, state["header"])
    return {"header": header, "encoding": _eight_bit(encoding, before)}, records, dead


def _eight_bit(encoding: Encoding, before: Encoding) -> Encoding:
    """Return what a text that is no UTF-8 is taken for, where it tells nothing itself."""
    return before if encoding == "utf-8" else encoding


def _rows(
    lines: list[str], name: str, line: int, header: list[str] | None
) -> tuple[list[str] | None, list[tuple[str, Mapping[str, Any]]], list[Letter]]:
    """Read records of a CSV file; the first row of the file is its header."""
    records: list[tuple[str, Mapping[str, Any]]] = []
    dead: list[Letter] = []
    for number, row in _cells(lines, len(header or ())):
        place = f"{name}, line {line + number}"
        if header is None:
            header = [cell.strip().removeprefix("\ufeff") for cell in row]
        elif len(row) != len(header):
            dead.append(Letter(place, f"{len(row)} cells where the header has {len(header)}", ",".join(row)))
        else:
            records.append((place, dict(zip(header, row, strict=True))))
    return header, records, dead


def _cells(lines: list[str], width: int) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the number of their first line; where a quote was left open, its line is a row by itself.

    Args:
        lines: Lines of a CSV file.
        width: How many cells a row has; 0 takes the number of the first one.
    """
    csv.field_size_limit(2 * LONGEST_RECORD)  # the module's default refuses texts above 128 KB
    begun = ended = 0

    def more() -> Iterator[str]:
        nonlocal ended
        while ended < len(lines):
            ended += 1
            yield lines[ended - 1]

    while ended < len(lines):
        try:
            for row in csv.reader(more(), strict=True):
                if width and len(row) != width and ended - begun > 1:
                    raise csv.Error
                if row:
                    yield begun + 1, row
                width = width or len(row)
                begun = ended
        except csv.Error:
            yield begun + 1, next(csv.reader(lines[begun : begun + 1]))
            begun = ended = begun + 1


def _objects(
    piece: bytes, name: str, line: int, before: Encoding
) -> tuple[dict[str, Any], list[tuple[str, Mapping[str, Any]]], list[Letter]]:
    """Read records of a JSON Lines file."""
    records: list[tuple[str, Mapping[str, Any]]] = []
    dead: list[Letter] = []
    for number, raw in enumerate(piece.split(b"\n"), line + 1):
        if not raw.strip():
            continue
        place = f"{name}, line {number}"
        found = decode(raw, before)
        if found is None:
            dead.append(Letter(place, NO_TEXT, repr(raw)))
            continue
        text, encoding = found
        before = _eight_bit(encoding, before)
        try:
            value = json.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:  # also a number of more digits than are read
            dead.append(Letter(place, f"no JSON: {error}", text))
            continue
        if isinstance(value, dict):
            records.append((place, value))
        else:
            dead.append(Letter(place, "no JSON object", text))
    return {"encoding": before}, records, dead
