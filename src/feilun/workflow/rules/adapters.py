"""What a recipe may ask of a bundle that holds an adapter alone: checked before anything is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from feilun.compression.settings import CompressionSettings
from feilun.core.remark import Remark
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.build import ModelSettings

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_adapter_form(recipe: Recipe) -> list[Remark]:
    """Say which settings do not go with a base that several bundles share."""
    model = recipe.model
    found: list[Remark] = []
    if recipe.compression.form != "adapter":
        return found
    if isinstance(model.adaptation, Full) or (isinstance(model.adaptation, Frozen) and model.adaptation.layers):
        found.append(
            Remark(
                'compression.form = "adapter" shares a base that stands still, but model.adaptation moves its own '
                "weights: set model.adaptation.kind to lora, adalora or adapter, or frozen without layers.",
                'compression.form = "adapter" 共用一个不变的基座，但 model.adaptation 会改动基座自己的权重：'
                "请把 model.adaptation.kind 设为 lora、adalora 或 adapter，或者不带 layers 的 frozen。",
            )
        )
    if model.vocabulary == "trim" or model.layers is not None:
        found.append(
            Remark(
                'compression.form = "adapter" shares the whole base: leave model.vocabulary and model.layers out.',
                'compression.form = "adapter" 共用整个基座：请去掉 model.vocabulary 和 model.layers。',
            )
        )
    if recipe.compression.quantize == "fp16":
        found.append(
            Remark(
                'compression.form = "adapter" shares a base in float32 or int8: set compression.quantize to one.',
                'compression.form = "adapter" 共用 float32 或 int8 的基座：请把 compression.quantize 设为其中之一。',
            )
        )
    return found


def with_whole_vocabulary(model: ModelSettings, compression: CompressionSettings) -> ModelSettings:
    """Return the settings of a model, whose vocabulary is not trimmed where its base is shared."""
    shared = compression.form == "adapter" and model.vocabulary == "auto"
    return replace(model, vocabulary="keep") if shared else model
