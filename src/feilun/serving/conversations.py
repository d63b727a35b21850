"""Answers written token by token: off the event loop, several at once, and no further where nobody listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from threading import Event

from feilun.bundles.generator import Generator
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.remark import Remark
from feilun.serving.admission import RETRY_SECONDS, Admission
from feilun.serving.generation_thread import GenerationRequest, GenerationThread, News
from feilun.serving.limits import DeadlinePassed, Limits
from feilun.text.decoding import Written


class Conversations:
    """Writes the answers of all models of a service; those that wait get their turn in order.

    Args:
        limits: How many may wait, and how long.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._admission = Admission(limits, Remark("an answer", "回答"))
        self._thread = GenerationThread()

    async def write(
        self, generator: Generator, prompt: Sequence[int], decision: GenerateDecision, client: str
    ) -> AsyncGenerator[Written, None]:
        """Write an answer.

        Args:
            generator: The model.
            prompt: Token ids, shorter than the context.
            decision: How tokens are chosen, and when the answer ends.
            client: Who asks; nobody gets more than a share of the queue.

        Yields:
            The answer after each token; the last one is finished. Where the caller stops to ask, writing stops.

        Raises:
            ShareTaken: If as many of this client wait as may.
            Overloaded: If as many wait as may.
            DeadlinePassed: If it is not written in time.
        """
        given_up, news, began = Event(), asyncio.Queue[News](), time.monotonic()
        loop = asyncio.get_running_loop()

        def tell(what: News) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(news.put_nowait, what)

        with self._admission.admitted(client):
            self._thread.put(GenerationRequest(generator, prompt, decision, client, tell, given_up))
            try:
                while True:
                    row = await self._next(news, began)
                    yield row
                    if row.finish is not None:
                        return
            finally:
                given_up.set()

    def stop(self) -> None:
        """End the work."""
        self._thread.stop()

    async def _next(self, news: asyncio.Queue[News], began: float) -> Written:
        """Return the answer as it is after its next token."""
        left = began + self._limits.seconds - time.monotonic()
        try:
            row = await asyncio.wait_for(news.get(), max(0.0, left))
        except TimeoutError as error:
            seconds = f"{self._limits.seconds:g}"
            said = Remark(f"The answer was not written within {seconds} s.", f"回答没有在 {seconds} 秒内写完。")
            raise DeadlinePassed(said, RETRY_SECONDS) from error
        if isinstance(row, Exception):
            raise row
        return row
