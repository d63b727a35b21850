"""Answers that are written at once are those that are written alone, whenever each joins and leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from feilun.bundles.continuous_batch import ContinuousBatch
from feilun.compression.generation import export_generator
from feilun.text.clean import Cleaning
from feilun.text.decoding import Written
from tiny_writer import FAMILIES, asked, writer_model


@pytest.mark.parametrize("family", FAMILIES)
def test_each_is_answered_as_alone_though_others_come_and_go(family: str, tmp_path: Path) -> None:
    generator = export_generator(writer_model(family=family, max_new_tokens=12), tmp_path / "model.onnx", Cleaning())
    prompts = generator.encode(asked(10))
    greedy = generator.decision
    decisions = [replace(greedy, max_new_tokens=3 + i % 9, temperature=float(i % 2)) for i in range(len(prompts))]
    alone = [list(generator.writing([p], d))[-1][0] for p, d in zip(prompts, decisions, strict=True)]
    together, answers = ContinuousBatch(generator), list[Written]()
    for i, (prompt, decision) in enumerate(zip(prompts, decisions, strict=True)):
        answers.append(together.join(prompt, decision, f"client {i}"))
        if i % 3:
            together.step()
    left = answers[-1]
    together.leave(left)
    for _ in range(12):
        together.step()
    assert left.finish is None or left.ids == alone[-1].ids
    for found, wanted in list(zip(answers, alone, strict=True))[:-1]:
        assert (found.ids, found.text, found.finish) == (wanted.ids, wanted.text, wanted.finish)
        assert found.likelihood == pytest.approx(wanted.likelihood, abs=1e-3)
    together.step()  # nobody is left


def test_who_joins_a_long_conversation_and_who_stays_alone(tmp_path: Path) -> None:
    generator = export_generator(writer_model(max_new_tokens=9), tmp_path / "model.onnx", Cleaning())
    long, short = [2, *range(4, 20)], [2, 5]
    endless = replace(generator.decision, ends=())
    wanted = [list(generator.writing([prompt], endless))[-1][0].ids for prompt in (long, short)]
    for first, second in ((long, short), (short, long)):
        together = ContinuousBatch(generator)
        answers = [together.join(first, endless, "a")]
        together.step()
        answers.append(together.join(second, endless, "b"))
        for _ in range(9):
            together.step()
        assert [answer.ids for answer in answers] == (wanted if first is long else wanted[::-1])
