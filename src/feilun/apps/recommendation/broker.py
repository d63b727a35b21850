"""Events from a message broker: taken as those that come over HTTP are, so they count in the next list.

An event counts once by its id, whatever comes again; one that cannot be read is kept with the reason.
"""

from __future__ import annotations

import time

from feilun.apps.brokers.receiver import objects_in
from feilun.apps.recommendation.records.events import Interaction, read_interaction
from feilun.apps.recommendation.shop import Shop
from feilun.core.errors import DataError
from feilun.monitoring.redaction import kept
from feilun.storage.dead_letters import DeadLetters


def take_message(shop: Shop, refused: DeadLetters, stream: str, body: bytes) -> None:
    """Take the events of a message; those that cannot be read are kept, and keep the others back from nothing.

    Args:
        shop: Takes them.
        refused: Keeps what is no event.
        stream: Where the message came from.
        body: A JSON object or a list of them, each as `POST …/events` takes it.

    Raises:
        StorageError: If database and disk refuse; the message comes again.
    """
    now = time.time()
    rows, wrong = objects_in(body)
    events: list[Interaction] = []
    for row in rows:
        try:
            events.append(read_interaction(row, now))
        except DataError as error:
            refused.put(stream, str(error), row)
    if wrong:
        refused.put(stream, wrong, {}, kept(body.decode("utf-8", "replace")))
    if events:
        shop.take(events)
