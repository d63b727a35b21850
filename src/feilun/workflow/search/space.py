"""What a search varies where its recipe does not say."""

from __future__ import annotations

from feilun.core.splits import Splits
from feilun.models.bases.base import Base
from feilun.models.build import token_encoder
from feilun.training.optimizer import default_rate
from feilun.workflow.recipe import Recipe


def suited_rate(recipe: Recipe, base: Base, splits: Splits) -> float:
    """Return the learning rate that training takes where the recipe leaves it out."""
    tokens = token_encoder(recipe.model, base)
    lengths = tokens.count(splits.train.text, splits.train.pair).clip(max=recipe.model.max_tokens).tolist()
    pace = recipe.model.head.make(base.hidden, splits.labels).base_pace
    return pace * default_rate(base, recipe.model.adaptation, recipe.training.rows_of_a_step(lengths))


def default_space(recipe: Recipe, base: Base, splits: Splits) -> list[str]:
    """Return what is varied where a recipe declares nothing: its own values and those around them."""
    training, adaptation = recipe.training, recipe.model.adaptation
    own = training.learning_rate or suited_rate(recipe, base, splits)
    choices = {"training.batch_rows": {16, 32, 64, 128, training.largest_batch(len(splits.train))}}
    for name, values in adaptation.searched.items():
        choices[f"model.adaptation.{name}"] = {*values, getattr(adaptation, name)}
    return [
        f"training.learning_rate={own / 4!r}..{own * 4!r}",
        f"training.epochs={max(1, training.epochs - 2)}..{training.epochs + 2}",
        *(f"{key}={'|'.join(map(str, sorted(values)))}" for key, values in choices.items()),
    ]
