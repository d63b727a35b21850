"""A further turn of a conversation is answered as if nothing had been kept, and reads only what is new."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feilun.bundles.continuous_batch import ContinuousBatch
from feilun.bundles.generator import Generator
from feilun.bundles.onnx_engine import value_of
from feilun.bundles.prefix_cache import FEWEST_TOKENS, PrefixCache
from feilun.compression.generation import export_generator
from feilun.text.clean import Cleaning
from feilun.text.decoding import Written
from tiny_writer import FAMILIES, writer_model

FIRST = [2, *range(4, 20), 5]
SECOND = [6, 8, 10]


def turn(generator: Generator, prompt: list[int], owner: str = "a") -> Written:
    together = ContinuousBatch(generator)
    written = together.join(prompt, generator.decision, owner)
    while written.finish is None:
        together.step()
    return written


def made(family: str, folder: Path) -> Generator:
    return export_generator(writer_model(family=family, max_new_tokens=5), folder / "model.onnx", Cleaning())


@pytest.mark.parametrize("family", FAMILIES)
def test_turns_are_answered_as_without_earlier_ones(family: str, tmp_path: Path) -> None:
    generator = made(family, tmp_path)
    for edited in (False, True):
        first = turn(generator, FIRST)
        told = first.ids[:2] if edited else first.ids  # as a client may cut an answer, or write it otherwise
        prompt = [*FIRST, *told, *SECOND]
        begun = generator.turns.beginning("a", prompt)
        assert begun is not None
        assert len(begun.ids) >= len(FIRST)
        assert begun.ids == prompt[: len(begun.ids)]
        kept = turn(generator, prompt)
        *_, (plain,) = generator.writing([prompt])
        assert kept.ids == plain.ids
        assert kept.likelihood == pytest.approx(plain.likelihood, abs=1e-3)


def test_nobody_gains_from_what_others_asked(tmp_path: Path) -> None:
    generator = made("llama", tmp_path)
    turn(generator, FIRST)
    assert generator.turns.beginning("a", [*FIRST, 5]) is not None
    assert generator.turns.beginning("b", [*FIRST, 5]) is None


def test_a_conversation_that_is_given_up_leaves_what_was_read(tmp_path: Path) -> None:
    generator = made("llama", tmp_path)
    together = ContinuousBatch(generator)
    together.leave(together.join(FIRST, generator.decision, "a"))
    begun = generator.turns.beginning("a", [*FIRST, 5, 6])
    assert begun is not None
    assert begun.ids == FIRST


def read(tokens: int) -> dict[str, object]:
    return {"past.0.key": value_of(np.zeros((1, 1, tokens, 4), np.float32))}


def test_what_is_old_or_does_not_fit_is_dropped() -> None:
    now = [0.0]
    turns = PrefixCache(most_bytes=2 * 4 * 4 * 20, most_seconds=60, clock=lambda: now[0])
    prompts = [[number] * 20 for number in range(3)]
    for owner, ids in zip("abc", prompts, strict=True):
        turns.keep(owner, ids, read(20))
    asked = [turns.beginning(owner, [*ids, 7]) for owner, ids in zip("abc", prompts, strict=True)]
    assert [begun is not None for begun in asked] == [False, True, True]  # the oldest gave way
    now[0] = 61
    assert turns.beginning("c", [*prompts[2], 7]) is None


def test_later_turns_replace_earlier_ones_and_little_is_not_worth_it() -> None:
    turns = PrefixCache(most_bytes=4 * 4 * 40)
    turns.keep("a", [1] * 18, read(18))
    turns.keep("a", [1] * 18 + [2] * 4, read(22))  # would not fit beside it
    begun = turns.beginning("a", [1] * 18 + [3, 4])
    assert begun is not None
    assert begun.kept["past.0.key"].shape() == [1, 1, 18, 4]
    assert turns.beginning("a", [1] * (FEWEST_TOKENS - 1) + [3, 4]) is None
    assert turns.beginning("a", [1] * 17) is not None  # the last one is left to read
