"""A recipe with `training.method = "contrastive"`: trained and served like any other, or refused."""

from __future__ import annotations

import pytest

from feilun.core.errors import RecipeError
from feilun.workflow import steps
from feilun.workflow.recipe import from_table
from labelled_table import labelled_table
from tiny import save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

CONTRAST = {"method": "contrastive", "epochs": 15, "learning_rate": 3e-3, "average": 0}


def test_it_is_trained_and_served_like_any_other(tmp_path):
    labelled_table(tmp_path / "train.csv")
    recipe = from_table({
        "task": "classify", "data": {"train": str(tmp_path / "train.csv")},
        "model": {"base": str(save_tiny_base(tmp_path / "base")), "max_tokens": 16}, "training": CONTRAST,
    })  # fmt: skip
    bundle = steps.train(recipe, out=tmp_path / "bundle")
    assert [one.label for one in bundle.predict(["good bank loan", "bad fee"])] == ["good", "bad"]
    assert bundle.report.metrics["macro_f1"].value > 0.8


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "multilabel"}, "is for one label a row, but the task is multilabel"),
        ({"training": {**CONTRAST, "distil": {"teachers": ["a"]}}}, "leave out distil and semi_supervised"),
    ],
)
def test_what_does_not_go_with_it_is_refused(change, said):
    table = {"task": "classify", "data": {"train": "a.csv"}, "training": CONTRAST}
    with pytest.raises(RecipeError, match=said):
        from_table({**table, **change})


def test_only_what_needs_no_head_can_go_untrained():
    pairs = {"task": "match", "data": {"train": "a.csv", "pair": "b", "target": []}, "training": {"method": "none"}}
    assert from_table({**pairs, "model": {"encoder": "bi"}}).training.method == "none"
    for other in (
        {**pairs, "model": {"encoder": "bi", "head": {"projection": 8}}},
        {"task": "classify", "data": {"train": "a.csv"}, "training": {"method": "none"}},
    ):
        with pytest.raises(RecipeError, match="no projection: all else learns"):
            from_table(other)
