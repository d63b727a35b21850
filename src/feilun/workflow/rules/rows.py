"""What a task asks of a recipe's rows: how many targets, one text or two, and how they are cleaned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.core.remark import Remark
from feilun.text.clean import Cleaning
from feilun.workflow.rules.generation import generation_faults

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe

AS_THEY_ARE = Cleaning(
    mojibake=False, html=False, unicode="none", full_width=False, control=False, whitespace=False, redact=()
)
"""The cleaning that changes no text."""


def contradictions_of_rows(recipe: Recipe) -> list[Remark]:
    """Say what of the table `[data]` the task cannot read."""
    found = []
    targets = recipe.data.targets
    any_number = bool(targets) if recipe.task == "regress" else recipe.kind == "similarity" and not targets
    if len(targets) != 1 and not any_number:
        one = ("one or several", "要读一列或几列") if recipe.task == "regress" else ("one", "只读一列")
        found.append(
            Remark(
                f"data.target names {len(targets)} columns, but the task {recipe.task} reads {one[0]}.",
                f"data.target 写了 {len(targets)} 列，但任务 {recipe.task} {one[1]}。",
            )
        )
    if recipe.task == "tag" and recipe.data.clean.cleaning() != AS_THEY_ARE:
        found.append(
            Remark(
                "data.clean must leave texts as they are in a tag recipe: it would move the spans.",
                "tag 的配方里 data.clean 必须让文本保持原样：否则片段会移位。",
            )
        )
    if recipe.task == "match" and recipe.data.pair is None:
        found.append(
            Remark(
                "data.pair is missing: a match recipe compares two texts, and it names the second one.",
                "缺少 data.pair：match 的配方比较两条文本，它指明第二条。",
            )
        )
    if recipe.task == "rank" and recipe.data.pair is None:
        found.append(
            Remark(
                "data.pair is missing: a rank recipe reads a query (data.text) and a candidate (data.pair).",
                "缺少 data.pair：rank 的配方读查询（data.text）和候选（data.pair）。",
            )
        )
    if recipe.task == "generate":
        found += generation_faults(recipe.data, recipe.model)
    if recipe.task == "tag" and recipe.data.pair is not None:
        found.append(
            Remark(
                "data.pair names a second text, but a tag recipe finds spans in one text.",
                "data.pair 指定了第二文本，但 tag 的配方只在一条文本里找片段。",
            )
        )
    if recipe.model.encoder == "bi" and recipe.task != "match":
        found.append(
            Remark(
                f'model.encoder = "bi" compares two texts, but the task is {recipe.task}.',
                f'model.encoder = "bi" 比较两条文本，但任务是 {recipe.task}。',
            )
        )
    if recipe.kind != "similarity" and (recipe.data.same != "auto" or recipe.model.pair_prefix is not None):
        found.append(
            Remark(
                'data.same and model.pair_prefix are for a match recipe with model.encoder = "bi".',
                'data.same 和 model.pair_prefix 只用于 model.encoder = "bi" 的 match 配方。',
            )
        )
    if recipe.task != "multilabel" and (recipe.data.gather is not None or recipe.data.separator != "auto"):
        found.append(
            Remark(
                f"data.gather and data.separator are for several labels, but the task is {recipe.task}.",
                f"data.gather 和 data.separator 用于多个标签，但任务是 {recipe.task}。",
            )
        )
    return found
