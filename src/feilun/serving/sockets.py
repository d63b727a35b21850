"""Connections that stay open for messages both ways: how many there may be, and how they are told to end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from feilun.core.remark import Remark
from feilun.serving.limits import Limits, Overloaded

RETRY_SECONDS = 10
"""After which it is worth connecting again."""


class Sockets:
    """The open ones of a service; used on its event loop, but for `leave`.

    Args:
        limits: How many there may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._leaving = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def admitted(self) -> Iterator[asyncio.Event]:
        """Count a connection as open for a while; the event is set once it is to end what it does and close.

        Raises:
            Overloaded: If as many are open as may, or the service is about to stop.
        """
        if self._leaving:
            raise Overloaded(Remark("The service is about to stop.", "服务即将停止。"), RETRY_SECONDS)
        if len(self._open) >= self._limits.sockets:
            raise Overloaded(
                Remark(f"{len(self._open):,} sockets are open already.", f"已有 {len(self._open):,} 个连接打开。"),
                RETRY_SECONDS,
            )
        leaving = asyncio.Event()
        self._open[leaving] = asyncio.get_running_loop()
        try:
            yield leaving
        finally:
            del self._open[leaving]

    def leave(self) -> None:
        """Tell all of them to end what they do and close; further ones are refused. Any thread, or a signal, may."""
        self._leaving = True
        for leaving, loop in list(self._open.items()):
            loop.call_soon_threadsafe(leaving.set)
