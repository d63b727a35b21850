"""A Redis stream, read by a consumer group from its beginning; what a consumer took and did not finish is claimed.

An entry holds its JSON in the field `__data__`, as FastStream writes it and `XADD documents * __data__ '{…}'` does, or
the fields of one document.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from feilun.apps.brokers.broker import FETCHED, BrokerSettings, Take, log

READ_MILLISECONDS = 1_000
ABANDONED_MILLISECONDS = 5_000
"""After so long an entry that was taken and not acknowledged is taken again."""

DATA = b"__data__"
WRAPPED = b"\x89BIN"
"""Begins what FastStream itself wrote, with headers before the body."""


async def subscribe(settings: BrokerSettings, take: Take) -> Any:
    """Return a broker that is subscribed to a stream: to what is new, and to what was left unfinished."""
    from faststream import AckPolicy
    from faststream.redis import RedisBroker, StreamSub

    await _make_group(settings)
    broker = RedisBroker(
        settings.address, graceful_timeout=5.0, logger=log, log_level=logging.DEBUG, apply_types=False, decoder=_body
    )
    group: dict[str, Any] = {"group": settings.durable, "consumer": settings.durable}
    for stream in (
        StreamSub(settings.stream, polling_interval=READ_MILLISECONDS, max_records=FETCHED, **group),
        StreamSub(
            settings.stream, polling_interval=READ_MILLISECONDS, min_idle_time=ABANDONED_MILLISECONDS, **group
        ),
    ):  # fmt: skip
        broker.subscriber(stream=stream, ack_policy=AckPolicy.NACK_ON_ERROR)(take)
    return broker


async def _make_group(settings: BrokerSettings) -> None:
    """Make the consumer group where there is none: FastStream's own would pass over what came before it."""
    from redis.asyncio import from_url
    from redis.exceptions import ResponseError

    client = from_url(settings.address)
    try:
        await client.xgroup_create(settings.stream, settings.durable, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    finally:
        await client.aclose()


async def _body(message: Any) -> bytes:
    fields: dict[bytes, bytes] = message.raw_message["data"]
    data = fields.get(DATA)
    if data is None:
        return json.dumps({name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}).encode()
    return bytes(message.body) if data.startswith(WRAPPED) else data
