"""Rows that wait on the disk while the database is gone: acknowledged, so never lost."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

from feilun.core.files import disk_errors, sync

Row = Mapping[str, Any]

BLANK = b" "
"""Begins a row that was forgotten."""

STALE_SECONDS = 86_400.0
"""A file that nobody wrote to for so long belongs to no living process."""


class EventQueue:
    """A file of JSON Lines in a folder, of one process; safe to share between its threads.

    Args:
        folder: Where it and those of other processes are.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{uuid.uuid4().hex}.jsonl"
        self._lock = RLock()

    def __bool__(self) -> bool:
        return self.path.exists()

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows; they are on the disk once this returns.

        Raises:
            StorageError: If the disk refuses; none of the rows is kept.
        """
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        with self._lock, disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
                end = file.seek(0, os.SEEK_END)
                try:
                    file.write(lines)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    os.truncate(self.path, end)
                    raise
            sync(self.path.parent)

    def rows(self) -> list[Row]:
        """Return the waiting rows, oldest first."""
        with self._lock:
            return _rows(self.path)

    def clear(self) -> None:
        """Forget all rows, once they are elsewhere."""
        with self._lock:
            self.path.unlink(missing_ok=True)


def left_behind(folder: Path) -> list[Row]:
    """Return the rows of all files in a folder: what processes that are gone, or others that live, had waiting."""
    return [row for path in sorted(folder.glob("*.jsonl")) for row in _rows(path)]


def forget(folder: Path, user: str) -> int:
    """Blank the rows of a user in all files of a folder, in place, as the process that owns a file may append to it.

    Returns:
        How many rows that were.
    """
    gone = 0
    for path in folder.glob("*.jsonl"):
        with suppress(FileNotFoundError):  # its process may have written the rows elsewhere meanwhile
            gone += _blank(path, user)
    return gone


def _blank(path: Path, user: str) -> int:
    gone, at = 0, 0
    *whole, _ = path.read_bytes().split(b"\n")
    with path.open("r+b") as file:
        for line in whole:
            if not line.startswith(BLANK) and json.loads(line)["user"] == user:
                file.seek(at)
                file.write(BLANK * len(line))
                gone += 1
            at += len(line) + 1
        file.flush()
        os.fsync(file.fileno())
    return gone


def tidy(folder: Path, now: float) -> None:
    """Delete the files that no living process can own, once their rows are elsewhere."""
    for path in folder.glob("*.jsonl"):
        if now - path.stat().st_mtime > STALE_SECONDS:
            path.unlink(missing_ok=True)


def _rows(path: Path) -> list[Row]:
    """Return a file's rows; a line that a crash cut off was never acknowledged and is left out."""
    if not path.exists():
        return []
    *whole, _ = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in whole if not line.startswith(BLANK)]
