"""The audit log: who did what, each entry sealed by the hash of the one before, so that no change goes unnoticed.

Whoever can write the database could write the whole chain anew, or cut its end: the seal of the last entry, noted
somewhere else, shows that as well.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from feilun.storage.tables.service import audit

START = "0" * 64
"""What the first entry stands on."""

LOCK = 0x6665696C756F
"""Number of the PostgreSQL lock under which one entry is added at a time."""


@dataclass(frozen=True)
class Entry:
    """An entry.

    Args:
        number: Its place, from 1.
        time: Seconds since 1970 (UTC).
        actor: Who did it: the user of the operating system.
        action: What was done, such as `delete observations`.
        details: What it was done to, JSON with sorted keys.
        previous: Seal of the entry before.
        hash: Its own seal.
    """

    number: int
    time: float
    actor: str
    action: str
    details: str
    previous: str
    hash: str

    def seal(self) -> str:
        """Return the SHA-256 of all but the seal itself."""
        sealed = json.dumps([self.number, self.time, self.actor, self.action, self.details, self.previous])
        return hashlib.sha256(sealed.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {
            "number": self.number, "time": self.time, "actor": self.actor, "action": self.action,
            "details": json.loads(self.details), "hash": self.hash,
        }  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What verifying found.

    Args:
        entries: Entries that are sound, from the first on.
        head: Seal of the last of them, to be noted elsewhere.
        fault: What is wrong with the next, a finished sentence; None where all are sound.
    """

    entries: int
    head: str
    fault: str | None = None


def lock(connection: Connection) -> None:
    """Wait until no other transaction adds entries; none does until this one ends. On SQLite one writes at a time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def record(connection: Connection, action: str, *, actor: str | None = None, **details: Any) -> Entry:
    """Add an entry, in the transaction in which the thing itself is done.

    Args:
        connection: In a transaction that may write.
        action: What is done.
        actor: Who does it; None takes the user of the operating system.
        details: What it is done to; JSON values, no texts of customers.

    Returns:
        The entry.
    """
    lock(connection)
    last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    number, previous = (last.number + 1, last.hash) if last else (1, START)
    written = json.dumps(details, ensure_ascii=False, sort_keys=True)
    entry = Entry(number, time.time(), actor or _user(), action, written, previous, "")
    sealed = Entry(**{**vars(entry), "hash": entry.seal()})
    connection.execute(audit.insert(), vars(sealed))
    return sealed


def entries(connection: Connection) -> Iterator[Entry]:
    """Yield all entries, the first first."""
    for row in connection.execute(select(audit).order_by(audit.c.number)):
        yield Entry(row.number, row.time, row.actor, row.action, row.details, row.previous, row.hash)


def last(connection: Connection, action: str, **details: Any) -> dict[str, Any] | None:
    """Return the details of the last entry of an action whose details hold these values, None where there is none."""
    query = select(audit.c.details).where(audit.c.action == action).order_by(audit.c.number.desc())
    for (written,) in connection.execute(query):
        found: dict[str, Any] = json.loads(written)
        if all(found.get(key) == value for key, value in details.items()):
            return found
    return None


def verify(connection: Connection, head: str | None = None) -> Verdict:
    """Find tampering.

    Args:
        connection: A transaction.
        head: A seal that was noted earlier and must still be in the chain.
    """
    count, previous = 0, START
    met = head is None or head == START
    for entry in entries(connection):
        if entry.number != count + 1:
            return Verdict(count, previous, f"Entry {count + 1} is missing: entry {entry.number} follows {count}.")
        if entry.previous != previous:
            return Verdict(count, previous, f"Entry {entry.number} does not stand on the one before it.")
        if entry.hash != entry.seal():
            return Verdict(count, previous, f"Entry {entry.number} was altered.")
        count, previous = count + 1, entry.hash
        met = met or entry.hash == head
    if not met:
        return Verdict(count, previous, f"The seal {head} is not in the log: entries were removed or written anew.")
    return Verdict(count, previous)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
