"""What other methods than fine-tuning need and exclude: checked before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.models.heads.similarity import SimilaritySettings

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_method(recipe: Recipe) -> list[str]:
    """Say which settings do not go with `training.method`."""
    training, found = recipe.training, []
    if training.method == "fine-tune":
        return []
    if training.method == "none":
        return _untrained(recipe)
    if recipe.task not in {"classify", "match"} or recipe.kind == "similarity":
        found.append(f'training.method = "contrastive" is for one label a row, but the task is {recipe.task}.')
    if training.distil.teachers or training.semi_supervised != "none":
        found.append('training.method = "contrastive" learns from labels alone: leave out distil and semi_supervised.')
    return found


def _untrained(recipe: Recipe) -> list[str]:
    """Say why a base cannot do the task as it is."""
    head = recipe.model.head
    if not isinstance(head, SimilaritySettings) or head.projection is not None:
        return ['training.method = "none" is for match with model.encoder = "bi" and no projection: all else learns.']
    return []
