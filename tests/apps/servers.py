"""Real servers of message brokers, for the length of a test, on ports of their own."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server(ABC):
    """A server that can be killed and started again; what was confirmed is on its disk, where it keeps it."""

    client: ClassVar[str]
    scheme: ClassVar[str]
    keeps: ClassVar[bool] = True

    def __init__(self, folder: Path, stream: str = "documents") -> None:
        self.folder = folder
        self.stream = stream
        self.folder.mkdir()
        self.port = free_port()
        self.address = f"{self.scheme}://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def program(self) -> str | None: ...

    @abstractmethod
    def arguments(self) -> list[str]: ...

    def environment(self) -> Mapping[str, str]:
        return {}

    @abstractmethod
    async def send(self, bodies: tuple[bytes, ...]) -> None: ...

    def missing(self) -> str:
        """Return what is not there; empty where the server can be started."""
        if importlib.util.find_spec(self.client) is None:
            return f"no package {self.client}"
        return "" if self.program() else f"no server for {self.scheme}"

    def start(self) -> None:
        command = [str(self.program()), *self.arguments()]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **self.environment()}
        )
        end = time.monotonic() + START_SECONDS
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert time.monotonic() < end, "the server does not start"
            assert self.process.poll() is None, "the server ended"
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.kill()

    def publish(self, *bodies: bytes) -> None:
        asyncio.run(self.send(bodies))


class Nats(Server):
    client, scheme = "nats", "nats"

    def program(self) -> str | None:
        beside = Path(sys.executable).with_name("nats-server")
        return shutil.which("nats-server") or (str(beside) if beside.exists() else None)

    def arguments(self) -> list[str]:
        return ["-js", "-sd", str(self.folder), "-a", "127.0.0.1", "-p", str(self.port)]

    async def send(self, bodies: tuple[bytes, ...]) -> None:
        import nats

        client = await nats.connect(self.address)
        stream = client.jetstream()
        await stream.add_stream(name=self.stream, subjects=[self.stream])
        for body in bodies:
            await stream.publish(self.stream, body)
        await client.close()


class Redis(Server):
    client, scheme = "redis", "redis"

    def program(self) -> str | None:
        return shutil.which("redis-server")

    def arguments(self) -> list[str]:
        kept = ["--appendonly", "yes", "--appendfsync", "always", "--dir", str(self.folder)]
        return ["--port", str(self.port), "--bind", "127.0.0.1", *kept]

    async def send(self, bodies: tuple[bytes, ...]) -> None:
        from faststream.redis import RedisBroker

        async with RedisBroker(self.address) as broker:
            for body in bodies:
                await broker.publish(body, stream=self.stream)


class RabbitMQ(Server):
    client, scheme = "aio_pika", "amqp"

    def __init__(self, folder: Path, stream: str = "documents") -> None:
        super().__init__(folder, stream)
        self.names = {"ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1", "HOME": str(folder)}
        (folder / "plugins").write_text("[].", encoding="utf-8")

    def program(self) -> str | None:
        own = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        return str(own) if own.exists() else shutil.which("rabbitmq-server")

    def arguments(self) -> list[str]:
        return []

    def environment(self) -> Mapping[str, str]:
        return {
            **self.names, "RABBITMQ_NODENAME": f"test{self.port}@localhost", "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder), "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"), "RABBITMQ_CONF_ENV_FILE": "",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }  # fmt: skip

    def kill(self) -> None:
        """Kill the virtual machine itself, which the script that was started may only have begun."""
        pid = int((self.folder / "pid").read_text(encoding="ascii"))
        os.kill(pid, 9)
        assert self.process is not None
        self.process.wait()

    def stop(self) -> None:
        super().stop()
        mapper = shutil.which("epmd")
        if mapper:
            subprocess.run([mapper, "-kill"], env={**os.environ, **self.names}, capture_output=True, check=False)

    async def send(self, bodies: tuple[bytes, ...]) -> None:
        from faststream.rabbit import RabbitBroker, RabbitQueue

        queue = RabbitQueue(self.stream, durable=True)
        async with RabbitBroker(self.address) as broker:
            await broker.declare_queue(queue)
            for body in bodies:
                await broker.publish(body, queue=queue, persist=True)


class Kafka(Server):
    """Tansu, which speaks Kafka's protocol and here holds all in memory: killed, it has forgotten everything."""

    client, scheme, keeps = "aiokafka", "kafka", False

    def program(self) -> str | None:
        return shutil.which("tansu")

    def arguments(self) -> list[str]:
        address = f"tcp://127.0.0.1:{self.port}"
        return ["broker", "--listener-url", address, "--advertised-listener-url", address]

    async def send(self, bodies: tuple[bytes, ...]) -> None:
        from aiokafka import AIOKafkaProducer
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{self.port}")
        await admin.start()
        await admin.create_topics([NewTopic(self.stream, num_partitions=2, replication_factor=1)])
        await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{self.port}")
        await producer.start()
        for body in bodies:
            await producer.send_and_wait(self.stream, body)
        await producer.stop()


SERVERS: Mapping[str, type[Server]] = {one.scheme: one for one in (Nats, Redis, RabbitMQ, Kafka)}
