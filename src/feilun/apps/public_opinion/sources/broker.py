"""Documents from a message broker: they wait in the database, as those do that were pushed over HTTP.

One that comes twice has one effect, by its key. What is no JSON goes to the dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass

from feilun.apps.brokers.broker import BrokerSettings
from feilun.apps.brokers.receiver import Receiver, objects_in
from feilun.apps.public_opinion.intake import redacted
from feilun.core.settings import setting
from feilun.monitoring.redaction import kept
from feilun.storage import opinion, opinion_inbox
from feilun.storage.database import Database


@dataclass(frozen=True)
class DocumentBroker(BrokerSettings):
    """The table `[broker]`."""

    stream: str = setting("documents", "stream of NATS or Redis, queue of RabbitMQ, topic of Kafka; made where absent")
    subject: str = setting("documents", "of NATS: subject of the stream; each message a JSON object or a list of them")


def receiver(settings: BrokerSettings, database: Database) -> Receiver:
    """Make what receives documents, for the length of a block.

    Args:
        settings: Where from.
        database: Where they are written.

    Raises:
        MissingExtra: If what this kind of broker is read with is not installed.
    """
    return Receiver(settings, lambda body: keep(database, settings.stream, body))


def keep(database: Database, stream: str, body: bytes) -> None:
    """Write what a message holds.

    Args:
        database: Where.
        stream: Where it came from.
        body: The message.

    Raises:
        StorageError: If the database refuses; the message comes again.
    """
    records, wrong = objects_in(body)
    with database.write() as connection:
        if records:
            opinion_inbox.add(connection, stream, [redacted(record) for record in records])
        if wrong:
            raw = kept(body.decode("utf-8", "replace"))
            opinion.bury(connection, stream, [(stream, wrong, {"raw": raw})])
