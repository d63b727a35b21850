"""A topic of Kafka, read by a consumer group from its beginning; how far it was taken is committed after writing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from feilun.apps.brokers.broker import FETCHED, BrokerSettings, Take, log

FETCH_MILLISECONDS = 200


async def subscribe(settings: BrokerSettings, take: Take) -> Any:
    """Return a broker that is subscribed to a topic.

    Messages are fetched many at a time and written at once: Kafka knows one place a partition up to which all was
    taken, so if one of them could not be written all of them come again.
    """
    from faststream import AckPolicy
    from faststream.kafka import KafkaBroker

    broker = KafkaBroker(
        settings.hosts.split(","), graceful_timeout=5.0, logger=log, log_level=logging.DEBUG, apply_types=False,
        decoder=_bodies,
    )  # fmt: skip

    async def take_all(bodies: list[bytes]) -> None:
        written = await asyncio.gather(*map(take, bodies), return_exceptions=True)
        for failed in filter(None, written):
            raise failed

    broker.subscriber(
        settings.stream, group_id=settings.durable, auto_offset_reset="earliest", batch=True, max_records=FETCHED,
        batch_timeout_ms=FETCH_MILLISECONDS, ack_policy=AckPolicy.NACK_ON_ERROR,
    )(take_all)  # fmt: skip
    return broker


async def _bodies(message: Any) -> list[bytes]:
    return [bytes(body) for body in message.body]
