"""Several bundles answer by name, and together as they do alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from feilun.bundles.bundle import open_bundle, write_bundle
from feilun.core.errors import ServiceError, UsageError
from feilun.serving.engine import Engine, UnknownModel, by_name
from tiny_bundle import WORDS, made_bundle, made_facts, made_files


def test_concurrent_answers_equal_single_ones(tmp_path: Path) -> None:
    bundle = open_bundle(made_bundle(tmp_path / "b"), threads=2)
    source = np.random.default_rng(0)
    requests = [[" ".join(source.choice(WORDS, size=n)) for n in source.integers(0, 9, size=i % 5)] for i in range(80)]

    async def main() -> None:
        async with Engine({"reviews": bundle}) as engine:
            together = await asyncio.gather(*(engine.answer("reviews", request) for request in requests))
        for request, said in zip(requests, together, strict=True):
            alone, answer = bundle.predict(request), said.predictions
            assert said.model == f"reviews@{bundle.version}"
            assert [p.label for p in answer] == [p.label for p in alone]
            np.testing.assert_allclose([p.score for p in answer], [p.score for p in alone], atol=1e-5)

    asyncio.run(main())


def test_unknown_model_and_stopped_engine(tmp_path: Path) -> None:
    engine = Engine({"reviews": open_bundle(made_bundle(tmp_path / "b"), threads=1)})

    async def main() -> None:
        with pytest.raises(ServiceError, match="not running"):
            await engine.answer("reviews", ["good"])
        async with engine:
            assert engine.ready
            with pytest.raises(UnknownModel, match="Did you mean 'reviews'"):
                await engine.answer("review", ["good"])
        assert not engine.ready
        with pytest.raises(ServiceError, match="not running"):
            await engine.answer("reviews", ["good"])

    asyncio.run(main())


def test_two_bundles_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = (open_bundle(made_bundle(tmp_path / name, seed), threads=1) for seed, name in enumerate("ab"))
    with pytest.raises(UsageError, match="Two bundles are named 'reviews'"):
        by_name([one, two])
    write_bundle(tmp_path / "c", made_files(), made_facts(name="舆情"))
    assert list(by_name([one, open_bundle(tmp_path / "c", threads=1)])) == ["reviews", "舆情"]
