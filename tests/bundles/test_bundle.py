"""A bundle is what was written, or it is refused and the file is named."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from feilun.bundles.bundle import check_target, open_bundle, write_bundle
from feilun.bundles.content import MANIFEST, REQUIRED, SCHEMA
from feilun.core.corpus import corpus_of
from feilun.core.errors import BundleError, StorageError, UsageError
from feilun.core.files import read_json, write_json
from feilun.core.ports import Predictor
from tiny_bundle import LABELS, made_bundle, made_facts, made_files

TEXTS = ["good bank", "", "很好 服务", "loan " * 100, "<b>slow</b>\u200b card"]


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
@pytest.mark.parametrize("place", ["/proc/model", "/proc/a/model", __file__ + "/model"])
def test_a_place_that_takes_no_files_is_refused_before_anything_is_trained(place: str) -> None:
    with pytest.raises(StorageError, match=f"{place} cannot be written .*Choose a folder"):
        check_target(Path(place))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_bundle(tmp_path / "模型 一")


def test_reopened_bundle_predicts_and_tells_what_it_is(folder: Path) -> None:
    bundle = open_bundle(folder, threads=1)
    assert isinstance(bundle, Predictor)
    assert bundle.labels.names == LABELS
    assert bundle.report.value("accuracy") == 1.0
    assert bundle.version == bundle.manifest["hash"][:8]
    predictions = bundle.predict(TEXTS)
    assert [p.label for p in predictions] == [p.label for p in bundle.predict(corpus_of(TEXTS))]
    assert all(abs(sum(score for _, score in p.ranked) - 1) < 1e-5 for p in predictions)


def test_a_bundle_is_shown_in_one_line(folder: Path) -> None:
    bundle = open_bundle(folder, threads=1)
    assert repr(bundle) == f"Bundle({bundle.name}@{bundle.version}, classify, {str(folder)!r})"


def test_predict_takes_texts_only(folder: Path) -> None:
    bundle = open_bundle(folder, threads=1)
    with pytest.raises(UsageError, match="list of texts"):
        bundle.predict("good")
    with pytest.raises(UsageError, match="Text 1 is None"):
        bundle.predict(["good", None])  # type: ignore[list-item]


def test_decision_is_read_back(tmp_path: Path) -> None:
    calm = open_bundle(made_bundle(tmp_path / "a", temperature=50.0), threads=1)
    careful = open_bundle(made_bundle(tmp_path / "b", abstain_below=1.0, label_thresholds=[["bad", 0.0]]), threads=1)
    sharp = open_bundle(made_bundle(tmp_path / "c"), threads=1)
    for text in ("good bank", "loan"):
        (soft,), (hard,), (asked,) = (b.predict([text]) for b in (calm, sharp, careful))
        assert soft.score < hard.score
        assert asked.abstained == (asked.label != "bad")
        assert not hard.abstained


@pytest.mark.parametrize("name", [*REQUIRED, MANIFEST])
@pytest.mark.parametrize("harm", ["truncate", "flip", "remove", "empty"])
def test_damage_is_refused_and_named(folder: Path, name: str, harm: str) -> None:
    path = folder / name
    data = path.read_bytes()
    if harm == "remove":
        path.unlink()
    elif harm == "truncate":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "empty":
        path.write_bytes(b"")
    else:
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    with pytest.raises(BundleError) as caught:
        open_bundle(folder)
    assert name in str(caught.value)


def test_altered_fact_of_the_manifest_is_refused(folder: Path) -> None:
    write_json(folder / MANIFEST, {**read_json(folder / MANIFEST), "max_tokens": 4})
    with pytest.raises(BundleError, match=r"manifest\.json was altered"):
        open_bundle(folder)


def test_newer_schema_is_refused_before_anything_else(folder: Path) -> None:
    write_json(folder / MANIFEST, {"schema": SCHEMA + 1, "unheard": "of"})
    with pytest.raises(BundleError, match=rf"newer Feilun: its schema is {SCHEMA + 1}.*upgrade"):
        open_bundle(folder)


def _add_pickle(folder: Path) -> str:
    (folder / "weights.pkl").write_bytes(b"cos\nsystem\n")
    return "weights.pkl"


def _add_unlisted(folder: Path) -> str:
    (folder / "more").mkdir()
    (folder / "more" / "notes.txt").write_text("hello")
    return "more/notes.txt"


def _link_file(folder: Path) -> str:
    (folder / "labels.json").rename(folder.parent / "labels.json")
    (folder / "labels.json").symlink_to(folder.parent / "labels.json")
    return "labels.json"


def _link_folder(folder: Path) -> str:
    (folder / "plots").symlink_to(folder.parent, target_is_directory=True)
    return "plots"


def _escape(folder: Path) -> str:
    manifest = read_json(folder / MANIFEST)
    manifest["files"]["../labels.json"] = manifest["files"]["labels.json"]
    (folder.parent / "labels.json").write_bytes((folder / "labels.json").read_bytes())
    write_json(folder / MANIFEST, manifest)
    return "../labels.json"


@pytest.mark.parametrize("harm", [_add_pickle, _add_unlisted, _link_file, _link_folder, _escape])
def test_what_no_bundle_has_is_refused_and_named(folder: Path, harm: Callable[[Path], str]) -> None:
    name = harm(folder)
    with pytest.raises(BundleError) as caught:
        open_bundle(folder)
    assert name in str(caught.value)


@pytest.mark.parametrize("place", ["initializer", "constant", "branch"])
def test_model_with_weights_in_another_file_is_refused(tmp_path: Path, place: str) -> None:
    def files(folder: Path) -> None:
        made_files()(folder)
        model = onnx.load(folder / "model.onnx")
        tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="/etc/passwd")
        node = helper.make_node("Constant", [], ["c"], value=tensor)
        if place == "initializer":
            model.graph.initializer.append(tensor)
        elif place == "constant":
            model.graph.node.insert(0, node)
        else:
            branch = helper.make_graph([node], "inner", [], [])
            model.graph.node.insert(0, helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch))
        (folder / "model.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(BundleError, match=r"model\.onnx keeps weights in another file"):
        write_bundle(tmp_path / "b", files, made_facts())
    assert list(tmp_path.iterdir()) == []


def test_incomplete_bundle_is_not_written(tmp_path: Path) -> None:
    def files(folder: Path) -> None:
        made_files()(folder)
        (folder / "CARD.md").unlink()

    with pytest.raises(BundleError, match=r"CARD\.md"):
        write_bundle(tmp_path / "b", files, made_facts())
    assert list(tmp_path.iterdir()) == []


def test_hash_leaves_out_times_costs_and_paths_and_nothing_else(tmp_path: Path) -> None:
    def content(name: str, files: Callable[[Path], None], **facts: object) -> str:
        write_bundle(tmp_path / name, files, made_facts(**facts))
        return str(read_json(tmp_path / name / MANIFEST)["hash"])

    recipe = made_facts()["recipe"]
    same = content("a", made_files())
    elsewhere = {**recipe, "data": {**recipe["data"], "train": "/other/place.csv"}}
    assert same == content("b", made_files(seconds=99.0), created="2030-01-01T00:00:00+00:00", recipe=elsewhere)
    assert same != content("c", made_files(seed=1))
    assert same != content("d", made_files(temperature=2.0))
    assert same != content("e", made_files(), fingerprints={"data": "other", "base": "0"})
    assert same != content("f", made_files(), recipe={**recipe, "training": {"seed": 2}})


def test_bundle_is_replaced_but_nothing_else_is(tmp_path: Path, folder: Path) -> None:
    before = open_bundle(folder, threads=1).manifest["hash"]
    assert open_bundle(made_bundle(folder, seed=1), threads=1).manifest["hash"] != before
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter.txt").write_text("years of work")
    for taken in (precious, precious / "chapter.txt"):
        with pytest.raises(UsageError, match="is no bundle"):
            made_bundle(taken)
    assert (precious / "chapter.txt").read_text() == "years of work"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert open_bundle(made_bundle(empty), threads=1).name == "reviews"


@pytest.mark.parametrize("missing", ["nowhere", "file"])
def test_what_is_no_bundle_is_said(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match="is not a bundle"):
        open_bundle(tmp_path / missing)
    with pytest.raises(BundleError, match=r"it has no manifest\.json"):
        open_bundle(tmp_path)


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        with pytest.raises(StorageError, match="disk is full"):
            made_bundle(tmp_path / "b")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_full_disk_keeps_the_former_bundle(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        with pytest.raises(StorageError):
            made_bundle(folder, seed=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert open_bundle(folder, threads=1).name == "reviews"


def test_opening_and_predicting_needs_no_training_library(folder: Path) -> None:
    script = (
        "import sys, json\nfrom feilun.bundles.bundle import open_bundle\n"
        "print(json.dumps(open_bundle(sys.argv[1]).predict(['good'])[0].to_json()))\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'polars', 'scipy', 'onnx', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] in LABELS
