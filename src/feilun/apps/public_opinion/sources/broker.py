"""Documents from a message broker, through FastStream: they wait in the database before the broker is told so.

A message is acknowledged after it was written: at least once in. One that comes twice has one effect, by the key of its
document. What is no JSON goes to the dead letters. While the broker or the database is down nothing is lost: the broker
keeps it, and the receiver asks again. Each kind of broker is a file of `brokers/`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from importlib import import_module
from types import TracebackType
from typing import Any

from feilun.apps.public_opinion.intake import redacted
from feilun.apps.public_opinion.sources.brokers.broker import BrokerSettings, Subscribe, log
from feilun.core.errors import MissingExtra
from feilun.monitoring.redaction import kept
from feilun.storage import opinion, opinion_inbox
from feilun.storage.database import Database

RETRY_SECONDS = 1.0


class Receiver:
    """Receives in a thread of its own, for the length of a block.

    Args:
        settings: Where from.
        database: Where messages are written.

    Raises:
        MissingExtra: If FastStream, or what it reads this kind of broker with, is not installed.
    """

    def __init__(self, settings: BrokerSettings, database: Database) -> None:
        kind = {"amqp": "rabbit"}.get(settings.kind, settings.kind)
        try:
            import_module(f"faststream.{kind}")
        except ImportError as error:
            raise MissingExtra(f"faststream[{kind}]", "streams", f"Receiving from {settings.place}") from error
        module = f"feilun.apps.public_opinion.sources.brokers.{settings.kind}"
        self._subscribe: Subscribe = import_module(module).subscribe
        self.settings = settings
        self.database = database
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._receive()), name="broker", daemon=True)

    def __enter__(self) -> Receiver:
        """Begin to receive."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; a message that is being written is finished first."""
        self._stopped.set()
        self._thread.join()

    async def _receive(self) -> None:
        while not self._stopped.is_set():
            broker: Any = None
            try:
                broker = await self._subscribe(self.settings, self._take)
                await broker.start()
                while not self._stopped.is_set() and all(one.running for one in broker.subscribers):
                    await asyncio.sleep(0.1)
            except Exception as error:  # whatever the client raises, the next try may do better
                log.warning("The broker %s does not answer: %s", self.settings.place, error or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                if broker is not None:
                    await broker.stop()

    async def _take(self, body: bytes) -> None:
        try:
            await asyncio.to_thread(self.keep, body)
        except Exception:
            await asyncio.sleep(RETRY_SECONDS)  # the broker gives it again at once
            raise

    def keep(self, body: bytes) -> None:
        """Write what a message holds.

        Raises:
            StorageError: If the database refuses; the message comes again.
        """
        records, wrong = _records(body)
        with self.database.write() as connection:
            if records:
                opinion_inbox.add(connection, self.settings.stream, [redacted(record) for record in records])
            if wrong:
                raw = kept(body.decode("utf-8", "replace"))
                opinion.bury(connection, self.settings.stream, [(self.settings.stream, wrong, {"raw": raw})])


def _records(body: bytes) -> tuple[list[dict[str, Any]], str]:
    """Return the documents of a message, and what is wrong with it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        return [], f"no JSON: {error}"
    records = value if isinstance(value, list) else [value]
    objects = [record for record in records if isinstance(record, dict)]
    return objects, "" if len(objects) == len(records) else "no JSON object"
