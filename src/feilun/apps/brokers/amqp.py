"""A durable queue of RabbitMQ: what was not acknowledged is given again, also after a restart of the server."""

from __future__ import annotations

import logging
from typing import Any

from feilun.apps.brokers.broker import FETCHED, BrokerSettings, Take, body_of, log


async def subscribe(settings: BrokerSettings, take: Take) -> Any:
    """Return a broker that is subscribed to a queue."""
    from faststream import AckPolicy
    from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

    broker = RabbitBroker(
        settings.address, graceful_timeout=5.0, logger=log, log_level=logging.DEBUG, apply_types=False,
        decoder=body_of, default_channel=Channel(prefetch_count=FETCHED),
    )  # fmt: skip
    queue = RabbitQueue(settings.stream, durable=True)
    broker.subscriber(queue, ack_policy=AckPolicy.NACK_ON_ERROR)(take)
    return broker
