"""Documents from NATS JetStream, through FastStream: they wait in the database once the broker is told that they came.

A message is acknowledged after it was written: at least once in. One that comes twice has one effect, by the key of its
document. What is no JSON goes to the dead letters. While the broker or the database is down nothing is lost: the stream
keeps it, and the receiver asks again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from feilun.apps.public_opinion.intake import redacted
from feilun.core.errors import MissingExtra
from feilun.core.settings import setting
from feilun.monitoring.redaction import kept
from feilun.storage import opinion, opinion_inbox
from feilun.storage.database import Database

FETCHED = 64
"""Messages that are asked for at once: what is not yet written stays in the stream."""

FETCH_SECONDS, RETRY_SECONDS = 1.0, 1.0
FOREVER = -1

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BrokerSettings:
    """The table `[broker]`."""

    address: str = setting("", "NATS server with JetStream, such as nats://localhost:4222; empty asks none")
    stream: str = setting("documents", "its stream; made where there is none")
    subject: str = setting("documents", "subject of the stream, each message a JSON object or a list of them")
    durable: str = setting("feilun", "name of the consumer, under which the server knows what was taken")


class Receiver:
    """Receives in a thread of its own, for the length of a block.

    Args:
        settings: Where from.
        database: Where messages are written.

    Raises:
        MissingExtra: If FastStream is not installed.
    """

    def __init__(self, settings: BrokerSettings, database: Database) -> None:
        try:
            import faststream.nats
        except ImportError as error:
            raise MissingExtra("faststream", "streams", "Receiving from a broker") from error
        self._nats = faststream.nats
        self._acknowledge = faststream.AckPolicy.NACK_ON_ERROR
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
            broker = self._subscribed()
            try:
                await broker.start()
                while not self._stopped.is_set():
                    await asyncio.sleep(0.1)
            except Exception as error:  # whatever the client raises, the next try may do better
                log.warning("The broker %s does not answer: %s", self.settings.address, error or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                await broker.stop()

    def _subscribed(self) -> Any:
        nats = self._nats
        broker = nats.NatsBroker(
            self.settings.address, max_reconnect_attempts=FOREVER, reconnect_time_wait=1, graceful_timeout=5.0,
            logger=log, log_level=logging.DEBUG, apply_types=False, decoder=_body,
        )  # fmt: skip

        async def take(body: bytes) -> None:
            await asyncio.to_thread(self.keep, body)

        broker.subscriber(
            self.settings.subject, stream=nats.JStream(self.settings.stream), durable=self.settings.durable,
            pull_sub=nats.PullSub(batch_size=FETCHED, timeout=FETCH_SECONDS), ack_policy=self._acknowledge,
        )(take)  # fmt: skip
        return broker

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
                opinion.bury(connection, self.settings.stream, [(self.settings.subject, wrong, {"raw": raw})])


async def _body(message: Any) -> bytes:
    """Return a message's bytes as they came."""
    return bytes(message.body)


def _records(body: bytes) -> tuple[list[dict[str, Any]], str]:
    """Return the documents of a message, and what is wrong with it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        return [], f"no JSON: {error}"
    records = value if isinstance(value, list) else [value]
    objects = [record for record in records if isinstance(record, dict)]
    return objects, "" if len(objects) == len(records) else "no JSON object"
