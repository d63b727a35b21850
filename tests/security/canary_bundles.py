"""Bundles made to do harm."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from canary import DEEP, Canary, Trap, linked, piped, written
from onnx import TensorProto, helper, numpy_helper

from feilun.bundles.bundle import open_bundle
from feilun.bundles.content import MANIFEST, content_hash, file_hashes
from feilun.core.files import read_json, write_json
from tiny_bundle import made_bundle

LISTED = (
    "../labels.json", "/etc/passwd", "a/../../labels.json", "..\\labels.json", "C:\\labels.json",
    "..%2flabels.json", "%252e%252e%252flabels.json", "..%5clabels.json",
)  # fmt: skip


def bundle(harm: Callable[[Path], Any], *, sealed: bool = True) -> Callable[[Path], Any]:
    """Return what opens and asks a bundle after harm was done to it; its hashes are made anew where it is sealed."""

    def opened(folder: Path) -> Any:
        path = made_bundle(folder / "bundle")
        harm(path)
        if sealed:
            facts = {key: value for key, value in read_json(path / MANIFEST).items() if key not in {"files", "hash"}}
            hashes = file_hashes(path)
            write_json(path / MANIFEST, {**facts, "files": hashes, "hash": content_hash(path, facts, hashes)})
        found = open_bundle(path, threads=1)
        return found.predict(["good"]), found.report

    return opened


def listing(name: str) -> Callable[[Path], Any]:
    """Return what lets a manifest list a file that is elsewhere."""

    def change(folder: Path) -> None:
        manifest = read_json(folder / MANIFEST)
        manifest["files"][name] = manifest["files"]["labels.json"]
        write_json(folder / MANIFEST, manifest)

    return change


def saying(**facts: Any) -> Callable[[Path], Any]:
    """Return what lets a manifest say something else."""
    return lambda folder: write_json(folder / MANIFEST, {**read_json(folder / MANIFEST), **facts})


def graph(harm: Callable[[Any], Any]) -> Callable[[Path], Any]:
    """Return what changes a bundle's ONNX graph."""

    def change(folder: Path) -> None:
        model = onnx.load(folder / "model.onnx")
        harm(model)
        (folder / "model.onnx").write_bytes(model.SerializeToString())

    return change


def secret() -> TensorProto:
    """Return a tensor whose values are in another file."""
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    return tensor


def foreign(model: Any) -> None:
    """Add an operator that somebody else's library would run."""
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))
    model.graph.node.append(helper.make_node("Run", ["logits"], ["x"], domain="evil.ops"))


def endless(model: Any) -> None:
    """Add a loop that never ends, inside of a branch."""
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"])], "body", [], [])
    loop = helper.make_graph([helper.make_node("Loop", ["", ""], [], body=body)], "then", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=loop, else_branch=loop))


def bomb(model: Any) -> None:
    """Let the graph make a tensor of four terabytes."""
    model.graph.initializer.append(numpy_helper.from_array(np.array([10**6, 10**6]), "shape"))
    for node in model.graph.node:
        if node.output[0] == "logits":
            node.output[0] = "before"
    model.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["zeros"]))
    model.graph.node.append(helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["before", "zero"], ["logits"]))


def function(model: Any) -> None:
    """Hide weights in another file within a function of the model's own."""
    node = helper.make_node("Constant", [], ["b"], value=secret())
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 17)]))


def unsealed(harm: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Return what opens a bundle whose manifest does not know of the harm."""
    return bundle(harm, sealed=False)


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Path], Any]:
    """Return what changes the table of a bundle's JSON file."""

    def change_file(folder: Path) -> None:
        table = read_json(folder / name)
        change(table)
        write_json(folder / name, table)

    return change_file


def growing(tokenizer: Any) -> None:
    """Let a tokenizer make a gigabyte of each letter."""
    replace = {"type": "Replace", "pattern": {"String": "o"}, "content": "o" * 1000}
    tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [replace] * 3}


BUNDLES = (
    *(Canary(f"bundle: pickle as {name}", name, unsealed(written(name, pickle.dumps(Trap()))))
      for name in ("weights.pkl", "plots/a.PT", "model.onnx.bin", "x.npy", "y.joblib", "more/z.py", "lib.so")),
    Canary("bundle: pickle as the model", "not an ONNX file", bundle(written("model.onnx", pickle.dumps(Trap())))),
    Canary("bundle: pickle as the labels", "labels.json", bundle(written("labels.json", pickle.dumps(Trap())))),
    *(Canary(f"bundle: manifest lists {name}", MANIFEST if "%" not in name else "is missing", unsealed(listing(name)))
      for name in LISTED),
    Canary("bundle: file that is a link", "labels.json is a link", unsealed(linked("labels.json", "/etc/passwd"))),
    Canary("bundle: folder that is a link", "plots is a link", unsealed(linked("plots", "/"))),
    Canary("bundle: manifest that never ends", MANIFEST, unsealed(linked(MANIFEST, "/dev/zero"))),
    Canary("bundle: manifest that is a pipe", MANIFEST, unsealed(piped(MANIFEST))),
    Canary("bundle: model that is a pipe", "model.onnx is a link or a special", unsealed(piped("model.onnx"))),
    *(Canary(f"bundle: deep JSON as {name}", name, bundle(written(name, DEEP)))
      for name in ("labels.json", "calibration.json", "preparation.json", "golden.json", "tokenizer.json")),
    Canary("bundle: deep manifest", MANIFEST, unsealed(written(MANIFEST, DEEP))),
    Canary("bundle: number of many digits", "labels.json", bundle(written("labels.json", b"1" + b"0" * 5000))),
    Canary("bundle: labels that are no UTF-8", "labels.json", bundle(written("labels.json", b'["\xff"]'))),
    Canary("bundle: report that is none", "report.json", bundle(written("report.json", b"{}"))),
    Canary("bundle: name that is a path", "name", bundle(saying(name="../../etc"))),
    Canary("bundle: negative length", "max_tokens", bundle(saying(max_tokens=-1))),
    Canary("bundle: endless length", "max_tokens", bundle(saying(max_tokens=float("inf")))),
    Canary("bundle: padding that is no token", "pad_id", bundle(saying(pad_id=10**30))),
    *(Canary(f"bundle: temperature of {value}", "calibration.json",
             bundle(changed("calibration.json", lambda table, value=value: table.update(temperature=value))))
      for value in (0, -1, 1e-320, float("nan"), float("inf"))),
    Canary("bundle: tokenizer that grows", "characters of one", bundle(changed("tokenizer.json", growing))),
    Canary("bundle: tokenizer that knows no word", "tokenizer.json",
           bundle(changed("tokenizer.json", lambda table: table["model"].update(vocab={})))),
    Canary("bundle: languages that are none", "fact", bundle(saying(languages=5))),
    Canary("onnx: weights elsewhere", "another file", bundle(graph(lambda m: m.graph.initializer.append(secret())))),
    Canary("onnx: weights elsewhere in a function", "another file", bundle(graph(function))),
    Canary("onnx: operators of others", "evil.ops", bundle(graph(foreign))),
    Canary("onnx: endless loop", "Loop", bundle(graph(endless))),
    Canary("onnx: four terabytes", "fails when it is run", bundle(graph(bomb))),
)  # fmt: skip
