"""The thread that writes answers: those of one model at once, in the order in which they were asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event, Lock

from feilun.bundles.continuous_batch import ContinuousBatch
from feilun.bundles.generator import WRITTEN_TOGETHER, Generator
from feilun.core.decisions.generate import GenerateDecision
from feilun.text.decoding import Written

News = Written | Exception


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """A conversation that waits for an answer.

    Args:
        generator: The model.
        prompt: Token ids.
        decision: How tokens are chosen, and when the answer ends.
        client: Whose it is.
        tell: Called in the thread with the answer after each token, or with what went wrong.
        given_up: Set where nobody listens any more.
    """

    generator: Generator
    prompt: Sequence[int]
    decision: GenerateDecision
    client: str
    tell: Callable[[News], None]
    given_up: Event


class GenerationThread:
    """Writes answers; those of another model wait until the ones before them are written."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._waiting: deque[GenerationRequest] = deque()
        self._busy = False
        self._lock = Lock()

    def put(self, asked: GenerationRequest) -> None:
        """Let a conversation be answered in its turn."""
        with self._lock:
            self._waiting.append(asked)
            if not self._busy:
                self._busy = True
                self._thread.submit(self._work)

    def stop(self) -> None:
        """End the work."""
        with self._lock:
            self._waiting.clear()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _work(self) -> None:
        while (first := self._next(None)) is not None:
            try:
                self._write_from(first)
            except Exception as error:  # whatever a model does: others are answered all the same
                first.tell(error)

    def _next(self, generator: Generator | None) -> GenerationRequest | None:
        """Return who is next; with a generator only where that is its model, for it may join those being answered."""
        with self._lock:
            while self._waiting and self._waiting[0].given_up.is_set():
                self._waiting.popleft()
            if not self._waiting:
                self._busy = generator is not None
                return None
            if generator is not None and self._waiting[0].generator is not generator:
                return None
            return self._waiting.popleft()

    def _write_from(self, first: GenerationRequest) -> None:
        """Answer a conversation, and those of the same model that come meanwhile, until all are answered."""
        together, answered = ContinuousBatch(first.generator), list[tuple[GenerationRequest, Written]]()
        joining: GenerationRequest | None = first
        while joining is not None or answered:
            if joining is not None:
                self._join(together, answered, joining)
            else:
                self._step(together, answered)
            for asked, written in answered:
                if asked.given_up.is_set() and written.finish is None:
                    together.leave(written)
            answered = [(a, w) for a, w in answered if w.finish is None and not a.given_up.is_set()]
            joining = self._next(first.generator) if answered and len(answered) < WRITTEN_TOGETHER else None

    def _join(
        self, together: ContinuousBatch, answered: list[tuple[GenerationRequest, Written]], asked: GenerationRequest
    ) -> None:
        try:
            written = together.join(asked.prompt, asked.decision, asked.client)
        except Exception as error:  # told to whoever waits for the answer
            asked.tell(error)
            return
        answered.append((asked, written))
        _tell(asked, written)

    def _step(self, together: ContinuousBatch, answered: list[tuple[GenerationRequest, Written]]) -> None:
        try:
            together.step()
        except Exception as error:  # told to all that wait for these answers
            for asked, _ in answered:
                asked.tell(error)
            answered.clear()
            return
        for asked, written in answered:
            _tell(asked, written)


def _tell(asked: GenerationRequest, written: Written) -> None:
    """Tell of an answer as it is now; the thread writes on meanwhile."""
    asked.tell(replace(written, ids=list(written.ids)))
