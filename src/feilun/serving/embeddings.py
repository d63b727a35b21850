"""Vectors of texts: computed off the event loop, and no further where nobody waits for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.bundle import Bundle
from feilun.core.corpus import corpus_of
from feilun.core.decisions.similarity import unit
from feilun.core.remark import Remark
from feilun.serving.admission import RETRY_SECONDS, Admission
from feilun.serving.batcher import pieces
from feilun.serving.limits import DeadlinePassed, Limits


class Embeddings:
    """Gives texts the vectors of all models of a service, on one thread: a long request is cut into pieces of one go.

    Args:
        limits: How many requests may wait, and how long.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._admission = Admission(limits, Remark("vectors", "向量"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=Remark("vectors", "向量"))

    async def embed(self, bundle: Bundle, texts: Sequence[str], client: str) -> tuple[NDArray[np.float32], int]:
        """Return vectors of unit length, shape (texts, size), and how many tokens were read.

        Args:
            bundle: The model.
            texts: The texts.
            client: Who asks.

        Raises:
            ShareTaken: If as many of this client wait as may.
            Overloaded: If as many wait as may.
            DeadlinePassed: If they are not computed in time.
        """

        def work(some: Sequence[str]) -> tuple[NDArray[np.float32], int]:
            corpus = corpus_of(some)
            return unit(bundle.embed(corpus)), sum(map(len, bundle.predictor.encode(corpus)))

        loop, found = asyncio.get_running_loop(), list[tuple[NDArray[np.float32], int]]()
        with self._admission.admitted(client):
            try:
                async with asyncio.timeout(self._limits.seconds):
                    for piece in pieces(texts):
                        found.append(await loop.run_in_executor(self._thread, work, piece))
            except TimeoutError as error:
                seconds = f"{self._limits.seconds:g}"
                said = Remark(f"The vectors were not computed within {seconds} s.", f"向量没有在 {seconds} 秒内算完。")
                raise DeadlinePassed(said, RETRY_SECONDS) from error
        return np.concatenate([vectors for vectors, _ in found]), sum(tokens for _, tokens in found)

    def stop(self) -> None:
        """End the work."""
        self._thread.shutdown(wait=False, cancel_futures=True)
