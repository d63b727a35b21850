"""Conversations that come together are answered together, each as alone; a fault of one is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from feilun.bundles.generator import Generator
from feilun.compression.generation import export_generator
from feilun.serving.conversations import Conversations
from feilun.serving.limits import Limits
from feilun.text.clean import Cleaning
from feilun.text.decoding import Written
from tiny_writer import asked, writer_model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Generator]:
    folder = tmp_path_factory.mktemp("writers")
    made = []
    for family in ("llama", "gemma3"):
        model = writer_model(family=family, max_new_tokens=12)
        made.append(export_generator(model, folder / f"{family}.onnx", Cleaning()))
    return made


def alone(model: Generator, prompt: Sequence[int]) -> Written:
    *_, (written,) = model.writing([prompt])
    return written


async def answer(conversations: Conversations, model: Generator, prompt: Sequence[int], client: str) -> list[Written]:
    return [row async for row in conversations.write(model, prompt, model.decision, client)]


def test_many_at_once_are_answered_as_alone_also_by_two_models(models: list[Generator]) -> None:
    conversations = Conversations(Limits())
    prompts = [(models[i % 5 == 4], prompt) for i, prompt in enumerate(models[0].encode(asked(20)))]

    async def all_of_them() -> list[list[Written]]:
        return await asyncio.gather(
            *(answer(conversations, model, prompt, f"{i}") for i, (model, prompt) in enumerate(prompts))
        )

    found = asyncio.run(all_of_them())
    conversations.stop()
    for (model, prompt), rows in zip(prompts, found, strict=True):
        assert rows[-1].text == alone(model, prompt).text
        assert [len(row.ids) for row in rows] == sorted(len(row.ids) for row in rows)  # told token by token


def test_who_leaves_and_whose_prompt_is_too_long_do_not_disturb_the_others(models: list[Generator]) -> None:
    conversations, model = Conversations(Limits()), models[0]
    prompts = model.encode(asked(3, seed=4))

    async def leaves(prompt: Sequence[int]) -> None:
        async for _ in conversations.write(model, prompt, model.decision, "leaver"):
            return

    async def together() -> list[object]:
        return await asyncio.gather(
            answer(conversations, model, prompts[0], "a"), leaves(prompts[1]),
            answer(conversations, model, [2] * 40, "b"), answer(conversations, model, prompts[2], "c"),
            return_exceptions=True,
        )  # fmt: skip

    first, _, fault, last = asyncio.run(together())
    conversations.stop()
    assert isinstance(fault, Exception)
    for found, prompt in ((first, prompts[0]), (last, prompts[2])):
        assert isinstance(found, list)
        assert found[-1].text == alone(model, prompt).text


def test_an_idle_thread_takes_up_its_work_again(models: list[Generator]) -> None:
    conversations, model = Conversations(Limits()), models[0]
    for prompt in model.encode(asked(3)):
        rows = asyncio.run(answer(conversations, model, prompt, "a"))
        assert rows[-1].text == alone(model, prompt).text
    conversations.stop()


def test_a_model_that_cannot_even_begin_leaves_the_thread_at_work(
    models: list[Generator], monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations, model = Conversations(Limits(seconds=5)), models[0]
    (prompt,) = model.encode(asked(1))

    def broken(*_: object) -> None:
        raise RuntimeError("no memory")

    with monkeypatch.context() as short:
        short.setattr("feilun.serving.generation_thread.ContinuousBatch", broken)
        with pytest.raises(RuntimeError, match="no memory"):
            asyncio.run(answer(conversations, model, prompt, "a"))
    assert asyncio.run(answer(conversations, model, prompt, "b"))[-1].finish is not None
    conversations.stop()


def test_who_is_gone_with_the_event_loop_leaves_the_thread_at_work(models: list[Generator]) -> None:
    conversations, model = Conversations(Limits()), models[0]
    endless = replace(model.decision, ends=(), max_new_tokens=15)
    prompt = model.encode(asked(1))[0]

    loop = asyncio.new_event_loop()
    begun = conversations.write(model, prompt, endless, "a")
    loop.run_until_complete(anext(begun))
    loop.close()  # the writing goes on, and finds nobody to tell
    rows = asyncio.run(answer(conversations, model, prompt, "b"))
    conversations.stop()
    assert rows[-1].text == alone(model, prompt).text
