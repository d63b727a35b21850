"""What a recipe would do, said before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from feilun.compression.prune import check_prunable
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.models.bases.catalogue import open_base
from feilun.models.bases.languages import warn_if_unfit
from feilun.models.bases.packaged import NO_BASE
from feilun.models.build import build, check_length, token_encoder
from feilun.text.language import script_shares
from feilun.training.speed import tokens_per_second
from feilun.workflow.prepare import prepare_rows
from feilun.workflow.recipe import Recipe

MEASURED_ROWS = 512


@dataclass(frozen=True)
class RecipeCheck:
    """What a recipe would do.

    Args:
        splits: The rows as training would see them, with the data report.
        tokens: Tokens of the training rows, cut texts counted as cut.
        remarks: What to know before training, finished sentences.
    """

    splits: Splits
    tokens: int
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {
            "train": len(self.splits.train),
            "validation": len(self.splits.validation),
            "test": len(self.splits.test),
            "labels": list(self.splits.labels.names),
            "tokens": self.tokens,
            "fingerprint": self.splits.fingerprint,
            "remarks": list(self.remarks),
            "data": dict(self.splits.report),
        }


def check_recipe(recipe: Recipe, *, accept_licence: bool = False) -> RecipeCheck:
    """Prepare a recipe's rows exactly as training would and say what would follow.

    Args:
        recipe: The recipe.
        accept_licence: Agree to the terms of a base that asks for consent.

    Returns:
        The rows and what is to be said of them.

    Raises:
        FeilunError: Whatever training would refuse before its first step.
    """
    base = open_base(recipe.model.base, accept_licence=accept_licence)
    check_length(recipe.model, base)
    check_prunable(base, recipe.compression.prune)
    counted = token_encoder(recipe.model, base).count
    splits = prepare_rows(recipe, counted)
    model = build(recipe.model, base, splits, recipe.training.seed)
    tokens = sum(map(len, model.encode(splits.train)))
    sample = splits.train.select(range(0, len(splits.train), max(1, len(splits.train) // MEASURED_ROWS)))
    settings = recipe.training
    speed = tokens_per_second(model, sample, settings, len(splits.train))
    minutes = tokens * settings.epochs / speed / 60
    unfit = warn_if_unfit(base.languages, script_shares(splits.train.text))
    length = pace = Remark("", "")
    if recipe.model.base != NO_BASE:
        mean = f"{tokens / len(splits.train):.0f}"
        length = Remark(f" of {mean} tokens on average", f"，平均每行 {mean} 个词元")
        pace = Remark(f" at {speed:,.0f} tokens a second, measured here", f"（本机实测每秒 {speed:,.0f} 个词元）")
    remarks = [
        *([unfit] if unfit else []),
        Remark(
            f"An epoch reads {len(splits.train):,} rows{length}.",
            f"每遍读 {len(splits.train):,} 行{length.chinese}。",
        ),
        Remark(
            f"Training (training.epochs = {settings.epochs}) takes at most {math.ceil(minutes)} min{pace}; early "
            "stopping may end it sooner.",
            f"训练（training.epochs = {settings.epochs}）最多需 {math.ceil(minutes)} 分钟{pace.chinese}；"
            "提前停止可能更早结束。",
        ),
    ]
    return RecipeCheck(splits, tokens, tuple(remarks))
