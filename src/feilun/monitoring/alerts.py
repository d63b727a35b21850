"""Notifications to people: each told once to each channel, retried, logged; a channel that hangs holds up nobody.

Channels are addresses of apprise (feishu, dingtalk, wecom, mail, webhooks and many more). A delivery runs on a thread
of its own and is given up after a while; what failed is tried again the next time that it is told.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Any

from sqlalchemy import Connection, select

from feilun.core.errors import MissingExtra, UsageError
from feilun.storage.database import Database
from feilun.storage.tables import deliveries

ATTEMPTS = 3
PATIENCE_SECONDS = 10.0

log = logging.getLogger(__name__)

Send = Callable[[str, str], bool]


@dataclass(frozen=True)
class Message:
    """What is told.

    Args:
        key: Names what happened; the same is told once.
        title: One line.
        body: The rest.
    """

    key: str
    title: str
    body: str


class Alerts:
    """Delivers messages.

    Args:
        database: Remembers what was delivered.
        channels: What sends, by the channel's name.
        patience_seconds: How long a delivery may take.
    """

    def __init__(
        self, database: Database, channels: Mapping[str, Send], patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.database = database
        self.channels = dict(channels)
        self.patience_seconds = patience_seconds
        self._running: dict[str, Thread] = {}

    def tell(self, message: Message, channels: tuple[str, ...] = ()) -> dict[str, bool]:
        """Tell channels, all where none is named; those that were told already are not told again.

        Args:
            message: What is told.
            channels: Their names.

        Returns:
            By channel, whether the message is there.

        Raises:
            UsageError: If there is no channel of a name.
        """
        wanted = channels or tuple(self.channels)
        for name in wanted:
            if name not in self.channels:
                raise UsageError(f"There is no channel {name!r}.", f"Valid: {', '.join(self.channels) or 'none'}.")
        return {name: self._deliver(name, message) for name in wanted}

    def _deliver(self, name: str, message: Message) -> bool:
        with self.database.read() as connection:
            before = _row(connection, message.key, name)
        if before is not None and (before.error is None or before.attempts >= ATTEMPTS):
            return before.error is None
        error = self._try(name, message)
        with self.database.write() as connection:
            _note(connection, message.key, name, error)
        if error is not None:
            log.warning("The channel %s could not be told: %s", name, error)
        return error is None

    def _try(self, name: str, message: Message) -> str | None:
        """Send on a thread of its own; return what went wrong."""
        running = self._running.get(name)
        if running is not None and running.is_alive():
            return "the delivery before is still going on"
        outcome: list[str | None] = []

        def send() -> None:
            try:
                outcome.append(None if self.channels[name](message.title, message.body) else "it was refused")
            except Exception as error:  # any library may stand behind a channel
                outcome.append(f"{type(error).__name__}: {error}"[:500])

        thread = Thread(target=send, daemon=True)
        self._running[name] = thread
        thread.start()
        thread.join(self.patience_seconds)
        return outcome[0] if outcome else f"no answer within {self.patience_seconds:g} s"


def apprise_channel(address: str) -> Send:
    """Return what sends to an address of apprise.

    Raises:
        MissingExtra: If apprise is not installed.
        UsageError: If the address is none; it is not shown, for it holds secrets.
    """
    try:
        from apprise import Apprise
    except ImportError as error:
        raise MissingExtra("apprise", "public-opinion", "Sending notifications") from error
    target: Any = Apprise()
    if not target.add(address):
        kind = address.partition("://")[0][:20]
        raise UsageError(f"An address that begins with {kind!r} is none of apprise's.", "Such as dingtalk://TOKEN.")
    return lambda title, body: bool(target.notify(title=title, body=body))


def delivered(database: Database) -> list[dict[str, Any]]:
    """Return all deliveries in their order: key, channel, time, attempts, error."""
    with database.read() as connection:
        rows = connection.execute(select(deliveries).order_by(deliveries.c.sequence)).all()
    return [
        {"key": row.key, "channel": row.channel, "time": row.time, "attempts": row.attempts, "error": row.error}
        for row in rows
    ]


def _row(connection: Connection, key: str, channel: str) -> Any:
    own = (deliveries.c.key == key) & (deliveries.c.channel == channel)
    return connection.execute(select(deliveries).where(own)).first()


def _note(connection: Connection, key: str, channel: str, error: str | None) -> None:
    before = _row(connection, key, channel)
    values = {"time": time.time(), "attempts": 1 if before is None else before.attempts + 1, "error": error}
    if before is None:
        connection.execute(deliveries.insert(), {"key": key, "channel": channel, **values})
    else:
        connection.execute(deliveries.update().where(deliveries.c.sequence == before.sequence).values(**values))
