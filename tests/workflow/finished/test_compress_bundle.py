"""A finished bundle becomes another one, judged beside what it was; what would not keep its answers is not made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars
import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.cascade import Cascade
from feilun.compression.settings import CompressionSettings, StudentSettings
from feilun.compression.vocabulary import trim_runtime
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.interfaces.cli import main
from feilun.workflow import recipe as recipes
from feilun.workflow.finished.compress_bundle import Rows, compress_bundle, wanted
from feilun.workflow.steps import train
from tiny import WORDS, reviews, save_tiny_base

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
quantize = "none"
"""

SMALL = CompressionSettings(max_drop=40, student=StudentSettings(width=32, pairs=64, texts=100))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    save_tiny_base(folder / "base")
    for name, rows in (("train", reviews(300, 1)), ("dev", reviews(80, 7)), ("test", reviews(80, 8))):
        write(folder / f"{name}.csv", rows)
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    train(folder / "recipe.toml", out=folder / "bundle")
    return folder


def write(path: Path, rows: Corpus) -> None:
    polars.DataFrame({"text": rows.text, "label": rows.target}).write_csv(path)


@pytest.fixture
def bundle(place: Path) -> Bundle:
    return open_bundle(place / "bundle", threads=1)


def test_float32_becomes_int8_and_is_judged_beside_what_it_was(place: Path, bundle: Bundle, tmp_path: Path) -> None:
    made = compress_bundle(bundle, Rows(str(place / "train.csv")), CompressionSettings(), out=tmp_path / "small")
    assert (bundle.manifest["precision"], made.manifest["precision"]) == ("fp32", "int8")
    assert made.manifest["compressed_from"] == bundle.manifest["hash"]
    assert made.manifest["fingerprints"]["data"] == bundle.manifest["fingerprints"]["data"]
    assert made.report.baselines["before"]["accuracy"] == pytest.approx(bundle.report.value("accuracy"))
    assert made.report.n == bundle.report.n


def test_a_finished_bundle_becomes_a_cascade(place: Path, bundle: Bundle, tmp_path: Path) -> None:
    rows = Rows(*(str(place / f"{name}.csv") for name in ("train", "dev", "test")))
    settings = CompressionSettings(form="cascade", max_drop=SMALL.max_drop, student=SMALL.student)
    made = compress_bundle(bundle, rows, settings, out=tmp_path / "fast")
    assert isinstance(made.predictor, Cascade)
    assert made.report.n == 80
    with pytest.raises(UsageError, match="cascade already"):
        compress_bundle(made, rows, settings)


def test_float32_becomes_float16_and_that_nothing_smaller(place: Path, bundle: Bundle, tmp_path: Path) -> None:
    rows, settings = Rows(str(place / "train.csv")), CompressionSettings(quantize="fp16")
    made = compress_bundle(bundle, rows, settings, out=tmp_path / "half")
    assert made.manifest["precision"] == "fp16"
    assert made.report.cost["model_bytes"] < 0.8 * bundle.report.cost["model_bytes"]
    assert any(note.startswith("Weights are fp16: of ") for note in made.report.notes)
    with pytest.raises(UsageError, match="it is fp16 already"):
        compress_bundle(made, rows, CompressionSettings())


@pytest.mark.parametrize("precision", ["fp32", "int8", "fp16"])
def test_a_vocabulary_is_trimmed_without_changing_an_answer(
    precision: str, place: Path, bundle: Bundle, tmp_path: Path
) -> None:
    if precision != "fp32":
        small = wanted(bundle, {"quantize": precision})
        bundle = compress_bundle(bundle, Rows(str(place / "train.csv")), small, out=tmp_path / precision)
    english = {word for word in WORDS if word.isascii()}
    paths = []
    for seed in (1, 7, 8):
        rows = reviews(300, seed)
        own = [i for i, text in enumerate(rows.text) if set(text.split()) <= english]
        write(tmp_path / f"{seed}.csv", rows.select(own))
        paths.append(str(tmp_path / f"{seed}.csv"))
    settings = CompressionSettings(quantize="none")
    made = compress_bundle(bundle, Rows(*paths), settings, languages=["en"], out=tmp_path / "trimmed")
    assert made.manifest["precision"] == precision
    assert made.predictor.encoder.tokenizer.get_vocab_size() == 4 + len(english)
    assert (made.path / "model.onnx").stat().st_size < (bundle.path / "model.onnx").stat().st_size
    texts = ["good bank", "slow fee help"]
    assert [p.label for p in made.predict(texts)] == [p.label for p in bundle.predict(texts)]


def test_rows_are_split_as_in_training_also_where_the_report_has_slices(place: Path, tmp_path: Path) -> None:
    frame = polars.read_csv(place / "train.csv")
    frame.with_columns(shop=polars.Series(["a", "b", "c"] * 100)).write_csv(tmp_path / "shops.csv")
    settings = [f"data.train={tmp_path / 'shops.csv'}", "evaluation.slices=shop", "training.epochs=1"]
    sliced = train(recipes.load(place / "recipe.toml", settings), out=tmp_path / "sliced")
    made = compress_bundle(
        sliced, Rows(str(tmp_path / "shops.csv")), CompressionSettings(max_changed=1), out=tmp_path / "s"
    )
    assert set(made.report.slices) == set(sliced.report.slices)
    assert made.report.n == sliced.report.n


