"""What a recipe whose model writes answers needs beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feilun.core.remark import Remark
from feilun.data.settings import DataSettings
from feilun.models.build import ModelSettings
from feilun.models.heads.generate import GenerateSettings

WRITTEN_ROWS = 200
"""Test rows to which answers are written for the report, where the recipe does not say."""


def bounded(evaluation: Any, task: str) -> Any:
    """Bound the test rows that are judged where an answer to each is written; other tasks judge all."""
    if task != "generate" or not isinstance(evaluation, Mapping):
        return evaluation
    return {"rows": WRITTEN_ROWS, **evaluation}


def generation_faults(data: DataSettings, model: ModelSettings) -> list[Remark]:
    """Say what in a recipe whose model writes answers cannot be."""
    found = []
    if data.pair is not None:
        found.append(
            Remark(
                "data.pair names a second text, but a generate recipe reads one: put both into data.text.",
                "data.pair 指定了第二文本，但 generate 的配方只读一条：请把两者都放进 data.text。",
            )
        )
    if model.vocabulary == "trim":
        found.append(
            Remark(
                'model.vocabulary = "trim" would leave out what answers may hold: leave it out.',
                'model.vocabulary = "trim" 会去掉答案里可能用到的词元：请去掉它。',
            )
        )
    if isinstance(model.head, GenerateSettings) and model.head.max_new_tokens >= model.max_tokens:
        found.append(
            Remark(
                f"model.head.max_new_tokens is {model.head.max_new_tokens}, but prompt and answer together have "
                f"{model.max_tokens} tokens (model.max_tokens).",
                f"model.head.max_new_tokens 是 {model.head.max_new_tokens}，但提示和答案一共只有 {model.max_tokens} "
                "个词元（model.max_tokens）。",
            )
        )
    return found
