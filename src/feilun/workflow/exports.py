"""Tables that `feilun label export` wrote: where they are, and how what is forgotten is taken out of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from feilun.core.errors import FeilunError
from feilun.core.files import atomic_file
from feilun.storage import audit
from feilun.workflow.label import text_of

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
        rows = list(csv.reader(io.StringIO(text, newline="")))
        column = [name.strip() for name in rows[0]].index("observation")
        kept = [row for row in rows if len(row) <= column or row[column].strip() not in identities]
        if len(kept) < len(rows):
            with atomic_file(path) as temporary, temporary.open("w", encoding=encoding, newline="") as file:
                csv.writer(file).writerows(kept)
    except (FeilunError, csv.Error, ValueError, IndexError):
        return None
    return len(rows) - len(kept)
