"""A server that says that it stops before it does, so that nothing on its way is lost."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from feilun.serving.connection import patient_for, patient_socket_for
from feilun.serving.limits import Limits

IDLE_SECONDS = 75
"""How long a connection without requests stays open: longer than a proxy before it keeps one, or its next is broken."""

DRAIN_SECONDS = 30
"""How long requests in flight may take to finish."""

NOTICE_SECONDS = 1.0
"""How long after SIGTERM new requests are still answered, while `/readyz` tells load balancers to send no more."""


def server_config(app: FastAPI, limits: Limits) -> uvicorn.Config:
    """Return how an application is served within limits."""
    return uvicorn.Config(
        app,
        http=patient_for(limits.slow_seconds),
        ws=patient_socket_for(limits.slow_seconds),
        ws_max_size=limits.body_bytes,
        limit_concurrency=limits.connections,
        log_config=None,  # its records go where all others do
        log_level="warning",
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


class DrainingServer(uvicorn.Server):
    """On SIGTERM: no longer ready, a moment of notice, no new connections, then what is in flight finishes.

    Sockets get as long as requests in flight: uvicorn by itself would cut them off with their answers. The process then
    ends with code 0, and whoever called leaves its blocks: uvicorn by itself would let the signal kill it there.

    Args:
        config: Of uvicorn.
        leave: Called at once, so that readiness drops.
        notice: Seconds from then on in which new requests are still answered; none after Ctrl-C.
        sockets: How many sockets are open.
    """

    def __init__(
        self, config: uvicorn.Config, leave: Callable[[], None], notice: float = NOTICE_SECONDS,
        sockets: Callable[[], int] = int,
    ) -> None:  # fmt: skip
        super().__init__(config)
        self._leave = leave
        self._notice = notice
        self._sockets = sockets

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal.

        Raises:
            SystemExit: With code 0, once it has stopped on SIGTERM.
        """
        if threading.current_thread() is not threading.main_thread():  # which alone gets signals
            super().run(sockets)
            return
        former = signal.signal(signal.SIGTERM, _leave_process)  # raised anew by uvicorn, once it has stopped
        try:
            super().run(sockets)
        finally:
            signal.signal(signal.SIGTERM, former)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; a second one ends the notice."""
        self._leave()
        if sig != signal.SIGTERM or self.should_exit:
            self._notice = 0.0
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Give notice, then stop as uvicorn does."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < self._notice:
            await asyncio.sleep(0.05)
        while self._sockets() and loop.time() - began < DRAIN_SECONDS and not self.force_exit:
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)


def _leave_process(sig: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
