"""Step 1 as a recipe asks for it: the rows of one task, or of several."""

from __future__ import annotations

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
        DataError: If a source cannot be read or its rows cannot train a model.
    """
    columns, longest = slice_columns(recipe.evaluation.slices), recipe.model.max_tokens
    if recipe.tasks:
        tasks = [TaskRows(name, own.task, own.data.with_kept(columns)) for name, own in recipe.tasks.items()]
        return prepare_tasks(tasks, count_tokens, longest)
    return prepare(recipe.data.with_kept(columns), count_tokens, longest, task=recipe.kind)
