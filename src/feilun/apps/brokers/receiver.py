"""Messages of a broker, through FastStream: each is on the disk before the broker is told so.

A message is acknowledged after it was written: at least once in. That one which comes twice has one effect is up to who
takes it, by the keys of what it holds. While the broker or the disk is down nothing is lost: the broker keeps it, and
the receiver asks again. Each kind of broker is a file beside this one.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import TracebackType
from typing import Any

from feilun.apps.brokers.broker import BrokerSettings, Subscribe, log
from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark

RETRY_SECONDS = 1.0

DEEPEST = 64
"""Levels of values within values; code that goes through what is deeper would reach the end of its stack."""

WRITERS = 32
"""Messages that are written at the same time, so that they can share the syncs of the disk."""


class Receiver:
    """Receives in a thread of its own, for the length of a block.

    Args:
        settings: Where from.
        write: Writes what a message holds, called by several threads; one that it fails on comes again.

    Raises:
        MissingExtra: If FastStream, or what it reads this kind of broker with, is not installed.
    """

    def __init__(self, settings: BrokerSettings, write: Callable[[bytes], Any]) -> None:
        kind = {"amqp": "rabbit"}.get(settings.kind, settings.kind)
        try:
            import_module(f"faststream.{kind}")
        except ImportError as error:
            raise MissingExtra(
                f"faststream[{kind}]",
                "streams",
                Remark(f"Receiving from {settings.place}", f"从 {settings.place} 接收"),
            ) from error
        self._subscribe: Subscribe = import_module(f"feilun.apps.brokers.{settings.kind}").subscribe
        self.settings = settings
        self.write = write
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
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(WRITERS, "broker"))
        while not self._stopped.is_set():
            broker: Any = None
            try:
                broker = await self._subscribe(self.settings, self._take)
                await broker.start()
                while not self._stopped.is_set() and all(one.running for one in broker.subscribers):
                    await asyncio.sleep(0.1)
            except Exception as error:  # whatever the client raises, the next try may do better
                log.warning("The broker %s does not answer: %s", self.settings.place, error or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                if broker is not None:
                    await broker.stop()

    async def _take(self, body: bytes) -> None:
        try:
            await asyncio.to_thread(self.write, body)
        except Exception:
            await asyncio.sleep(RETRY_SECONDS)  # the broker gives it again at once
            raise


def objects_in(body: bytes) -> tuple[list[dict[str, Any]], str]:
    """Return the JSON objects of a message, one or a list of them, and what is wrong with it; empty where nothing is.

    Args:
        body: As it came.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        return [], f"no JSON: {error}"
    if _is_deep(value):
        return [], f"it nests values more than {DEEPEST} deep"
    records = value if isinstance(value, list) else [value]
    objects = [record for record in records if isinstance(record, dict)]
    return objects, "" if len(objects) == len(records) else "no JSON object"


def _is_deep(value: Any) -> bool:
    """Return whether values nest deeper than anything here means by them."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
