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

KINDS = {"nats": "NATS JetStream", "redis": "a Redis stream", "amqp": "a RabbitMQ queue", "kafka": "a topic of Kafka"}
"""What each scheme of an address stands for; the encrypted forms of two of them are `rediss` and `amqps`."""

Take = Callable[[bytes], Awaitable[None]]
"""Writes what a message holds; one that it fails on is not acknowledged."""

log = logging.getLogger("feilun.apps.brokers")


@dataclass(frozen=True)
class BrokerSettings:
    """The table `[broker]`."""

    address: str = setting(
        "",
        "nats://localhost:4222, redis://localhost:6379, amqp://localhost or kafka://host:9092,host:9092; empty: none",
    )
    stream: str = setting("messages", "stream of NATS or Redis, queue of RabbitMQ, topic of Kafka; made where absent")
    subject: str = setting("messages", "of NATS: subject of the stream; each message a JSON object or a list of them")
    durable: str = setting("feilun", "name under which NATS, Redis and Kafka know what was taken")

    @property
    def kind(self) -> str:
        """Return which kind of broker the address leads to."""
        return {"rediss": "redis", "amqps": "amqp"}.get(scheme := urlsplit(self.address).scheme, scheme)

    @property
    def place(self) -> str:
        """Return the address without user and password."""
        return f"{urlsplit(self.address).scheme}://{self.hosts}"

    @property
    def hosts(self) -> str:
        """Return host and port, of Kafka several with commas between them."""
        return urlsplit(self.address).netloc.rpartition("@")[2]

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        if not self.address:
            return []
        if self.kind not in KINDS:
            return [f"broker.address cannot begin with {self.kind!r}. {nearest(self.kind, KINDS)}"]
        if self.kind == "kafka" and "@" in self.address:
            return [
                "broker.address: Kafka is asked without user and password; leave them out, or put a proxy before it."
            ]
        return []


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
