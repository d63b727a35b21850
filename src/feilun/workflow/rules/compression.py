"""What a recipe may ask of compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.compression.settings import WITH_STUDENT
from feilun.models.adaptations.full import Full
from feilun.models.bases.packaged import NO_BASE

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_compression(recipe: Recipe) -> list[str]:
    """Say what of the table `[compression]` this recipe's models cannot have."""
    found = []
    if recipe.compression.form in WITH_STUDENT and recipe.task != "classify":
        found.append(f"compression.form: a static student gives texts one label; a {recipe.task} recipe has none.")
    if recipe.compression.quantize == "fp16" and recipe.task == "generate":
        found.append('compression.quantize = "fp16" is for models that write no answers: set it to "int8".')
    if not recipe.compression.prune:
        return found
    if recipe.task == "generate" or recipe.model.base == NO_BASE:
        found.append("compression.prune takes heads and units out of encoders: leave it out here.")
    if not isinstance(recipe.model.adaptation, Full):
        found.append('compression.prune trains every weight again: set model.adaptation.kind = "full".')
    return found
