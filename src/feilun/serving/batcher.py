"""Concurrent requests to one model, answered together."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from feilun.core.errors import ServiceError
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.serving.limits import DeadlinePassed, Limits, Overloaded, Row, ShareTaken, characters_of
from feilun.serving.tracing import Facts, NoTracer, Tracer

AnyRow = TypeVar("AnyRow", bound=Row)
Predict = Callable[[Sequence[Row]], list[Prediction]]

BATCH_CHARACTERS = 8192
"""Most characters answered in one go, so that none waits long for the others."""

BATCH_TEXTS = 256

SMOOTHING = 0.2
"""Weight of the newest batch in the pace, from which it is told when to ask again."""

LONGEST_RETRY = 30

LOOK_SECONDS = 0.02
"""How often a batcher that is to finish looks whether it has."""


@dataclass
class Waiting:
    """A piece of a request.

    Args:
        texts: Its texts.
        answer: Where its answer goes.
        began: When the model began with it, nanoseconds since 1970; 0 before.
        group: Texts that the model was asked about in that go.
    """

    texts: Sequence[Row]
    answer: asyncio.Future[list[Prediction]]
    began: int = 0
    group: int = 0


class Batcher:
    """Answers whatever is waiting in one go, on a thread of its own: no request waits while the model is idle.

    A request larger than one go is cut into pieces that queue up one after another, so that small requests get their
    turn between them. Where as many wait as may, further ones are refused at once; one that is given up, because its
    deadline passed or its client went away, is not computed any more.

    Args:
        predict: Runs the model; called from one thread at a time.
        name: The model's name, for the thread.
        limits: How much may wait, and how long.
        tracer: Keeps how long each request waited, and how long the model ran.
    """

    def __init__(
        self, predict: Predict, name: str, limits: Limits | None = None, tracer: Tracer | None = None
    ) -> None:  # fmt: skip
        self._predict = predict
        self._tracer = tracer or NoTracer()
        self._name = name
        self._limits = limits or Limits()
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()  # bounded by what predict lets in
        self._requests = 0
        self._of_client: Counter[str] = Counter()
        self._characters = 0
        self._pace = 0.0  # seconds a character
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"predict {name}")
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer; to be called on the event loop."""
        self._worker = asyncio.create_task(self._work())

    async def finish(self) -> None:
        """Answer all that was taken, then end the work; nothing may be asked any more."""
        while self._requests:
            await asyncio.sleep(LOOK_SECONDS)
        await self.stop()

    async def stop(self) -> None:
        """End the work; requests that still wait are told so."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        while not self._queue.empty():
            _fail([self._queue.get_nowait()], _stopping())
        self._thread.shutdown(wait=False)

    async def predict(self, texts: Sequence[Row], client: str = "") -> list[Prediction]:
        """Predict texts together with what else is waiting.

        Args:
            texts: The texts, or pairs of texts.
            client: Who asks; nobody gets more than a share of the queue. Empty is the process itself, and is not held
                to it.

        Returns:
            One prediction a text.

        Raises:
            ShareTaken: If as many of this client wait as may.
            Overloaded: If as many wait as may.
            DeadlinePassed: If it is not answered in time.
            ServiceError: If the service stops meanwhile.
        """
        characters = sum(map(characters_of, texts))
        self._admit(characters, client)
        self._requests, self._characters = self._requests + 1, self._characters + characters
        self._of_client[client] += 1
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._ask(texts)
        except TimeoutError as error:
            raise DeadlinePassed(
                Remark(
                    f"The request was not answered within {self._limits.seconds:g} s.",
                    f"请求在 {self._limits.seconds:g} 秒内没有得到回答。",
                ),
                self._retry_after(),
            ) from error
        finally:
            self._requests, self._characters = self._requests - 1, self._characters - characters
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]

    def _admit(self, characters: int, client: str) -> None:
        own = self._of_client[client] if client else 0
        if own >= self._limits.client_requests:
            raise ShareTaken(
                Remark(
                    f"{own:,} of your requests wait for {self._name} already.",
                    f"你已有 {own:,} 个请求在等待 {self._name}。",
                ),
                self._retry_after(),
            )
        full = self._requests >= self._limits.requests
        if full or (self._requests and self._characters + characters > self._limits.waiting_characters):
            raise Overloaded(
                Remark(
                    f"{self._requests:,} requests wait for {self._name} already.",
                    f"已有 {self._requests:,} 个请求在等待 {self._name}。",
                ),
                self._retry_after(),
            )

    def _retry_after(self) -> int:
        """Return the seconds in which what waits now is answered, as far as the pace tells."""
        return min(max(1, math.ceil(self._characters * self._pace)), LONGEST_RETRY)

    async def _ask(self, texts: Sequence[Row]) -> list[Prediction]:
        predictions: list[Prediction] = []
        for piece in pieces(texts):
            answer: asyncio.Future[list[Prediction]] = asyncio.get_running_loop().create_future()
            if self._worker is None:
                raise _stopping()
            waiting, asked = Waiting(piece, answer), time.time_ns()
            self._queue.put_nowait(waiting)
            try:
                predictions += await answer
            finally:
                self._trace(waiting, asked)
        return predictions

    def _trace(self, piece: Waiting, asked: int) -> None:
        """Keep how long a piece waited and how long the model ran, as far as it came."""
        ended = time.time_ns()
        facts: Facts = {"feilun.model": self._name, "feilun.texts": len(piece.texts)}
        self._tracer.step("queue", asked, piece.began or ended, facts)
        if piece.began:
            self._tracer.step("run", piece.began, ended, {**facts, "feilun.batch_texts": piece.group})

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        held: Waiting | None = None
        while True:
            group, held = self._take(held or await self._queue.get())
            began = time.perf_counter()
            try:
                await loop.run_in_executor(self._thread, self._answer, group, loop)
                self._learn(group, time.perf_counter() - began)
            except asyncio.CancelledError:
                _fail(group if held is None else [*group, held], _stopping())
                raise

    def _learn(self, group: Sequence[Waiting], seconds: float) -> None:
        characters = sum(characters_of(text) for piece in group if not piece.answer.cancelled() for text in piece.texts)
        if characters:
            pace = seconds / characters
            self._pace = pace if not self._pace else self._pace + SMOOTHING * (pace - self._pace)

    def _take(self, first: Waiting) -> tuple[list[Waiting], Waiting | None]:
        """Take what waits as far as it fits into one go; what did not fit comes first in the next."""
        group = [first]
        characters, count = sum(map(characters_of, first.texts)), len(first.texts)
        while not self._queue.empty():
            piece = self._queue.get_nowait()
            characters, count = characters + sum(map(characters_of, piece.texts)), count + len(piece.texts)
            if characters > BATCH_CHARACTERS or count > BATCH_TEXTS:
                return group, piece
            group.append(piece)
        return group, None

    def _answer(self, group: list[Waiting], loop: asyncio.AbstractEventLoop) -> None:
        """Predict on the worker's thread; where a group fails, each of its requests is tried alone."""
        group = [piece for piece in group if not piece.answer.cancelled()]
        if not group:
            return
        texts = [text for piece in group for text in piece.texts]
        for piece in group:
            piece.began, piece.group = time.time_ns(), len(texts)
        try:
            predictions = self._predict(texts)
            if len(predictions) != len(texts):
                raise RuntimeError(f"the model gave {len(predictions)} predictions for {len(texts)} texts")
        except Exception as error:
            if len(group) > 1:
                for piece in group:
                    self._answer([piece], loop)
            else:
                loop.call_soon_threadsafe(_fail, group, error)
            return
        remaining = iter(predictions)
        for piece in group:
            loop.call_soon_threadsafe(_succeed, piece, list(islice(remaining, len(piece.texts))))


def pieces(texts: Sequence[AnyRow]) -> Iterator[Sequence[AnyRow]]:
    """Cut a request into pieces of one go each, in order; a single longer text is a piece of its own."""
    start = characters = 0
    for i, text in enumerate(texts):
        if i > start and (characters + characters_of(text) > BATCH_CHARACTERS or i - start == BATCH_TEXTS):
            yield texts[start:i]
            start, characters = i, 0
        characters += characters_of(text)
    if start < len(texts):
        yield texts[start:]


def _stopping() -> ServiceError:
    return ServiceError(
        Remark("The service is stopping.", "服务正在停止。"), Remark("Ask again in a moment.", "请稍后再问。")
    )


def _succeed(piece: Waiting, predictions: list[Prediction]) -> None:
    if not piece.answer.done():
        piece.answer.set_result(predictions)


def _fail(group: Sequence[Waiting], error: Exception) -> None:
    for piece in group:
        if not piece.answer.done():
            piece.answer.set_exception(error)
