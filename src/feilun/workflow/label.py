"""The label queue as a table: written for a person to fill in, and read back as feedback."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feilun.bundles.bundle import Bundle
from feilun.core.errors import DataError, FeilunError, StorageError, UsageError, nearest
from feilun.core.files import atomic_file
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.label_queue import Suggestion, suggest
from feilun.monitoring.log import ObservationLog
from feilun.storage import observations
from feilun.storage.database import Database
from feilun.workflow.service import registered_labels

COLUMNS = ("observation", "text", "predicted", "score", "reason", "label")

LOOKED_AT = 20_000
"""Most predictions among which texts are suggested, the last ones."""

ENCODINGS = ("utf-8-sig", "gb18030")
"""The second is what a spreadsheet in Chinese may save."""

LONGEST_CELL = 1 << 24


@dataclass
class Taken:
    """What came of reading a table.

    Args:
        taken: Labels that were taken.
        repeated: Labels that had been taken from such a table before.
        empty: Rows without a label.
        refused: Why others were not taken, a finished sentence each, with the row.
    """

    taken: int = 0
    repeated: int = 0
    empty: int = 0
    refused: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {"taken": self.taken, "repeated": self.repeated, "empty": self.empty, "refused": self.refused}


def queue(bundle: Bundle, database: Database, count: int) -> list[Suggestion]:
    """Return the texts that a person should label first, among the last that a model answered, in any version."""
    with database.read() as connection:
        window = observations.latest(connection, bundle.name, count=LOOKED_AT)
    return suggest(window, count)


def write_queue(suggestions: list[Suggestion], path: Path) -> None:
    """Write suggestions as CSV with an empty column `label`.

    Args:
        suggestions: They.
        path: The file; it begins with a byte order mark, so that spreadsheets read it as UTF-8.

    Raises:
        StorageError: If it cannot be written.
    """
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for suggestion in suggestions:
            one = suggestion.observation
            cells = (one.id, one.text, one.label or "", f"{one.score or 0:.4f}", suggestion.reason, "")
            writer.writerow([_inert(cell) for cell in cells])


def take(bundle: Bundle, database: Database, path: Path) -> Taken:
    """Read the labels that a person filled in, as feedback; each row stands for itself.

    Reading a table again takes nothing twice. A label that differs from what was said before stands beside it.

    Args:
        bundle: The model's; its labels, and those of the version that answered, are valid.
        database: Where the observations are.
        path: The table, with the columns `observation` and `label` at least.

    Returns:
        How many were taken, and why others were not.

    Raises:
        DataError: If the file cannot be read or lacks a column.
        StorageError: If the database refuses; the rows before are taken.
    """

    def labels(of: str) -> set[str]:
        own = of.rpartition("@")[0] == bundle.name
        return {*bundle.labels.names, *registered_labels(of)} if own else set()

    desk = FeedbackDesk(ObservationLog(database), labels)
    result = Taken()
    for number, identity, label in _rows(path):
        if not label:
            result.empty += 1
            continue
        try:
            given = desk.give(identity, label=label, key=f"table {hashlib.sha256(label.encode()).hexdigest()[:32]}")
        except StorageError:
            raise
        except FeilunError as error:
            result.refused.append(f"row {number}: {error}")
            continue
        result.repeated += given.repeated
        result.taken += not given.repeated
    return result


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield number, observation and label of each row; the header is row 1."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text_of(path)[0], newline=""))
    try:
        header = [str(name).strip() for name in reader.fieldnames or ()]
        missing = [name for name in ("observation", "label") if name not in header]
        if missing:
            raise DataError(
                f"{path} has no column {missing[0]!r}. {nearest(missing[0], header) if header else 'It is empty.'}",
                "Fill in the column `label` of a table that `feilun label export` wrote, and save it as CSV.",
            )
        reader.fieldnames = header
        for number, row in enumerate(reader, 2):  # as a spreadsheet numbers them
            yield number, (row["observation"] or "").strip(), (row["label"] or "").strip()
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.", "Save the table as CSV again.") from error


def text_of(path: Path) -> tuple[str, str]:
    """Return what a table holds, and its encoding.

    Raises:
        UsageError: If it cannot be read.
        DataError: If it is in none of `ENCODINGS`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", "Give a table of `feilun label export`."
        ) from error
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path} is neither UTF-8 nor GB 18030 text.", "Save it as CSV in UTF-8.")


def _inert(cell: str) -> str:
    """Keep a spreadsheet from taking a customer's text for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
