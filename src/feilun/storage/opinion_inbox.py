"""The queue of documents that were pushed: on the disk once they are taken, removed once they were read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from feilun.storage.tables.public_opinion import opinion_inbox


def add(connection: Connection, source: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Put records at the end."""
    now = time.time()
    connection.execute(
        opinion_inbox.insert(), [{"time": now, "source": source, "record": dict(record)} for record in records]
    )


def after(connection: Connection, sequence: int, count: int) -> Sequence[Row[Any]]:
    """Return at most `count` records behind a number, in order."""
    query = select(opinion_inbox).where(opinion_inbox.c.sequence > sequence).order_by(opinion_inbox.c.sequence)
    return connection.execute(query.limit(count)).all()


def remove(connection: Connection, sequence: int) -> None:
    """Remove records up to a number, that one included."""
    connection.execute(opinion_inbox.delete().where(opinion_inbox.c.sequence <= sequence))


def waiting(connection: Connection) -> int:
    """Return how many wait."""
    return int(connection.execute(select(func.count()).select_from(opinion_inbox)).scalar_one())
