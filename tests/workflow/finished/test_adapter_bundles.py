"""Adapter bundles from a recipe: small, named after their base's graph, refused on any other, folded on demand."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars
import pytest

from feilun.bundles.adapter_runtime import AdapterSession
from feilun.bundles.base_graphs import path_of
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import BundleError, RecipeError, UsageError
from feilun.interfaces.cli.main import run
from feilun.serving.engine import Engine, by_name
from feilun.workflow import recipe as recipes
from feilun.workflow.finished.base_graph import write_graphs
from feilun.workflow.finished.fold_bundle import fold_bundle
from feilun.workflow.steps import train
from tiny import reviews, save_tiny_base, tiny_base
from tiny_writer import asked, save_base, write_table

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
name = "NAME"
task = "classify"
[data]
train = "train.csv"
[model]
base = "./base"
max_tokens = 16
[model.adaptation]
kind = "KIND"
[training]
learning_rate = 3e-3
epochs = 2
[compression]
form = "adapter"
quantize = "none"
"""

WRITER = """
name = "answers"
task = "generate"
[data]
train = "train.jsonl"
text = "text"
target = "answer"
[model]
base = "./writer"
max_tokens = 32
[model.head]
max_new_tokens = 6
[model.adaptation]
kind = "lora"
rank = 2
[training]
learning_rate = 3e-3
epochs = 2
[compression]
form = "adapter"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two bases, tables, recipes, and a home in which bundles were trained."""
    folder = tmp_path_factory.mktemp("adapters")
    for name, seed in (("base", 0), ("other", 1)):
        save_tiny_base(folder / name, tiny_base(seed=seed))
    save_base(folder / "writer")
    corpus = reviews(300, 1)
    polars.DataFrame({"text": corpus.text, "label": corpus.target}).write_csv(folder / "train.csv")
    write_table(folder / "train.jsonl", asked(120))
    for name, kind in (("moods", "lora"), ("topics", "adapter"), ("alone", "frozen")):
        text = RECIPE.replace("NAME", name).replace("KIND", kind)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "answers.toml").write_text(WRITER, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEILUN_HOME", str(folder / "home"))
        for name in ("moods", "topics", "alone", "answers"):
            train(folder / f"{name}.toml", out=folder / "out" / name)
    return folder


@pytest.fixture(autouse=True)
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEILUN_HOME", str(place / "home"))


def opened(place: Path, name: str) -> Bundle:
    return open_bundle(place / "out" / name, threads=1)


def test_a_bundle_holds_adapter_and_head_and_names_the_graph_of_its_base(place: Path) -> None:
    bundles = {name: opened(place, name) for name in ("moods", "topics", "alone")}
    named = {name: bundle.manifest["base_graph"]["sha256"] for name, bundle in bundles.items()}
    assert len(set(named.values())) == 1
    graph = path_of(named["moods"])
    files = {name: set(bundle.manifest["files"]) & {"model.onnx", "adapter.onnx_adapter", "head.onnx"}
             for name, bundle in bundles.items()}  # fmt: skip
    assert files == {
        "moods": {"adapter.onnx_adapter", "head.onnx"},
        "topics": {"adapter.onnx_adapter", "head.onnx"},
        "alone": {"head.onnx"},
    }
    assert bundles["moods"].report.cost["model_bytes"] < graph.stat().st_size / 2
    sessions = [bundle.predictor._session for bundle in bundles.values()]  # type: ignore[union-attr]
    assert all(isinstance(session, AdapterSession) and session.base is sessions[0].base for session in sessions)


@pytest.mark.parametrize("name", ["moods", "topics", "alone"])
def test_folded_equals_unfolded_and_stands_alone(
    place: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = opened(place, name)
    whole = fold_bundle(bundle, tmp_path / "whole")
    monkeypatch.setenv("FEILUN_HOME", str(tmp_path / "empty"))
    again = open_bundle(whole.path, threads=1)
    corpus = reviews(50, 9)
    for give in ("logits", "embed"):
        apart, folded = (getattr(one.predictor, give)(corpus) for one in (bundle, again))
        assert np.abs(apart - folded).max() < 1e-5
    assert again.manifest["folded_from"] == bundle.manifest["hash"]
    assert "base_graph" not in again.manifest
    assert any("Folded from" in note for note in again.report.notes)
    with pytest.raises(UsageError, match="whole already"):
        fold_bundle(again, tmp_path / "twice")


def test_a_model_that_writes_is_folded_too(place: Path, tmp_path: Path) -> None:
    bundle = opened(place, "answers")
    assert set(bundle.manifest["files"]) & {"model.onnx", "head.onnx"} == set()
    assert bundle.manifest["precision"] == "int8"
    whole = fold_bundle(bundle, tmp_path / "whole")
    rows = asked(10, 4)
    assert whole.manifest["precision"] == "fp32"
    assert len(whole.predict(rows)) == 10
    surprise = [bundle.predictor.logits(rows), whole.predictor.logits(rows)]
    assert np.allclose(surprise[0][:, 0] / surprise[0][:, 1], surprise[1][:, 0] / surprise[1][:, 1], atol=0.2)


def test_same_seed_same_bundle(place: Path, tmp_path: Path) -> None:
    again = train(place / "moods.toml", out=tmp_path / "again")
    assert again.manifest["hash"] == opened(place, "moods").manifest["hash"]


def test_int8_is_the_bases_and_compared_as_always(place: Path, tmp_path: Path) -> None:
    recipe = recipes.load(place / "moods.toml", ["compression.quantize=int8", "compression.max_changed=1"])
    bundle = train(recipe, out=tmp_path / "int8")
    assert bundle.manifest["precision"] == "int8"
    graphs = bundle.manifest["base_graph"]
    assert graphs["float32"] == opened(place, "moods").manifest["base_graph"]["sha256"] != graphs["sha256"]
    assert graphs["sha256"] == list(write_graphs(str(place / "base")))[1]["sha256"]  # whatever the rows are
    assert any("Weights are int8" in note for note in bundle.report.notes)
    corpus = reviews(50, 9)
    apart = bundle.predictor.logits(corpus) - opened(place, "moods").predictor.logits(corpus)
    assert 0 < np.abs(apart).max() < 0.3


def test_a_missing_graph_is_named_with_how_to_get_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEILUN_HOME", str(tmp_path / "other machine"))
    with pytest.raises(BundleError, match=r"the graph of its base .* is missing") as missing:
        opened(place, "moods")
    assert "feilun bases graph" in str(missing.value)
    assert "other machine" in str(missing.value)
    capsys.readouterr()
    assert run(["bases", "graph", str(place / "base"), "--max-tokens", "16", "--json"]) == 0
    made = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [graph["precision"] for graph in made] == ["fp32", "int8"]
    assert opened(place, "moods").predict(["good bank"])
    with pytest.raises(BundleError, match="--max-tokens 32 --writes"):
        opened(place, "answers")
    with pytest.raises(UsageError, match="--max-tokens"):
        list(write_graphs(str(place / "writer")))
    list(write_graphs(str(place / "writer"), 32, writes=True))
    assert opened(place, "answers").predict(["good bank"])


def test_another_base_is_refused_by_its_hash(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEILUN_HOME", str(tmp_path))
    graphs = {name: next(iter(write_graphs(str(place / name)))) for name in ("base", "other")}
    assert graphs["base"]["sha256"] != graphs["other"]["sha256"]
    own = Path(graphs["base"]["path"])
    shutil.copyfile(graphs["other"]["path"], own)
    with pytest.raises(BundleError, match="was made on another base") as refused:
        opened(place, "moods")
    assert graphs["base"]["sha256"][:12] in str(refused.value)
    own.write_bytes(own.read_bytes()[:-100])
    with pytest.raises(BundleError, match="exchanged or damaged"):
        opened(place, "moods")


def test_a_manifest_that_names_another_graph_is_refused(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "out" / "moods", tmp_path / "forged")
    manifest = json.loads((tmp_path / "forged" / "manifest.json").read_text(encoding="utf-8"))
    manifest["base_graph"]["sha256"] = opened(place, "answers").manifest["base_graph"]["sha256"]
    (tmp_path / "forged" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="altered after it was written"):
        open_bundle(tmp_path / "forged")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("model.adaptation.kind=full", "moves its own"),
        ("model.layers=1", "shares the whole base"),
        ("model.vocabulary=trim", "shares the whole base"),
    ],
)
def test_what_shares_no_base_is_refused_before_anything_is_read(place: Path, change: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        recipes.load(place / "moods.toml", [change])
    assert recipes.load(place / "moods.toml").model.vocabulary == "keep"


def test_the_verb_folds_and_other_verbs_say_when_to(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "fold", str(place / "out" / "moods"), "--out", str(tmp_path / "whole"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bundle"] == str(tmp_path / "whole")
    table = str(place / "train.csv")
    assert run(["compress", str(place / "out" / "moods"), "--train", table, "--out", str(tmp_path / "small")]) == 2
    assert "feilun models fold" in capsys.readouterr().err
    assert run(["predict", str(place / "out" / "moods"), "good bank"]) == 0


def test_a_service_answers_with_each_of_them_at_once_as_they_answer_folded(place: Path, tmp_path: Path) -> None:
    names, corpus = ("moods", "topics", "alone"), reviews(30, 8)
    bundles = by_name(opened(place, name) for name in names)
    wanted = {name: fold_bundle(bundles[name], tmp_path / name).predict(corpus) for name in names}

    async def main() -> None:
        async with Engine(bundles) as engine:
            asked = [(name, row) for row in range(30) for name in names]
            said = await asyncio.gather(*(engine.answer(name, [corpus.text[row]]) for name, row in asked))
        for (name, row), answer in zip(asked, said, strict=True):
            assert answer.predictions[0].label == wanted[name][row].label
            assert answer.predictions[0].score == pytest.approx(wanted[name][row].score, abs=1e-5)

    asyncio.run(main())


def test_no_torch_is_needed_to_answer(place: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = None; sys.modules['onnx'] = None\n"
        "from feilun.bundles.bundle import open_bundle\n"
        f"bundles = [open_bundle(r'{place / 'out'}/' + name, threads=1) for name in ('moods', 'topics')]\n"
        "print([bundle.predict(['good bank'])[0].label for bundle in bundles])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['")
