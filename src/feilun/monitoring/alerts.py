"""Notifications to people: each told once to each channel, retried, logged; a channel that hangs holds up nobody.

Channels are addresses of apprise (feishu, dingtalk, wecom, mail, webhooks and many more). What is told waits in the
database, so that it survives the process, and each channel has a thread that sends what is due. A delivery that takes
too long is given up and tried again later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, Self

from sqlalchemy import Row

from feilun.core.errors import MissingExtra, StorageError, UsageError
from feilun.core.remark import Remark
from feilun.storage import deliveries
from feilun.storage.database import Database

ATTEMPTS = 3
"""How often a delivery is tried."""
PATIENCE_SECONDS = 10.0
RETRY_SECONDS = 5.0
"""Until the second attempt; twice as long until each further one."""

LOOK_SECONDS = 1.0
"""How often a channel's thread looks what is due by itself."""

LEAVING_SECONDS = 1.0
"""Beyond the patience, until the end no longer waits for a delivery."""

MOST_WAITING = 1000
"""Notifications that may wait for a channel; further ones are left out, and the log says so."""

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
    """Delivers messages; `with alerts:` while it works, and what waits from before is sent too.

    Args:
        database: Holds what waits, and remembers what was delivered.
        channels: What sends, by the channel's name.
        patience_seconds: How long a delivery may take.
        retry_seconds: How long until a delivery is tried again.
        attempts: How often it is tried.
        ordered: Whether messages of one title arrive in their order: the next waits until the former arrived, or is
            given up.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Send],
        patience_seconds: float = PATIENCE_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        attempts: int = ATTEMPTS,
        ordered: bool = False,
    ) -> None:
        self.database = database
        self.channels = dict(channels)
        self.patience_seconds = patience_seconds
        self.retry_seconds = retry_seconds
        self.attempts = attempts
        self.ordered = ordered
        self._changed = Condition()
        self._ending = False
        self._threads: list[Thread] = []
        self._hanging: dict[str, Thread] = {}

    def __enter__(self) -> Self:
        self._ending = False
        self._threads = [Thread(target=self._work, args=(name,), daemon=True) for name in self.channels]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Try once more what is due, at most as long as one delivery may take; the rest waits for the next time."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        deadline = time.monotonic() + self.patience_seconds + LEAVING_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def tell(self, message: Message, channels: tuple[str, ...] = ()) -> None:
        """Let a message wait for channels, all where none is named; who was told it already is not told again.

        Args:
            message: What is told.
            channels: Their names.

        Raises:
            UsageError: If there is no channel of a name.
            StorageError: If the database refuses.
        """
        wanted = channels or tuple(self.channels)
        for name in wanted:
            if name not in self.channels:
                raise UsageError(
                    Remark(f"There is no channel {name!r}.", f"没有渠道 {name!r}。"),
                    Remark(
                        f"Valid: {', '.join(self.channels) or 'none'}.", f"可用：{'、'.join(self.channels) or '无'}。"
                    ),
                )
        with self.database.write() as connection:
            for name in wanted:
                if deliveries.waiting(connection, name) < MOST_WAITING:
                    deliveries.add(connection, message.key, name, message.title, message.body)
                else:
                    log.error("%d notifications wait for %s: %s is left out.", MOST_WAITING, name, message.key)
        with self._changed:
            self._changed.notify_all()

    def _work(self, name: str) -> None:
        """Send what is due to a channel, one after another, until the end."""
        while True:
            ending = self._ending  # before it is looked: what was told before the end is still sent
            try:
                arrived = self._next(name)
            except StorageError as error:
                log.error("Notifications wait: %s", error)
                arrived = False
            with self._changed:
                if ending and not arrived:
                    return
                if not arrived and not self._ending:
                    self._changed.wait(LOOK_SECONDS)

    def _next(self, name: str) -> bool:
        """Send what is due next; return whether something arrived, so that more may follow at once.

        A channel whose last delivery still hangs is asked for no other: they would hang beside it.
        """
        if name in self._hanging and self._hanging[name].is_alive():
            return False
        with self.database.read() as connection:
            row = deliveries.due(connection, name, ordered=self.ordered)
        if row is None:
            return False
        with self.database.write() as connection:
            if not deliveries.claim(connection, row, time.time() + self.patience_seconds + LEAVING_SECONDS):
                return True  # another process sends it: look at once what comes next
        error = self._try(name, row)
        again = None
        if error is not None:
            log.warning("The channel %s could not be told: %s", name, error)
            if row.attempts + 1 < self.attempts:
                again = time.time() + self.retry_seconds * 2**row.attempts
        with self.database.write() as connection:
            deliveries.note(connection, row.sequence, error, again)
        return error is None

    def _try(self, name: str, row: Row[Any]) -> str | None:
        """Send on a thread of its own; return what went wrong."""
        outcome: list[str | None] = []

        def send() -> None:
            try:
                outcome.append(None if self.channels[name](row.title, row.body) else "it was refused")
            except Exception as error:  # any library may stand behind a channel
                outcome.append(f"{type(error).__name__}: {error}"[:500])

        thread = Thread(target=send, daemon=True)
        thread.start()
        thread.join(self.patience_seconds)
        self._hanging[name] = thread
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
        raise MissingExtra("apprise", "public-opinion", Remark("Sending notifications", "发送通知")) from error
    target: Any = Apprise()
    if not target.add(address):
        kind = address.partition("://")[0][:20]
        raise UsageError(
            Remark(
                f"An address that begins with {kind!r} is none of apprise's.",
                f"以 {kind!r} 开头的地址不是 apprise 的地址。",
            ),
            Remark("Such as dingtalk://TOKEN.", "例如 dingtalk://TOKEN。"),
        )
    return lambda title, body: bool(target.notify(title=title, body=body))
