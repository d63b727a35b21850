"""What a recipe may ask of unlabelled texts: checked before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.compression.settings import WITH_STUDENT

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_unlabelled(recipe: Recipe) -> list[str]:
    """Say which settings do not go with unlabelled texts, or miss them."""
    found = []
    training, given = recipe.training, recipe.data.unlabelled is not None
    spreads = training.semi_supervised == "spread"
    distils = recipe.compression.form in WITH_STUDENT or training.distil.teachers
    if given and not distils and not spreads:
        found.append(
            "data.unlabelled: nothing learns from it: set compression.form, training.distil.teachers or "
            "training.semi_supervised."
        )
    if given and recipe.data.pair is not None:
        found.append("data.unlabelled holds single texts, but data.pair names a second one.")
    if spreads and not given:
        found.append('training.semi_supervised = "spread" needs data.unlabelled, a file of texts without labels.')
    if spreads and recipe.data.features:
        found.append("training.semi_supervised spreads labels to texts alone, but data.features names columns.")
    if spreads and recipe.task != "classify":
        found.append(f"training.semi_supervised spreads the one label of a text, but the task is {recipe.task}.")
    if spreads and training.distil.teachers:
        found.append("training.semi_supervised and training.distil.teachers both label the unlabelled: keep one.")
    return found
