"""Unlabelled texts join the training rows with a spread label, and the model that learns from them is better."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError, RecipeError
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.workflow.label_spreading import named_examples, spread
from feilun.workflow.recipe import from_table
from feilun.workflow.steps import train
from tiny import LABELS, reviews, save_tiny_base, tiny_base

pytestmark = pytest.mark.usefixtures("brisk")


def test_the_surest_texts_join_with_a_label_and_how_sure_it_is() -> None:
    rows = reviews(40, 1)
    splits = Splits(rows, rows, rows, LABELS, {}, "made")
    further = [text for text in dict.fromkeys(reviews(120, 2).text) if text not in set(rows.text)]
    taught, lessons = spread(tiny_base(), splits, further)
    added = len(taught.train) - 40
    assert 0.6 * len(further) < added <= 0.85 * len(further)
    assert taught.train.text[:40] == rows.text
    assert len(set(taught.train.id)) == len(taught.train)
    np.testing.assert_allclose(np.exp(lessons.said).sum(axis=1), 1, atol=1e-4)
    said = LABELS.decode(lessons.said.argmax(axis=1).tolist())
    assert said == list(taught.train.target or ())
    assert (taught.validation, taught.test) == (rows, rows)


def test_no_text_is_left_to_spread_to() -> None:
    rows = reviews(20, 1)
    with pytest.raises(DataError, match=r"No text of data\.unlabelled is new"):
        spread(tiny_base(), Splits(rows, rows, rows, LABELS, {}, "made"), [])


def test_names_of_labels_are_examples_only_where_they_are_words() -> None:
    assert named_examples(LabelSet(("card_lost", "退款"))) == ["card lost", "退款"]
    assert named_examples(LabelSet(("0", "1"))) == []


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"task": "classify", "data": {"train": "a.csv"}}, "needs data.unlabelled"),
        ({"task": "tag", "data": {"train": "a.jsonl", "unlabelled": "b.csv"}}, "the task is tag"),
        (
            {"task": "classify", "data": {"train": "a.csv", "unlabelled": "b.csv", "features": ["amount"]}},
            r"data\.features names columns",
        ),
        (
            {"task": "classify", "data": {"train": "a.csv", "unlabelled": "b.csv"},
             "training": {"distil": {"teachers": ["x"]}}},
            "keep one",
        ),
    ],
)  # fmt: skip
def test_recipes_that_cannot_be(table: dict, says: str) -> None:
    training = {**table.get("training", {}), "semi_supervised": "spread"}
    with pytest.raises(RecipeError, match=says):
        from_table({**table, "training": training})


def test_a_recipe_learns_from_unlabelled_texts(tmp_path: Path) -> None:
    save_tiny_base(tmp_path / "base")
    rows, further = reviews(60, 1), corpus_of(reviews(150, 2).text)
    for name, corpus in (("train", rows), ("new", further)):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            labels = corpus.target or [""] * len(corpus)
            csv.writer(file).writerows([("text", "label"), *zip(corpus.text, labels, strict=True)])
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'task = "classify"\n[data]\ntrain = "train.csv"\nunlabelled = "new.csv"\n[model]\nbase = "./base"\n'
        'max_tokens = 16\n[training]\nepochs = 1\nsemi_supervised = "spread"\n[compression]\nquantize = "none"\n',
        encoding="utf-8",
    )
    bundle = train(recipe, out=tmp_path / "out")
    assert bundle.manifest["recipe"]["training"]["semi_supervised"] == "spread"
    assert [one.label in LABELS.names for one in bundle.predict(["good bank"])] == [True]
