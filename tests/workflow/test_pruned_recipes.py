"""A recipe that asks for pruning gets a smaller model where that loses no more than it may, else the whole one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import onnx
import polars
import pytest

from feilun.bundles.bundle import Bundle
from feilun.core.errors import RecipeError, UsageError
from feilun.training.checkpoint import Progress
from feilun.training.fit import Watcher
from feilun.workflow import recipe as recipes
from feilun.workflow.getting_started.check_recipe import check_recipe
from feilun.workflow.screen import Screen
from feilun.workflow.steps import train
from tiny import reviews, save_tiny_base
from tiny_architectures import architecture

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
name = "made"
task = "classify"
[data]
train = "train.csv"
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 3
[compression]
prune = 0.5
prune_epochs = 3
max_drop = 30
quantize = "none"
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pruned")
    save_tiny_base(folder / "base")
    corpus = reviews(400, 1)
    polars.DataFrame({"text": corpus.text, "label": corpus.target}).write_csv(folder / "train.csv")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder / "recipe.toml"


@pytest.fixture(scope="module")
def whole(recipe: Path) -> Bundle:
    """The same, not pruned."""
    return train(recipes.load(recipe, ["compression.prune=0"]), out=recipe.with_name("whole"))


def weights(bundle: Bundle) -> int:
    """Return how many numbers the matrices of the layers hold."""
    tensors = onnx.load(bundle.path / "model.onnx").graph.initializer
    matrices = [tensor for tensor in tensors if tensor.name.startswith("encoder.layer") and len(tensor.dims) == 2]
    return sum(tensor.dims[0] * tensor.dims[1] for tensor in matrices)


def test_a_pruned_bundle_is_half_the_size_and_the_same_each_time(recipe: Path, whole: Bundle, tmp_path: Path) -> None:
    first, second = (train(recipes.load(recipe), out=tmp_path / name) for name in "ab")
    assert first.manifest["hash"] == second.manifest["hash"]
    assert weights(first) == weights(whole) / 2
    assert first.report.cost["pruned_speedup"] > 0
    assert first.report.baselines["before"]["accuracy"] == pytest.approx(whole.report.value("accuracy"))
    assert not any("“before”" in note for note in first.report.notes)  # it need not be beaten
    assert any(note.startswith("The model is pruned: 4 of 8 attention heads are left") for note in first.report.notes)
    assert first.report.value("accuracy") > 0.8  # what it learned survives


def test_what_loses_too_much_is_not_shipped(recipe: Path, whole: Bundle, tmp_path: Path) -> None:
    bundle = train(recipes.load(recipe, ["compression.max_drop=0.5"]), out=tmp_path / "m")
    assert weights(bundle) == weights(whole)
    assert "pruned_speedup" not in bundle.report.cost
    assert any(note.startswith("Nothing was pruned: 50% was tried and refused") for note in bundle.report.notes)


def test_a_base_that_cannot_be_pruned_is_refused_before_it_is_trained(recipe: Path, tmp_path: Path) -> None:
    save_tiny_base(tmp_path / "base", architecture("distilbert"))
    asked = recipes.load(recipe, [f"model.base={tmp_path / 'base'}"])
    for refuses in (train, check_recipe):
        with pytest.raises(UsageError, match="family distilbert"):
            refuses(asked)


class Killed(Screen):
    """Ends the process, as it were, in the middle of the second training."""

    trainings = 0

    @contextmanager
    def training(self) -> Iterator[Watcher | None]:
        self.trainings += 1
        yield self if self.trainings == 2 else None

    def step(self, progress: Progress, total: int, figures: Mapping[str, float]) -> None:
        if progress.step == total // 2:
            raise RuntimeError("killed")


def test_a_recovery_that_was_killed_goes_on_to_the_same_bundle(recipe: Path, tmp_path: Path) -> None:
    asked = recipes.load(recipe, ["training.checkpoint_seconds=0", "training.seed=4"])
    screen = Killed()
    with pytest.raises(RuntimeError, match="killed"):
        train(asked, out=tmp_path / "a", screen=screen)
    assert screen.trainings == 2
    resumed = train(asked, out=tmp_path / "b", resume=True)
    assert resumed.manifest["hash"] == train(asked, out=tmp_path / "c").manifest["hash"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.adaptation.kind=lora"], "compression.prune trains every weight again"),
        (["task=generate"], "compression.prune takes heads and units out of encoders"),
        (["compression.prune=1"], "compression.prune"),
        (["task=generate", "compression.quantize=fp16"], "for models that write no answers"),
    ],
)
def test_what_cannot_be_pruned_is_named(recipe: Path, overrides: list[str], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        recipes.load(recipe, overrides)
