"""A recipe that asks for a student or a cascade gets one where the promise can be kept, else the transformer."""

from __future__ import annotations

from pathlib import Path

import polars
import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.cascade import Cascade
from feilun.compression import compress
from feilun.core.errors import DataError, RecipeError
from feilun.workflow import recipe as recipes
from feilun.workflow.steps import train
from tiny import reviews, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
name = "made"
task = "classify"
[data]
train = "train.csv"
unlabelled = "more.csv"
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 3
[compression]
form = "cascade"
max_drop = 30
[compression.student]
width = 32
pairs = 64
texts = 200
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forms")
    save_tiny_base(folder / "base")
    corpus = reviews(400, 1)
    polars.DataFrame({"text": corpus.text, "label": corpus.target}).write_csv(folder / "train.csv")
    polars.DataFrame({"text": reviews(100, 5).text}).write_csv(folder / "more.csv")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder / "recipe.toml"


@pytest.fixture(scope="module")
def plain(recipe: Path) -> Bundle:
    """A model of which so little may be lost that no student is trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compress, "distil", lambda *_, **__: pytest.fail("a student was trained in vain"))
        return train(recipes.load(recipe, ["compression.max_drop=0.5"]), out=recipe.with_name("teacher"))


def test_a_cascade_is_a_bundle_like_any_other(recipe: Path, tmp_path: Path) -> None:
    first, second = (train(recipe, out=tmp_path / name) for name in "ab")
    assert first.manifest["hash"] == second.manifest["hash"]
    bundle = open_bundle(tmp_path / "a", threads=1)
    assert isinstance(bundle.predictor, Cascade)
    assert bundle.manifest["form"] == "cascade"
    assert {"model.onnx", "student.onnx", "cascade.json"} <= set(bundle.manifest["files"])
    assert 0 < bundle.report.cost["student_share"] <= 1
    assert any("static student answers" in note for note in bundle.report.notes)
    assert bundle.predictor.decision.temperature == pytest.approx(1, abs=0.5)  # each model's own is in its logits
    assert bundle.predict(["good bank"])[0].label in bundle.labels.names


def test_a_student_alone_holds_no_transformer(recipe: Path, tmp_path: Path) -> None:
    bundle = train(recipes.load(recipe, ["compression.form=student", "compression.max_drop=90"]), out=tmp_path / "s")
    assert bundle.manifest["form"] == "student"
    assert "student.onnx" not in bundle.manifest["files"]
    assert bundle.embed(reviews(3, 2)).shape == (3, 32)
    alone = open_bundle(bundle.path, threads=1)
    assert alone.predictor.batch_tokens > 256


def test_what_cannot_be_promised_is_not_even_tried(plain: Bundle) -> None:
    assert plain.manifest["form"] == "model"
    assert "student.onnx" not in plain.manifest["files"]
    assert any("takes 539 validation rows" in note for note in plain.report.notes)


def test_unlabelled_texts_need_the_column(recipe: Path, tmp_path: Path) -> None:
    polars.DataFrame({"other": ["x"]}).write_csv(tmp_path / "other.csv")
    with pytest.raises(DataError, match="text"):
        train(recipes.load(recipe, [f"data.unlabelled={tmp_path / 'other.csv'}"]), out=tmp_path / "u")


def test_other_tasks_are_told_so(recipe: Path) -> None:
    with pytest.raises(RecipeError, match="static student"):
        recipes.load(recipe, ["task=multilabel"])


def test_a_model_learns_from_a_bundle_and_keeps_its_own_rows_for_judging(
    recipe: Path, plain: Bundle, tmp_path: Path
) -> None:
    settings = [f"training.distil.teachers={plain.path}", "compression.form=model", "training.seed=5"]
    first, second = (train(recipes.load(recipe, settings), out=tmp_path / name) for name in "ab")
    assert first.manifest["hash"] == second.manifest["hash"]
    assert first.manifest["fingerprints"]["data"] == plain.manifest["fingerprints"]["data"]
    assert first.manifest["recipe"]["training"]["distil"]["teachers"] == ["teacher"]
    other = train(recipes.load(recipe, [*settings, "training.distil.weight=0.1"]), out=tmp_path / "other")
    assert (other.path / "model.onnx").read_bytes() != (first.path / "model.onnx").read_bytes()
