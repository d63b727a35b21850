"""What each adaptation reaches on the rows of a recipe: trained as the recipe says, judged on its validation rows."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from feilun.core.errors import TrainingError, UsageError
from feilun.core.remark import Remark
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.bases.catalogue import open_base
from feilun.models.build import build, check_length, token_encoder
from feilun.training.fit import fit
from feilun.training.trackers.run_folder import RunFolder
from feilun.workflow.prepare import prepare_rows
from feilun.workflow.recipe import Recipe, load


def recipes_of(paths: Sequence[Path]) -> dict[str, Recipe]:
    """Read the recipes on whose rows adaptations are to be compared, by their names.

    Raises:
        UsageError: If two have one name, or one learns from teachers.
        RecipeError: If one is faulty.
    """
    found: dict[str, Recipe] = {}
    for path in paths:
        recipe = load(path)
        if recipe.name in found:
            raise UsageError(
                Remark(f"Two of the recipes are named {recipe.name!r}.", f"有两个配方都叫 {recipe.name!r}。"),
                Remark("Give one of them another name.", "请给其中一个改名。"),
            )
        if recipe.training.distil.teachers:
            raise UsageError(
                Remark(
                    f"{path}: adaptations are compared without training.distil.teachers: leave them out.",
                    f"{path}：比较适配方法时不用 training.distil.teachers：请去掉。",
                )
            )
        found[recipe.name] = recipe
    return found


def quality(recipe: Recipe, kind: str, threads: int | None = None) -> float:
    """Train a recipe with another adaptation by its defaults; with its own settings where it names that kind.

    Args:
        recipe: The recipe.
        kind: The adaptation's name.
        threads: Processor threads; none: what the recipe says.

    Returns:
        The figure by which the recipe stops early, at the best step, on its validation rows.

    Raises:
        FeilunError: Whatever training refuses.
    """
    own = recipe.model.adaptation
    adaptation = own if type(own) is ADAPTATIONS[kind] else ADAPTATIONS[kind]()
    settings = replace(recipe.model, adaptation=adaptation)
    training = replace(recipe.training, threads=threads or recipe.training.threads)
    base = open_base(settings.base)
    check_length(settings, base)
    splits = prepare_rows(recipe, token_encoder(settings, base).count)
    model = build(settings, base, splits, training.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress = fit(model, splits, training, RunFolder(folder), folder, identity="compared")
    if progress.best is None:
        raise TrainingError(
            Remark(
                f"The recipe {recipe.name} came to no evaluation with {kind}.",
                f"配方 {recipe.name} 用 {kind} 训练时一次评估也没有。",
            )
        )
    return progress.best
