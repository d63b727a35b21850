"""What a kind of broker is: how its messages are asked for, each acknowledged once it was taken."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from feilun.core.errors import nearest
from feilun.core.settings import setting

FETCHED = 64
"""Messages that are asked for at once: what is not yet written stays with the broker."""

KINDS = {"nats": "NATS JetStream", "redis": "a Redis stream", "amqp": "a RabbitMQ queue"}
"""What each scheme of an address stands for; the encrypted forms of two of them are `rediss` and `amqps`."""

Take = Callable[[bytes], Awaitable[None]]
"""Writes what a message holds; one that it fails on is not acknowledged."""

log = logging.getLogger("feilun.apps.public_opinion.sources.broker")


@dataclass(frozen=True)
class BrokerSettings:
    """The table `[broker]`."""

    address: str = setting("", "such as nats://localhost:4222, redis://localhost:6379, amqp://localhost; empty: none")
    stream: str = setting("documents", "stream of NATS or Redis, or queue of RabbitMQ; made where there is none")
    subject: str = setting("documents", "of NATS: subject of the stream; each message a JSON object or a list of them")
    durable: str = setting("feilun", "name under which NATS and Redis know what was taken")

    @property
    def kind(self) -> str:
        """Return which kind of broker the address leads to."""
        return {"rediss": "redis", "amqps": "amqp"}.get(scheme := urlsplit(self.address).scheme, scheme)

    @property
    def place(self) -> str:
        """Return the address without user and password."""
        return f"{urlsplit(self.address).scheme}://{urlsplit(self.address).netloc.rpartition('@')[2]}"

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        if not self.address or self.kind in KINDS:
            return []
        return [f"broker.address cannot begin with {self.kind!r}. {nearest(self.kind, KINDS)}"]


class Subscribe(Protocol):
    """Makes a broker of FastStream that is subscribed, ready to be started; the file of a kind has one."""

    async def __call__(self, settings: BrokerSettings, take: Take) -> Any:
        """Return the broker.

        Args:
            settings: The table `[broker]`.
            take: Is given the bytes of each message.
        """
        ...


async def body_of(message: Any) -> bytes:
    """Return a message's bytes as they came."""
    return bytes(message.body)
