"""Teachers of a recipe: bundles of the same task and labels, whose answers a new model learns beside the labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import corpus_of
from feilun.core.errors import BundleError, RecipeError, UsageError
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.training.distil import DistilSettings
from feilun.training.settings import TrainingSettings
from feilun.workflow.recipe import from_table, load
from feilun.workflow.teaching import teach
from tiny import tiny_base
from tiny_bundle import LABELS, made_bundle


def splits_of(names: tuple[str, ...] = LABELS) -> Splits:
    rows = corpus_of(["good bank", "bad fee"], [names[1], names[0]])
    return Splits(rows, rows, rows, LabelSet(names), {}, "made")


def test_unlabelled_texts_join_with_the_label_that_the_teachers_give(tmp_path: Path) -> None:
    paths = [made_bundle(tmp_path / str(seed), seed=seed) for seed in (0, 1)]
    settings = DistilSettings(tuple(map(str, paths)))
    turned = tuple(reversed(LABELS))  # the recipe's own order of labels
    splits, lessons = teach(
        TrainingSettings(distil=settings), splits_of(turned), "classify", ["loan card", "服务 很好"], tiny_base()
    )
    assert lessons is not None
    bundles = [open_bundle(path, threads=1) for path in paths]
    texts = corpus_of(list(splits.train.text))
    wanted = np.mean([b.predictor.decision.probabilities(b.predictor.logits(texts)) for b in bundles], axis=0)
    np.testing.assert_allclose(np.exp(lessons.said), wanted[:, ::-1], atol=1e-5)
    assert splits.train.text[2:] == ["loan card", "服务 很好"]
    assert list(splits.train.target or ())[:2] == [turned[1], turned[0]]
    assert list(splits.train.target or ())[2:] == [turned[i] for i in lessons.said[2:].argmax(1)]
    assert len(set(splits.train.id)) == 4


def test_without_teachers_nothing_changes() -> None:
    splits = splits_of()
    assert teach(TrainingSettings(), splits, "classify", [], tiny_base()) == (splits, None)


def test_teachers_that_do_not_fit_are_named(tmp_path: Path) -> None:
    settings = TrainingSettings(distil=DistilSettings((str(made_bundle(tmp_path / "a")),)))
    base = tiny_base()
    with pytest.raises(UsageError, match="other labels"):
        teach(settings, splits_of(("bad", "good", "else")), "classify", [], base)
    with pytest.raises(UsageError, match="task classify"):
        teach(settings, splits_of(), "match", [], base)
    with pytest.raises(BundleError, match="no-such"):
        teach(TrainingSettings(distil=DistilSettings(("no-such",))), splits_of(), "classify", [], base)


def test_recipes_say_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nothing learns from it"):
        from_table({"task": "classify", "data": {"train": "a.csv", "unlabelled": "b.csv"}})
    with pytest.raises(RecipeError, match=r"training\.distil"):
        from_table({"task": "regress", "data": {"train": "a.csv"}, "training": {"distil": {"teachers": ["x"]}}})
    path = tmp_path / "r.toml"
    path.write_text(
        'task = "classify"\n[data]\ntrain = "a.csv"\n[training.distil]\nteachers = ["./out/a", "reviews@2"]\n'
    )
    assert load(path).training.distil.teachers == (str(tmp_path / "out" / "a"), "reviews@2")
