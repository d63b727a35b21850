"""What other methods than fine-tuning need and exclude: checked before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.core.remark import Remark
from feilun.models.heads.similarity import SimilaritySettings

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_method(recipe: Recipe) -> list[Remark]:
    """Say which settings do not go with `training.method`."""
    training, found = recipe.training, []
    if training.method == "fine-tune":
        return []
    if training.method == "none":
        return _untrained(recipe)
    if recipe.task not in {"classify", "match"} or recipe.kind == "similarity":
        found.append(
            Remark(
                f'training.method = "contrastive" is for one label a row, but the task is {recipe.task}.',
                f'training.method = "contrastive" 用于每行一个标签，但任务是 {recipe.task}。',
            )
        )
    if training.distil.teachers or training.semi_supervised != "none":
        found.append(
            Remark(
                'training.method = "contrastive" learns from labels alone: leave out distil and semi_supervised.',
                'training.method = "contrastive" 只从标签学习：请去掉 distil 和 semi_supervised。',
            )
        )
    return found


def _untrained(recipe: Recipe) -> list[Remark]:
    """Say why a base cannot do the task as it is."""
    head = recipe.model.head
    if not isinstance(head, SimilaritySettings) or head.projection is not None:
        return [
            Remark(
                'training.method = "none" is for match with model.encoder = "bi" and no projection: all else learns.',
                'training.method = "none" 只用于 model.encoder = "bi"、没有 projection 的 match：其余都要学习。',
            )
        ]
    return []
