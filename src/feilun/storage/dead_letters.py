"""Messages that could not be taken, kept with the reason until somebody looks at them.

Each is a file of its own, named by its content: one that comes twice is kept once, processes that keep some at the same
time do not meet, and a user's are deleted one by one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feilun.core.files import disk_errors, read_json, write_text


@dataclass(frozen=True)
class DeadLetter:
    """A message that was refused.

    Args:
        source: The stream that it came from.
        reason: What is wrong with it.
        time: When it came first, seconds since 1970.
        record: What it holds; empty where it is no JSON object.
        raw: Its text where it is none.
    """

    source: str
    reason: str
    time: float
    record: Mapping[str, Any]
    raw: str = ""


class DeadLetters:
    """The refused messages of an application.

    Args:
        folder: Where they are, for the system's user alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, source: str, reason: str, record: Mapping[str, Any], raw: str = "") -> None:
        """Keep a message; it is on the disk once this returns.

        Raises:
            StorageError: If the disk refuses.
        """
        named = json.dumps([source, record, raw], sort_keys=True, default=str)
        path = self.folder / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.json"
        if path.exists():
            return
        with disk_errors(path):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        message = DeadLetter(source, reason, time.time(), dict(record), raw)
        write_text(path, json.dumps(asdict(message), indent=2) + "\n")  # ASCII: lone surrogates are no UTF-8

    def all(self) -> list[DeadLetter]:
        """Return what is kept, the earliest first."""
        return sorted((one for _, one in self._kept()), key=lambda one: (one.time, one.reason))

    def clear(self, until: float) -> int:
        """Delete those that came up to a moment, and return how many they were."""
        return self._remove(lambda one: one.time <= until)

    def forget(self, user: str) -> int:
        """Delete those in which a user's name stands, and return how many they were."""
        return self._remove(lambda one: user in one.raw or user in map(_text, one.record.values()))

    def _remove(self, wanted: Callable[[DeadLetter], bool]) -> int:
        found = [path for path, one in self._kept() if wanted(one)]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def _kept(self) -> Iterator[tuple[Path, DeadLetter]]:
        for path in self.folder.glob("*.json"):
            with suppress(FileNotFoundError):  # another process may have deleted it meanwhile
                yield path, DeadLetter(**read_json(path))


def _text(value: Any) -> str:
    return str(value).strip()
