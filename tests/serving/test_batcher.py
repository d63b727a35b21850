"""Concurrent requests are computed together, fairly, and one that fails harms no other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.errors import ServiceError
from feilun.core.prediction import Prediction, Ranking
from feilun.serving.batcher import BATCH_CHARACTERS, BATCH_TEXTS, Batcher, pieces


class Echo:
    """A model that answers each text by itself and remembers in which company it came."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[list[str]] = []
        self.running = 0

    def __call__(self, texts: Sequence[str]) -> list[Prediction]:
        self.running += 1
        assert self.running == 1, "two threads at once"
        self.batches.append(list(texts))
        time.sleep(self.seconds)
        self.running -= 1
        if "poison" in texts:
            raise ValueError("poison")
        return [Prediction(text, 1.0, Ranking((text,), np.ones(1, dtype=np.float32))) for text in texts]


def run(model: Echo, work: Callable[[Batcher], Awaitable[object]]) -> object:
    async def main() -> object:
        batcher = Batcher(model, "echo")
        batcher.start()
        try:
            return await work(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(main())


def labels(predictions: Sequence[Prediction]) -> list[str]:
    return [prediction.label for prediction in predictions]


def test_each_request_gets_its_own_answers_and_they_are_computed_together() -> None:
    model = Echo(0.02)
    requests = [[f"{i}.{j}" for j in range(i % 4)] for i in range(60)]

    async def work(batcher: Batcher) -> list[list[Prediction]]:
        return await asyncio.gather(*(batcher.predict(request) for request in requests))

    answers = run(model, work)
    assert [labels(answer) for answer in answers] == requests  # type: ignore[attr-defined]
    assert len(model.batches) <= 4  # the first, and what came meanwhile


def test_idle_model_answers_at_once() -> None:
    model = Echo()

    async def work(batcher: Batcher) -> None:
        for i in range(5):
            await batcher.predict([str(i)])

    run(model, work)
    assert model.batches == [["0"], ["1"], ["2"], ["3"], ["4"]]


def test_small_requests_get_their_turn_within_a_large_one() -> None:
    model = Echo(0.01)
    finished: list[str] = []

    async def ask(batcher: Batcher, name: str, texts: list[str]) -> None:
        await batcher.predict(texts)
        finished.append(name)

    async def work(batcher: Batcher) -> None:
        large = asyncio.create_task(ask(batcher, "large", ["x"] * BATCH_TEXTS * 20))
        await asyncio.sleep(0.03)
        await asyncio.gather(large, ask(batcher, "small", ["y"]))

    run(model, work)
    assert finished == ["small", "large"]
    assert max(map(len, model.batches)) <= BATCH_TEXTS


def test_request_that_fails_harms_no_other() -> None:
    model = Echo(0.01)

    async def work(batcher: Batcher) -> list[object]:
        return await asyncio.gather(*(batcher.predict([t]) for t in ("a", "b", "poison", "c")), return_exceptions=True)

    first, second, bad, last = run(model, work)  # type: ignore[misc]
    assert [labels(answer) for answer in (first, second, last)] == [["a"], ["b"], ["c"]]
    assert isinstance(bad, ValueError)


def test_request_that_went_away_is_not_computed() -> None:
    model = Echo(0.05)

    async def work(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.predict(["a"]))
        await asyncio.sleep(0.01)
        gone = asyncio.create_task(batcher.predict(["gone"]))
        stays = asyncio.create_task(batcher.predict(["stays"]))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.gather(first, stays)

    run(model, work)
    assert model.batches == [["a"], ["stays"]]


def test_all_who_wait_are_told_when_the_service_stops() -> None:
    model = Echo(0.05)

    async def main() -> list[object]:
        batcher = Batcher(model, "echo")
        batcher.start()
        asked = [asyncio.create_task(batcher.predict([str(i)])) for i in range(3)]
        await asyncio.sleep(0.01)
        asked += [asyncio.create_task(batcher.predict([f"late {i}"])) for i in range(3)]
        await asyncio.sleep(0.01)
        await batcher.stop()
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 2)

    answers = asyncio.run(main())
    assert len(answers) == 6
    assert all(isinstance(answer, (list, ServiceError)) for answer in answers)
    assert isinstance(answers[-1], ServiceError)


def test_piece_held_back_for_the_next_go_is_told_too() -> None:
    async def main() -> list[object]:
        batcher = Batcher(Echo(0.05), "echo")
        batcher.start()
        asked = [asyncio.create_task(batcher.predict(["x" * BATCH_CHARACTERS])) for _ in range(3)]
        await asyncio.sleep(0.01)
        await batcher.stop()
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 2)

    assert all(isinstance(answer, ServiceError) for answer in asyncio.run(main()))


def test_work_is_off_the_event_loop() -> None:
    seen: list[str] = []

    def model(texts: Sequence[str]) -> list[Prediction]:
        seen.append(threading.current_thread().name)
        return []

    async def main() -> None:
        batcher = Batcher(model, "echo")
        batcher.start()
        with pytest.raises(RuntimeError):
            await batcher.predict(["a"])  # a model that answers too little is an error, not a silent cut
        await batcher.stop()

    asyncio.run(main())
    assert threading.main_thread().name not in seen
    assert seen != []


@given(st.lists(st.integers(0, BATCH_CHARACTERS * 2), max_size=40))
def test_pieces_are_the_request_in_order_and_no_larger_than_one_go(sizes: list[int]) -> None:
    texts = ["x" * size for size in sizes]
    cut = list(pieces(texts))
    assert [text for piece in cut for text in piece] == texts
    for piece in cut:
        assert 0 < len(piece) <= BATCH_TEXTS
        assert len(piece) == 1 or sum(map(len, piece)) <= BATCH_CHARACTERS
