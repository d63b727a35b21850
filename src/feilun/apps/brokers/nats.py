"""NATS JetStream: a durable consumer that pulls; the stream keeps what was not acknowledged."""

from __future__ import annotations

import logging
from typing import Any

from feilun.apps.brokers.broker import FETCHED, BrokerSettings, Take, body_of, log

FETCH_SECONDS = 1.0
FOREVER = -1


async def subscribe(settings: BrokerSettings, take: Take) -> Any:
    """Return a broker that is subscribed to a subject of a stream."""
    from faststream import AckPolicy
    from faststream.nats import JStream, NatsBroker, PullSub

    broker = NatsBroker(
        settings.address, max_reconnect_attempts=FOREVER, reconnect_time_wait=1, graceful_timeout=5.0,
        logger=log, log_level=logging.DEBUG, apply_types=False, decoder=body_of,
    )  # fmt: skip
    broker.subscriber(
        settings.subject, stream=JStream(settings.stream), durable=settings.durable,
        pull_sub=PullSub(batch_size=FETCHED, timeout=FETCH_SECONDS), ack_policy=AckPolicy.NACK_ON_ERROR,
    )(take)  # fmt: skip
    return broker
