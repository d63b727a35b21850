"""The base as it was before training, judged beside the model that came of it: what did training bring?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from feilun.compression.generation import export_generator
from feilun.core.ports import Predictor
from feilun.core.splits import Splits
from feilun.models.adaptations.full import Full
from feilun.models.bases.catalogue import open_base
from feilun.models.build import build
from feilun.workflow.recipe import Recipe

UNTUNED = "base before training"


def untuned(recipe: Recipe, splits: Splits, folder: Path) -> dict[str, Predictor]:
    """Return the base with the recipe's prompts and decoding, where it can answer without training.

    Args:
        recipe: The recipe; only a base that writes answers can do the task before it is trained.
        splits: Its rows.
        folder: Receives the base's ONNX file.

    Returns:
        By name what is judged beside the trained model; nothing for other tasks.
    """
    if recipe.task != "generate":
        return {}
    base = open_base(recipe.model.base)
    model = build(replace(recipe.model, adaptation=Full()), base, splits, recipe.training.seed).eval()
    path = folder / "untuned.onnx"
    return {UNTUNED: export_generator(model, path, recipe.data.clean.cleaning())}
