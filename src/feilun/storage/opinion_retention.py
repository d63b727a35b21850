"""What of public opinion is kept for how long: texts and fine numbers leave, the numbers of each day stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from feilun.storage import opinion
from feilun.storage.opinion_counts import DAY
from feilun.storage.tables.public_opinion import opinion_counts, opinion_dead_letters, opinion_documents

HORIZON = "horizon"
"""Position that says from which second on documents are kept; what is older is not taken in again."""

REMOVED_AT_ONCE = 5_000


def horizon(connection: Connection) -> int | None:
    """Return the second from which on documents are kept; None where all are."""
    found = opinion.position(connection, HORIZON)
    return None if found is None else int(found)


def move_horizon(connection: Connection, before: float) -> int:
    """Keep documents only from the beginning of a day on; an earlier horizon than the present one changes nothing.

    Args:
        connection: A transaction.
        before: A second of that day, UTC.

    Returns:
        The second from which on documents are kept now.
    """
    wanted = int(before // DAY) * DAY
    now = horizon(connection)
    if now is not None and now >= wanted:
        return now
    opinion.save_position(connection, HORIZON, wanted)
    return wanted


def remove_before(connection: Connection, second: int) -> Sequence[Row[Any]]:
    """Remove a part of what is from before a second: documents with corrections; at last buckets and dead letters.

    Returns:
        The documents that were removed: fewer than `REMOVED_AT_ONCE` once none is left.
    """
    table = opinion_documents.c
    part = select(table.sequence).where(table.published < second).limit(REMOVED_AT_ONCE)
    gone = delete(opinion_documents).where(table.sequence.in_(part)).returning(opinion_documents)
    removed = connection.execute(gone).all()
    if len(removed) < REMOVED_AT_ONCE:
        connection.execute(delete(opinion_counts).where(opinion_counts.c.bucket < second))
        connection.execute(delete(opinion_dead_letters).where(opinion_dead_letters.c.time < second))
    return removed
