"""What a recipe may ask of a bundle that holds an adapter alone: checked before anything is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from feilun.compression.settings import CompressionSettings
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.build import ModelSettings

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_adapter_form(recipe: Recipe) -> list[str]:
    """Say which settings do not go with a base that several bundles share."""
    model = recipe.model
    found: list[str] = []
    if recipe.compression.form != "adapter":
        return found
    if isinstance(model.adaptation, Full) or (isinstance(model.adaptation, Frozen) and model.adaptation.layers):
        found.append(
            'compression.form = "adapter" shares a base that stands still, but model.adaptation moves its own '
            "weights: set model.adaptation.kind to lora, adalora or adapter, or frozen without layers."
        )
    if model.vocabulary == "trim" or model.layers is not None:
        found.append('compression.form = "adapter" shares the whole base: leave model.vocabulary and model.layers out.')
    if recipe.compression.quantize == "fp16":
        found.append('compression.form = "adapter" shares a base in float32 or int8: set compression.quantize to one.')
    return found


def with_whole_vocabulary(model: ModelSettings, compression: CompressionSettings) -> ModelSettings:
    """Return the settings of a model, whose vocabulary is not trimmed where its base is shared."""
    shared = compression.form == "adapter" and model.vocabulary == "auto"
    return replace(model, vocabulary="keep") if shared else model
