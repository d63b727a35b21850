"""Step 1 as a recipe asks for it: the rows of one task, or of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feilun.core.decisions.table import DECISIONS
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.data.multitask import TaskRows, prepare_tasks
from feilun.data.prepare import CountTokens, prepare
from feilun.evaluation.slices import slice_columns
from feilun.workflow.recipe import Recipe


def prepare_rows(recipe: Recipe, count_tokens: CountTokens) -> Splits:
    """Read, clean, check and split the rows of a recipe.

    Args:
        recipe: The recipe.
        count_tokens: Counts the tokens of texts (and second texts), shape (rows,).

    Returns:
        The sets, with the columns that the report is broken down by.

    Raises:
        DataError: If a source cannot be read, its rows cannot train a model, or the recipe refuses to cut them.
    """
    columns, whole = slice_columns(recipe.evaluation.slices), DECISIONS[recipe.kind].reads == "tokens"
    longest = None if whole else recipe.model.max_tokens  # what reads tokens cuts no text: it reads it in windows
    if recipe.tasks:
        tasks = [TaskRows(name, own.task, own.data.with_kept(columns)) for name, own in recipe.tasks.items()]
        splits = prepare_tasks(tasks, count_tokens, longest)
    else:
        splits = prepare(recipe.data.with_kept(columns), count_tokens, longest, task=recipe.kind)
    if recipe.model.too_long == "refuse":
        for report in splits.report.get("tasks", {"": splits.report}).values():
            refuse_cut_rows(report["length"])
    return splits


def refuse_cut_rows(length: Mapping[str, Any]) -> None:
    """Refuse rows that would be cut.

    Args:
        length: What the data report says of the rows' lengths.

    Raises:
        DataError: If there are some.
    """
    if length.get("cut_rows"):
        longest = int(length["tokens"]["maximum"])
        raise DataError(
            Remark(
                f"{length['cut_rows']:,} rows have more than {length['max_tokens']:,} tokens, the longest "
                f"{longest:,}, and "
                'model.too_long is "refuse".',
                f"有 {length['cut_rows']:,} 行超过 {length['max_tokens']:,} 个词元，最长的有 {longest:,} 个，"
                '而 model.too_long 是 "refuse"。',
            ),
            Remark(
                f"Set model.max_tokens to {longest}, as far as the base reads so much, shorten the rows, or set "
                'model.too_long = "cut".',
                f"请把 model.max_tokens 设为 {longest}（只要基座能读这么多），或者缩短这些行，或者设 "
                'model.too_long = "cut"。',
            ),
        )
