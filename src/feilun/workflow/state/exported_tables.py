"""Tables that `feilun label export` wrote: where they are, and how what is forgotten is taken out of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from feilun.core.errors import FeilunError
from feilun.core.files import atomic_file
from feilun.storage import audit
from feilun.workflow.labelling.label_files import TASKS, text_of
from feilun.workflow.labelling.queue import KEY

ACTION = "export labels"


def note(connection: Connection, path: Path, count: int) -> None:
    """Note in the audit log where a table was written."""
    audit.record(connection, ACTION, path=str(path.absolute()), count=count)


def places(connection: Connection) -> list[Path]:
    """Return where tables were written, each once."""
    found = (json.loads(entry.details)["path"] for entry in audit.entries(connection) if entry.action == ACTION)
    return [Path(path) for path in dict.fromkeys(found)]


def forget(tables: Iterable[Path], identities: frozenset[str]) -> dict[str, int | None]:
    """Delete rows of observations from tables.

    Args:
        tables: Where they were written.
        identities: Ids of the observations.

    Returns:
        How many rows of each table; None where it is not there, or cannot be read or written.
    """
    return {str(path): _without(path, identities) for path in tables} if identities else {}


def _without(path: Path, identities: frozenset[str]) -> int | None:
    try:
        text, encoding = text_of(path)
        is_json = path.suffix.lower() == TASKS
        whole = _tasks(text, identities) if is_json else _rows(text, identities)
        if whole.left_out:
            encoding = "utf-8" if is_json else encoding  # readers of JSON take no byte order mark
            with atomic_file(path) as temporary, temporary.open("w", encoding=encoding, newline="") as file:
                file.write(whole.text)
    except (FeilunError, csv.Error, ValueError, IndexError, TypeError, KeyError):
        return None
    return whole.left_out


@dataclass(frozen=True)
class _Kept:
    text: str
    left_out: int


def _rows(text: str, identities: frozenset[str]) -> _Kept:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    column = [name.strip() for name in rows[0]].index(KEY)
    kept = [row for row in rows if len(row) <= column or row[column].strip() not in identities]
    written = io.StringIO(newline="")
    csv.writer(written).writerows(kept)
    return _Kept(written.getvalue(), len(rows) - len(kept))


def _tasks(text: str, identities: frozenset[str]) -> _Kept:
    tasks = json.loads(text)
    kept = [task for task in tasks if str(task["data"][KEY]) not in identities]
    return _Kept(json.dumps(kept, ensure_ascii=False, indent=2), len(tasks) - len(kept))
