"""A canary that fails or is slow is taken back by itself, and no caller notices; a good one stays."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import next_version
from feilun.serving.canary_rollback import CanaryWatch, RollbackRule
from feilun.serving.engine import Answer, Engine
from feilun.serving.limits import DeadlinePassed, Limits
from feilun.serving.trial import Trial
from tiny_bundle import WORDS, made_bundle

TEXTS = [f"{one} {other}" for one in WORDS for other in WORDS][:120]


@pytest.fixture
def pair(own_home: Path) -> tuple[Bundle, Bundle]:
    opened = [open_bundle(made_bundle(next_version("reviews"), seed), threads=1) for seed in range(2)]
    return opened[0], opened[1]


def asked(pair: tuple[Bundle, Bundle], limits: Limits | None = None) -> tuple[list[Answer | Exception], list[str]]:
    """Ask everything of an engine whose canary takes half of it."""
    told: list[str] = []

    async def main() -> list[Answer | Exception]:
        engine = Engine({"reviews": pair[0]}, limits, {"reviews": Trial(pair[1], 0.5)}, RollbackRule(fewest=20))
        engine.recalled = lambda model, reason: told.append(f"{model}: {reason}")
        found: list[Answer | Exception] = []
        async with engine:
            for text in TEXTS:
                try:
                    found.append(await engine.answer("reviews", [text]))
                except DeadlinePassed as error:
                    found.append(error)
        return found

    return asyncio.run(main()), told


def test_a_good_canary_stays(pair: tuple[Bundle, Bundle]) -> None:
    answers, told = asked(pair)
    assert not told
    assert {answer.model for answer in answers[-40:]} == {"reviews@1", "reviews@2"}  # type: ignore[union-attr]


def break_after_warming(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, seconds: float, error: str = "") -> None:
    """Let a bundle wait, and fail where an error is given, from its second run on."""
    real, runs = bundle.predictor.predict, iter(range(10**6))

    def predict(corpus):
        if next(runs):
            time.sleep(seconds)
            if error:
                raise RuntimeError(error)
        return real(corpus)

    monkeypatch.setattr(bundle.predictor, "predict", predict)


def test_one_that_fails_is_answered_for_and_taken_back(
    pair: tuple[Bundle, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_after_warming(pair[1], monkeypatch, 0, "broken")
    answers, told = asked(pair)
    assert {answer.model for answer in answers} == {"reviews@1"}  # type: ignore[union-attr]
    assert len(told) == 1
    assert told[0].startswith("reviews@2: 100% of its requests failed, 0% of the others")


def test_one_that_is_slow_is_taken_back(pair: tuple[Bundle, Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    break_after_warming(pair[1], monkeypatch, 0.06)
    answers, told = asked(pair)
    assert len(told) == 1
    assert "95th percentile" in told[0]
    assert {answer.model for answer in answers[-20:]} == {"reviews@1"}  # type: ignore[union-attr]


def test_one_that_hangs_is_taken_back(pair: tuple[Bundle, Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    break_after_warming(pair[1], monkeypatch, 0.5)
    answers, told = asked(pair, Limits(seconds=0.2))
    assert len(told) == 1
    assert sum(isinstance(answer, DeadlinePassed) for answer in answers) == RollbackRule().errors


@pytest.mark.parametrize(
    ("served", "canary", "recalled"),
    [
        ([0.01] * 100, [0.01] * 100, False),
        ([0.01] * 100, [None] * 2, False),  # two may be chance
        ([0.01] * 100, [None] * 3, True),
        ([None, 0.01] * 50, [None, 0.01] * 50, False),  # both fail alike: it is not the version
        ([0.01] * 100, [0.01] * 190 + [None] * 3, False),  # less than 2 points more
        ([0.01] * 100, [0.1] * 49, False),  # too few
        ([0.01] * 100, [0.1] * 50, True),
        ([0.001] * 100, [0.015] * 50, False),  # fifteen times of next to nothing
    ],
)
def test_the_rule(served: list[float | None], canary: list[float | None], recalled: bool) -> None:
    recall = CanaryWatch()
    for outcomes, seconds in ((recall.served, served), (recall.canary, canary)):
        for one in seconds:
            outcomes.add(one)
    assert bool(recall.verdict()) is recalled
