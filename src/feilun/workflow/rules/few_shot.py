"""What contrastive tuning needs and excludes: checked before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_method(recipe: Recipe) -> list[str]:
    """Say which settings do not go with `training.method`."""
    training, found = recipe.training, []
    if training.method == "fine-tune":
        return []
    if recipe.task not in {"classify", "match"} or recipe.kind == "similarity":
        found.append(f'training.method = "contrastive" is for one label a row, but the task is {recipe.task}.')
    if training.distil.teachers or training.semi_supervised != "none":
        found.append('training.method = "contrastive" learns from labels alone: leave out distil and semi_supervised.')
    return found
