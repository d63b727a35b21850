"""Vectors by request: those of long requests in pieces, and nothing computed that nobody waits for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.similarity import unit
from feilun.serving.embeddings import Embeddings
from feilun.serving.limits import DeadlinePassed, Limits
from tiny_bundle import WORDS, made_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return open_bundle(made_bundle(tmp_path / "b"), threads=1)


def test_a_long_request_gets_what_its_texts_get_at_once(bundle: Bundle) -> None:
    texts = [f"{one} {other}" for one in WORDS for other in WORDS] * 8
    embeddings = Embeddings(Limits(texts=10_000))
    vectors, tokens = asyncio.run(embeddings.embed(bundle, texts, "me"))
    embeddings.stop()
    assert np.allclose(vectors, unit(bundle.embed(corpus_of(texts))), atol=1e-6)
    assert tokens == sum(map(len, bundle.predictor.encode(corpus_of(texts))))


class Slow:
    """A bundle that takes its time, and notes how much it is asked at once."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle, self.running, self.most, self.texts = bundle, 0, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bundle, name)

    def embed(self, corpus: Corpus) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.2)
        self.texts += len(corpus)
        self.running -= 1
        return self.bundle.embed(corpus)


def test_what_is_given_up_is_not_computed_and_nothing_runs_beside_it(bundle: Bundle) -> None:
    slow, embeddings = Slow(bundle), Embeddings(Limits(seconds=0.5))

    async def main() -> list[Any]:
        asking = [embeddings.embed(slow, ["good"] * 1000, f"{i}") for i in range(6)]  # type: ignore[arg-type]
        return await asyncio.gather(*asking, return_exceptions=True)

    assert {type(one) for one in asyncio.run(main())} == {DeadlinePassed}
    time.sleep(0.5)
    assert slow.most == 1
    assert slow.texts < 1000  # of the 6,000 that were asked
    embeddings.stop()
