"""What a recipe may ask of columns beside the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.compression.settings import WITH_STUDENT
from feilun.models.adaptations.full import Full
from feilun.models.bases.packaged import NO_BASE

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe

FEATURE_TASKS = ("classify", "match", "multilabel", "rank", "regress")
"""Tasks whose models may read columns beside the text."""


def contradictions_of_features(recipe: Recipe) -> list[str]:
    """Say what cannot be where columns are read beside the text, or instead of it."""
    found = []
    if recipe.data.features and recipe.kind not in FEATURE_TASKS:
        found.append(
            f"data.features is for {', '.join(FEATURE_TASKS)}; a {recipe.task} model reads texts alone. "
            "For slices of the report name the columns in evaluation.slices."
        )
    reads_text = bool(recipe.data.text) or recipe.data.verbalise
    if not reads_text and recipe.model.base != NO_BASE:
        found.append(f'model.base reads texts, and data.text is "": set model.base = "{NO_BASE}", or data.verbalise.')
    if reads_text and recipe.model.base == NO_BASE:
        found.append(f'model.base = "{NO_BASE}" reads no text, but there is one: set data.text = "", or name a base.')
    if recipe.model.base == NO_BASE and not isinstance(recipe.model.adaptation, Full):
        found.append(f'model.adaptation: the base "{NO_BASE}" has no layers to adapt: leave it out.')
    if recipe.data.features and recipe.compression.form in WITH_STUDENT:
        found.append("compression.form: a static student reads texts alone, but data.features names columns.")
    if recipe.data.features and recipe.training.distil.teachers:
        found.append("training.distil: teachers are asked about texts alone, but data.features names columns.")
    return found
