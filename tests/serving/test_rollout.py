"""Versions replaced, tried in the shadow and as canaries while requests come in: none fails, each says who answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.bundles.registry import next_version
from feilun.bundles.stages import Stages, write_stages
from feilun.core.errors import UsageError
from feilun.serving.champion_follower import Follower
from feilun.serving.engine import Answer, Engine
from feilun.serving.limits import Limits
from feilun.serving.trial import Comparison, Trial
from tiny_bundle import WORDS, made_bundle, made_facts, made_files

TEXTS = [f"{one} {other}" for one in WORDS for other in WORDS]


@pytest.fixture
def versions(own_home: Path) -> list[Bundle]:
    return [open_bundle(made_bundle(next_version("reviews"), seed), threads=1) for seed in range(3)]


def champion(home: Path, version: int) -> None:
    write_stages(home / "models" / "reviews", Stages(version))


async def keep_asking(engine: Engine, answers: list[tuple[str, Answer]]) -> None:
    for text in TEXTS:
        answers.append((text, await engine.answer("reviews", [text])))


def test_a_replaced_version_answers_what_it_was_asked_and_the_new_one_all_the_rest(versions: list[Bundle]) -> None:
    answers: list[tuple[str, Answer]] = []

    async def main() -> None:
        async with Engine({"reviews": versions[0]}) as engine:
            asking = [asyncio.create_task(keep_asking(engine, answers)) for _ in range(4)]
            while len(answers) < 100:
                await asyncio.sleep(0.001)
            await engine.replace("reviews", versions[1])
            await asyncio.gather(*asking)
            assert (await engine.answer("reviews", ["good"])).model == "reviews@2"

    asyncio.run(main())
    assert len(answers) == 4 * len(TEXTS)
    assert {answer.model for _, answer in answers} == {"reviews@1", "reviews@2"}
    expected = {f"reviews@{b.version}": [p.label for p in b.predict(TEXTS)] for b in versions[:2]}
    for text, answer in answers:
        assert answer.predictions[0].label == expected[answer.model][TEXTS.index(text)]


def test_a_service_follows_its_champion_there_and_back(own_home: Path, versions: list[Bundle]) -> None:
    answered = []

    async def main() -> None:
        engine = Engine({"reviews": versions[0]})
        engine.beside.append(Follower(engine, ["reviews"], threads=1, seconds=0.01).run)
        async with engine:
            for version in (2, 1):
                champion(own_home, version)
                async with asyncio.timeout(10):
                    while (answer := await engine.answer("reviews", ["good"])).model != f"reviews@{version}":
                        await asyncio.sleep(0.01)
                answered.append((answer.model, answer.predictions[0].label))

    asyncio.run(main())
    expected = [("reviews@2", versions[1]), ("reviews@1", versions[0])]
    assert answered == [(model, bundle.predict(["good"])[0].label) for model, bundle in expected]


def test_a_champion_that_is_damaged_or_gone_leaves_the_version_before(
    own_home: Path, versions: list[Bundle], caplog: pytest.LogCaptureFixture
) -> None:
    (versions[1].path / "labels.json").write_text("[]", encoding="utf-8")

    async def main() -> None:
        async with Engine({"reviews": versions[0]}) as engine:
            follower = Follower(engine, ["reviews"], threads=1)
            for broken in (2, 2, 9):
                champion(own_home, broken)
                await follower.look("reviews")
                assert (await engine.answer("reviews", ["good"])).model == "reviews@1"
            champion(own_home, 3)
            await follower.look("reviews")
            assert (await engine.answer("reviews", ["good"])).model == "reviews@3"

    asyncio.run(main())
    assert caplog.text.count("reviews@2 does not answer, the version before goes on") == 1
    assert "reviews@9 is gone" in caplog.text


def test_a_follower_survives_any_error_and_takes_a_mended_version(
    own_home: Path, versions: list[Bundle], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with Engine({"reviews": versions[0]}) as engine:
            follower = Follower(engine, ["reviews"], threads=1)
            champion(own_home, 2)
            with monkeypatch.context() as broken:
                broken.setattr(follower, "_open", lambda path: 1 / 0)
                await follower.look("reviews")
            await follower.look("reviews")  # not tried again each second
            champion(own_home, 1)
            await follower.look("reviews")
            assert engine.bundle("reviews") is versions[0]
            champion(own_home, 2)
            await follower.look("reviews")
            assert (await engine.answer("reviews", ["good"])).model == "reviews@2"

    asyncio.run(main())
    assert caplog.text.count("reviews@2 does not answer, the version before goes on: division by zero") == 1


def test_a_shadow_hears_everything_and_says_nothing(versions: list[Bundle]) -> None:
    heard: list[Comparison] = []

    async def main() -> None:
        engine = Engine({"reviews": versions[0]}, trials={"reviews": Trial(versions[1])})
        engine.compared = heard.append
        async with engine:
            for text in TEXTS:
                answer = await engine.answer("reviews", [text])
                assert answer.model == "reviews@1"
            async with asyncio.timeout(10):
                while len(heard) < len(TEXTS):
                    await asyncio.sleep(0.01)

    asyncio.run(main())
    expected = versions[0].predict(TEXTS), versions[1].predict(TEXTS)
    assert sum(one.same for one in heard) == sum(a.label == b.label for a, b in zip(*expected, strict=True))
    assert {one.model for one in heard} == {"reviews@2"}


def test_a_shadow_that_fails_or_is_busy_costs_no_answer(
    versions: list[Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Comparison] = []

    async def main() -> None:
        limits = Limits(requests=20)
        engine = Engine({"reviews": versions[0]}, limits, {"reviews": Trial(versions[1])})
        engine.compared = heard.append
        async with engine:
            monkeypatch.setattr(engine._tried["reviews"], "_requests", limits.requests)
            assert (await engine.answer("reviews", ["good"])).model == "reviews@1"
            while not heard:
                await asyncio.sleep(0.01)
            monkeypatch.setattr(engine._tried["reviews"], "_requests", 0)

    asyncio.run(main())
    assert [(one.tried, one.same) for one in heard] == [(None, 0)]


def test_a_canary_answers_its_share_and_the_same_text_always_alike(versions: list[Bundle]) -> None:
    async def main() -> list[list[str]]:
        engine = Engine({"reviews": versions[0]}, trials={"reviews": Trial(versions[1], 0.25)})
        async with engine:
            return [[(await engine.answer("reviews", [f"good {i}"])).model for i in range(800)] for _ in range(2)]

    first, second = asyncio.run(main())
    assert first == second
    assert 140 < Counter(first)["reviews@2"] < 260


def test_a_key_always_meets_the_same_version_and_others_meet_the_other(versions: list[Bundle]) -> None:
    async def main() -> list[set[str]]:
        engine = Engine({"reviews": versions[0]}, trials={"reviews": Trial(versions[1], 0.5)})
        async with engine:
            return [
                {(await engine.answer("reviews", [text], key=f"客户 {i}")).model for text in TEXTS[:10]}
                for i in range(40)
            ]

    met = asyncio.run(main())
    assert {len(one) for one in met} == {1}
    assert 8 < sum(one == {"reviews@2"} for one in met) < 32


def test_a_trial_ends_when_its_version_is_promoted(versions: list[Bundle]) -> None:
    async def main() -> None:
        engine = Engine({"reviews": versions[0]}, trials={"reviews": Trial(versions[1], 0.5)})
        async with engine:
            await engine.replace("reviews", versions[1])
            assert not engine.trials
            assert {(await engine.answer("reviews", [text])).model for text in TEXTS[:20]} == {"reviews@2"}

    asyncio.run(main())


def test_a_version_that_reads_pairs_takes_no_texts_place(versions: list[Bundle]) -> None:
    recipe = {"name": "reviews", "task": "match", "data": {"train": "a.csv", "text": "text", "pair": "other"}}
    folder = next_version("reviews")
    write_bundle(folder, made_files(), made_facts(task="match", recipe=recipe))
    pairs = open_bundle(folder, threads=1)
    with pytest.raises(UsageError, match="one reads texts, the other pairs"):
        Engine({"reviews": versions[0]}, trials={"reviews": Trial(pairs)})

    async def main() -> None:
        async with Engine({"reviews": versions[0]}) as engine:
            with pytest.raises(UsageError, match="one reads texts, the other pairs"):
                await engine.replace("reviews", pairs)

    asyncio.run(main())
