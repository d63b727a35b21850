"""CSV and JSON Lines files, alone or in a folder, followed as they grow: each is read on from its last byte."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.sources.source import Batch, Letter
from feilun.core.errors import DataError

ENDINGS = (".csv", ".jsonl", ".ndjson")
ENCODINGS = ("utf-8", "gb18030")
PIECE_BYTES = 1 << 20
LONGEST_LINE = 1 << 24
"""A record larger than this is refused: without an end, a file would fill the memory."""


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
        """Yield what stands in the files after a position: by file name, its bytes read and its header.

        Raises:
            DataError: If there is no such file or folder.
        """
        if not self.path.exists():
            raise missing(self.path)
        paths = sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]
        known: dict[str, Any] = dict(position or {})
        for path in paths:
            if path.suffix.lower() not in ENDINGS or not path.is_file():
                if path == self.path:
                    raise DataError(f"{path} ends with {path.suffix!r}.", f"Valid: {', '.join(ENDINGS)}.")
                continue
            for state, records, dead in self._read_file(path, known.get(path.name)):
                known = {**known, path.name: state}
                yield Batch(records, known, dead)

    def _read_file(self, path: Path, state: Any) -> Iterator[tuple[Any, tuple[Any, ...], tuple[Letter, ...]]]:
        state = state or {"bytes": 0, "lines": 0, "header": None}
        size = path.stat().st_size
        if size < state["bytes"]:  # another file under the same name; what was read of it before is known by its key
            state = {"bytes": 0, "lines": 0, "header": None}
        table = path.suffix.lower() == ".csv"
        with path.open("rb") as file:
            file.seek(state["bytes"])
            while piece := _complete(file, table, self.whole):
                lines = piece.count(b"\n")
                read = _rows if table else _objects
                header, records, dead = read(piece, path.name, state["lines"], state["header"])
                state = {"bytes": state["bytes"] + len(piece), "lines": state["lines"] + lines, "header": header}
                yield state, tuple(records), tuple(dead)


def missing(path: Path) -> DataError:
    """Return what is said of a file that is not there."""
    return DataError(f"There is no file {path}.", "Give a .csv or .jsonl file, or a folder of them.")


def _complete(file: io.BufferedReader, table: bool, whole: bool) -> bytes:
    """Read up to the end of a record, about a piece; nothing where no record is complete."""
    start = file.tell()
    held = b""
    while True:
        more = file.read(PIECE_BYTES)
        held += more
        ended = len(held) if whole and not more else _end_of_records(held, table)
        if ended or not more:
            file.seek(start + ended)
            return held[:ended]
        if len(held) > LONGEST_LINE:
            raise DataError(f"{file.name} holds a record of more than {LONGEST_LINE:,} bytes.", "Is a quote left open?")


def _end_of_records(held: bytes, table: bool) -> int:
    """Return where the last complete record ends; a line break within quotes ends none."""
    end = held.rfind(b"\n") + 1
    while table and end and held.count(b'"', 0, end) % 2:
        end = held.rfind(b"\n", 0, end - 1) + 1
    return end


def _rows(
    piece: bytes, name: str, line: int, header: list[str] | None
) -> tuple[list[str] | None, list[tuple[str, Mapping[str, Any]]], list[Letter]]:
    """Read records of a CSV file; the first row of the file is its header."""
    text = _decoded(piece)
    if text is None:
        return header, [], [Letter(f"{name}, from line {line + 1}", "neither UTF-8 nor GB 18030", repr(piece[:1000]))]
    records: list[tuple[str, Mapping[str, Any]]] = []
    dead: list[Letter] = []
    reader = csv.reader(io.StringIO(text, newline=""))
    for row in reader:
        if not row:
            continue
        if header is None:
            header = [cell.strip().removeprefix("\ufeff") for cell in row]
            continue
        place = f"{name}, line {line + reader.line_num}"
        if len(row) != len(header):
            dead.append(Letter(place, f"{len(row)} cells where the header has {len(header)}", ",".join(row)))
        else:
            records.append((place, dict(zip(header, row, strict=True))))
    return header, records, dead


def _objects(
    piece: bytes, name: str, line: int, header: None
) -> tuple[None, list[tuple[str, Mapping[str, Any]]], list[Letter]]:
    """Read records of a JSON Lines file."""
    records: list[tuple[str, Mapping[str, Any]]] = []
    dead: list[Letter] = []
    for number, raw in enumerate(piece.split(b"\n"), line + 1):
        if not raw.strip():
            continue
        place = f"{name}, line {number}"
        text = _decoded(raw)
        try:
            value = json.loads(text.removeprefix("\ufeff")) if text is not None else None
        except (json.JSONDecodeError, RecursionError) as error:
            dead.append(Letter(place, f"no JSON: {error}", str(text)))
            continue
        if isinstance(value, dict):
            records.append((place, value))
        else:
            reason = "no JSON object" if text is not None else "neither UTF-8 nor GB 18030"
            dead.append(Letter(place, reason, text if text is not None else repr(raw)))
    return header, records, dead


def _decoded(raw: bytes) -> str | None:
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
