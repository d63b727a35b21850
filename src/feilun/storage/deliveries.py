"""Notifications as rows: each waits until it is sent, and stays as the proof that it was."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, exists, func, select

from feilun.storage.tables.service import deliveries

WAITS = "not sent yet"
LONGEST_WAIT = 86_400.0
"""Seconds; nothing is tried again as late as that."""


def add(connection: Connection, key: str, channel: str, title: str, body: str) -> None:
    """Let a notification wait for its channel; one of the same key that is there already stays as it is."""
    own = (deliveries.c.key == key) & (deliveries.c.channel == channel)
    if connection.execute(select(deliveries.c.sequence).where(own)).first() is None:
        now = time.time()
        row = {"key": key, "channel": channel, "title": title, "body": body, "time": now, "due": now}
        connection.execute(deliveries.insert(), {**row, "attempts": 0, "error": WAITS})


def waiting(connection: Connection, channel: str) -> int:
    """Return how many wait for a channel."""
    own = (deliveries.c.channel == channel) & deliveries.c.due.is_not(None)
    return int(connection.execute(select(func.count()).where(own)).scalar_one())


def due(connection: Connection, channel: str, *, ordered: bool = False) -> Row[Any] | None:
    """Return what a channel is to be told next: also what waits for days, for then the clock was set back.

    Args:
        connection: In a transaction.
        channel: The channel.
        ordered: Whether what has the title of something that waits longer waits for it.
    """
    now, due_at = time.time(), deliveries.c.due
    own = (deliveries.c.channel == channel) & ((due_at <= now) | (due_at > now + LONGEST_WAIT))
    if ordered:
        former = deliveries.alias()
        same = (former.c.channel == channel) & (former.c.title == deliveries.c.title) & former.c.due.is_not(None)
        own &= ~exists().where(same & (former.c.sequence < deliveries.c.sequence))
    return connection.execute(select(deliveries).where(own).order_by(deliveries.c.sequence)).first()


def claim(connection: Connection, found: Row[Any], until: float) -> bool:
    """Keep what is due from being sent by another process until then; says whether none was faster.

    Args:
        connection: In a transaction that may write.
        found: As `due` returned it.
        until: Seconds since 1970; if nothing is noted until then, it is due again.
    """
    own = (deliveries.c.sequence == found.sequence) & (deliveries.c.due == found.due)
    return connection.execute(deliveries.update().where(own).values(due=until)).rowcount == 1


def note(connection: Connection, sequence: int, error: str | None, again: float | None) -> None:
    """Note an attempt.

    Args:
        connection: In a transaction that may write.
        sequence: The notification's.
        error: What went wrong; None where it arrived, of which its words are not kept.
        again: When to try again, seconds since 1970; None is never.
    """
    values: dict[str, Any] = {"time": time.time(), "attempts": deliveries.c.attempts + 1, "error": error, "due": again}
    if error is None:
        values |= {"title": "", "body": ""}
    connection.execute(deliveries.update().where(deliveries.c.sequence == sequence).values(**values))


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Return all in their order: key, channel, time, attempts, error."""
    rows = connection.execute(select(deliveries).order_by(deliveries.c.sequence))
    names = ("key", "channel", "time", "attempts", "error")
    return [{name: getattr(row, name) for name in names} for row in rows]