TASKS = """
name = "both"
task = "multitask"
[data]
train = "both.jsonl"
[tasks.words]
task = "multilabel"
data = { target = "words" }
[tasks.mood]
task = "classify"
data = { target = "mood" }
[model]
base = "./base"
max_tokens = 16
[training]
epochs = 1
[compression]
quantize = "none"
"""


def test_several_tasks_of_one_table_become_small_together(place: Path, tmp_path: Path) -> None:
    rows = reviews(300, 1)
    words = [sorted({word for word in text.split() if word in {"bank", "fee", "loan"}}) for text in rows.text]
    frame = polars.DataFrame({"text": rows.text, "words": words, "mood": rows.target})
    frame.write_ndjson(place / "both.jsonl")
    (place / "both.toml").write_text(TASKS, encoding="utf-8")
    both = train(place / "both.toml", out=tmp_path / "both")
    source, settings = str(place / "both.jsonl"), CompressionSettings(max_changed=1)
    made = compress_bundle(both, Rows(source), settings, out=tmp_path / "small")
    assert made.manifest["precision"] == "int8"
    assert made.labels == both.labels
    assert made.report.baselines["before"]["mood.accuracy"] == pytest.approx(both.report.value("mood.accuracy"))
    with pytest.raises(UsageError, match="has 2 tasks"):
        compress_bundle(both, Rows(source, target="mood"), settings)
    recipe = both.manifest["recipe"]
    apart = {**recipe["tasks"], "mood": {**recipe["tasks"]["mood"], "data": {"train": "other.jsonl"}}}
    other = replace(both, manifest={**both.manifest, "recipe": {**recipe, "tasks": apart}})
    with pytest.raises(UsageError, match="tables of their own"):
        compress_bundle(other, Rows(source), settings)


def test_rows_with_other_labels_are_refused(place: Path, bundle: Bundle, tmp_path: Path) -> None:
    frame = polars.read_csv(place / "train.csv")
    frame.with_columns(label=polars.col("label").str.replace("neutral", "none")).write_csv(tmp_path / "other.csv")
    paths = [str(tmp_path / "other.csv")]
    for name in ("dev", "test"):
        rows = polars.read_csv(place / f"{name}.csv").filter(polars.col("label") != "neutral")
        rows.write_csv(tmp_path / f"{name}.csv")
        paths.append(str(tmp_path / f"{name}.csv"))
    with pytest.raises(UsageError, match="'neutral', 'none' stand in one"):
        compress_bundle(bundle, Rows(*paths), CompressionSettings())


def test_rows_that_it_may_have_learned_from_are_refused(place: Path, bundle: Bundle, tmp_path: Path) -> None:
    write(tmp_path / "more.csv", reviews(310, 3))
    with pytest.raises(UsageError, match="not those that made was trained on"):
        compress_bundle(bundle, Rows(str(tmp_path / "more.csv")), CompressionSettings())


def test_other_tasks_have_no_student(place: Path, bundle: Bundle) -> None:
    other = replace(bundle, manifest={**bundle.manifest, "task": "multilabel"})
    with pytest.raises(UsageError, match="task multilabel"):
        compress_bundle(other, Rows(str(place / "train.csv")), CompressionSettings(form="cascade"))


def test_a_students_vocabulary_stays(place: Path, bundle: Bundle, tmp_path: Path) -> None:
    rows = Rows(*(str(place / f"{name}.csv") for name in ("train", "dev", "test")))
    settings = CompressionSettings(form="student", max_drop=90, student=SMALL.student)
    student = compress_bundle(bundle, rows, settings, out=tmp_path / "student")
    with pytest.raises(UsageError, match="pairs of pieces by their numbers"):
        trim_runtime(student.predictor, "student", ["en"], reviews(20, 1), tmp_path)


def test_nothing_to_do_is_said(place: Path, bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="Nothing of made can be made smaller"):
        compress_bundle(bundle, Rows(str(place / "train.csv")), CompressionSettings(quantize="none"))
    with pytest.raises(UsageError, match=r"compression\.quantize"):
        wanted(bundle, {"quantize": "int4"})


def test_the_verb(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compress", str(place / "bundle"), "--train", str(place / "train.csv"), "--out", str(tmp_path / "b")]
    assert main.run([*words, "--max-changed", "0.5", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert Path(said["bundle"]).name == "b"
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["recipe"]["compression"]["max_changed"] == 0.5
    assert main.run([*words, "--cascade", "--student"]) == 2
    assert "exclude each other" in capsys.readouterr().err
    assert main.run([*words, "--max-drop", "3"]) == 2
    assert "--max-drop is for a student alone" in capsys.readouterr().err
