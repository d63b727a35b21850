"""A full queue refuses at once, a deadline ends a request before it is computed, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import pytest

from feilun.core.prediction import Prediction, Ranking
from feilun.serving.batcher import Batcher
from feilun.serving.limits import DeadlinePassed, Limits, Overloaded, ShareTaken, TooLarge


class Slow:
    """A model that takes its time and remembers what it was asked."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.seen: list[str] = []

    def __call__(self, texts: Sequence[str]) -> list[Prediction]:
        self.seen += texts
        time.sleep(self.seconds)
        return [Prediction(text, 1.0, Ranking((text,), np.ones(1, dtype=np.float32))) for text in texts]


def ask(model: Slow, limits: Limits, requests: Sequence[Sequence[str]]) -> list[object]:
    async def main() -> list[object]:
        batcher = Batcher(model, "slow", limits)
        batcher.start()
        first = asyncio.create_task(batcher.predict(["first"]))
        await asyncio.sleep(0.02)
        try:
            asked = [asyncio.create_task(batcher.predict(texts)) for texts in requests]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            await asyncio.gather(first, return_exceptions=True)
            await asyncio.sleep(model.seconds)  # what is being computed ends
            answers.append(await batcher.predict(["afterwards"]))  # what was counted was counted off
            return answers
        finally:
            await batcher.stop()

    return asyncio.run(main())


def test_what_exceeds_the_queue_is_refused_and_the_rest_is_answered() -> None:
    model = Slow(0.1)
    *answers, last = ask(model, Limits(requests=4), [[str(i)] for i in range(9)])
    assert [isinstance(answer, list) for answer in answers] == [True] * 3 + [False] * 6
    refused = answers[-1]
    assert isinstance(refused, Overloaded)
    assert refused.retry_after >= 1
    assert model.seen == ["first", "0", "1", "2", "afterwards"]
    assert isinstance(last, list)


def test_characters_that_wait_are_bounded_too() -> None:
    *answers, _ = ask(Slow(0.1), Limits(waiting_characters=20), [["x" * 10], ["y" * 10], ["z"]])
    assert [isinstance(answer, list) for answer in answers] == [True, False, True]


def test_nobody_gets_more_than_a_share_of_the_queue() -> None:
    model = Slow(0.1)

    async def main() -> list[object]:
        batcher = Batcher(model, "slow", Limits(requests=8, client_share=0.5))
        batcher.start()
        asked = [
            batcher.predict([f"{client}{i}"], client) for client, count in (("a", 6), ("b", 3)) for i in range(count)
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        answers.append(await batcher.predict(["a6"], "a"))  # what was answered counts no more
        await batcher.stop()
        return answers

    *answers, last = asyncio.run(main())
    refused = [answer for answer in answers if not isinstance(answer, list)]
    assert [isinstance(answer, list) for answer in answers] == [True] * 4 + [False] * 2 + [True] * 3
    assert all(isinstance(answer, ShareTaken) for answer in refused)
    assert isinstance(last, list)
    assert not {"a4", "a5"} & set(model.seen)


def test_request_older_than_its_deadline_is_not_computed() -> None:
    model = Slow(0.15)
    *answers, _ = ask(model, Limits(seconds=0.2), [["a" * 8000], ["b" * 8000], ["c"]])
    assert isinstance(answers[-1], DeadlinePassed)
    assert "c" not in model.seen


def test_too_many_and_too_long_texts_are_named() -> None:
    limits = Limits(texts=2, characters=3)
    limits.check(["abc", "abc"])
    with pytest.raises(TooLarge, match="3 texts; at most 2"):
        limits.check(["a"] * 3)
    with pytest.raises(TooLarge, match="Text 1 has 4 characters"):
        limits.check(["a", "abcd"])
