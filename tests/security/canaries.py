"""The canary corpus: bundles, bases, recipes and archives made to do harm, and what each is refused with.

    python -O tests/security/canaries.py

opens them all and prints, a JSON line a canary, how each was refused: no refusal may rest on an `assert`.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "models" / "bases")]

from feilun.bundles.bundle import open_bundle
from feilun.bundles.content import MANIFEST, content_hash, file_hashes
from feilun.core.errors import FeilunError
from feilun.core.files import read_json, write_json
from feilun.data.documents import read_document
from feilun.data.sources import open_source
from feilun.models.bases.catalogue import open_base
from feilun.workflow.recipe import load
from made import encoder, write_folder
from tiny_bundle import made_bundle

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
SHARDS = (
    "../x.safetensors", "/etc/x.safetensors", "..%2fx.safetensors", "%252e%252e%252fx.safetensors",
    "..\\x.safetensors", "C:\\x.safetensors", "x.bin", "x.safetensors\0.bin",
)  # fmt: skip
LISTED = (
    "../labels.json", "/etc/passwd", "a/../../labels.json", "..\\labels.json", "C:\\labels.json",
    "..%2flabels.json", "%252e%252e%252flabels.json", "..%5clabels.json",
)  # fmt: skip
RECIPE = 'task = "classify"\n[data]\ntrain = "a.csv"\ntarget = "label"\n'


class Trap:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, ("sprung",)


@dataclass(frozen=True)
class Canary:
    """Something made to do harm.

    Args:
        name: What it tries.
        says: Words of the refusal.
        open: Makes it in a folder and opens it.
    """

    name: str
    says: str
    open: Callable[[Path], Any]


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


def written(name: str, content: bytes) -> Callable[[Path], Any]:
    """Return what writes a file into a folder."""

    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return write


def linked(name: str, target: str) -> Callable[[Path], Any]:
    """Return what puts a link in a file's place."""

    def link(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return link


def piped(name: str) -> Callable[[Path], Any]:
    """Return what puts a pipe in a file's place: who opens it waits for ever."""

    def pipe(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return pipe


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


def base(harm: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Return what opens a base model after harm was done to it."""

    def opened(folder: Path) -> Any:
        path = write_folder(folder / "base", encoder())
        harm(path)
        return open_base(str(path))

    return opened


def safetensors(header: bytes | dict[str, Any], length: int | None = None, data: bytes = b"") -> bytes:
    """Return a file in the format of safetensors, with any header."""
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if length is None else length) + content + data


def tensor(shape: list[int], offsets: list[int]) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}


def recipe(text: str) -> Callable[[Path], Any]:
    """Return what reads a recipe."""

    def read(folder: Path) -> Any:
        (folder / "r.toml").write_text(text, encoding="utf-8")
        return load(folder / "r.toml")

    return read


def docx(document: str, others: dict[str, str] | None = None) -> Callable[[Path], Any]:
    """Return what reads a Word file with a document of that XML."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.'
        'document.main+xml"/></Types>'
    )
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>'
    )

    def read(folder: Path) -> Any:
        files = {"[Content_Types].xml": types, "_rels/.rels": relation, "word/document.xml": document, **(others or {})}
        with zipfile.ZipFile(folder / "d.docx", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return read_document(folder / "d.docx")

    return read


def unpacking(name: str, reader: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Return what reads an archive of a few bytes that says that it unpacks to two gigabytes."""

    def read(folder: Path) -> Any:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("word/document.xml", bytes(1000))
        content = bytearray((folder / name).read_bytes())
        struct.pack_into("<I", content, content.index(b"PK\1\2") + 24, 2**31)  # the size in the archive's directory
        (folder / name).write_bytes(content)
        return reader(folder / name)

    return read


LAUGHS = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
DOCUMENT = (
    '{}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    "<w:body><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:body></w:document>"
)

BUNDLES = (
    *(Canary(f"bundle: pickle as {name}", name, bundle(written(name, pickle.dumps(Trap())), sealed=False))
      for name in ("weights.pkl", "plots/a.PT", "model.onnx.bin", "x.npy", "y.joblib", "more/z.py", "lib.so")),
    Canary("bundle: pickle in the model's place", "not an ONNX file", bundle(written("model.onnx", pickle.dumps(Trap())))),
    Canary("bundle: pickle in the labels' place", "labels.json", bundle(written("labels.json", pickle.dumps(Trap())))),
    *(Canary(f"bundle: manifest lists {name}", MANIFEST if "%" not in name else "is missing",
             bundle(listing(name), sealed=False)) for name in LISTED),
    Canary("bundle: file that is a link", "labels.json is a link", bundle(linked("labels.json", "/etc/passwd"), sealed=False)),
    Canary("bundle: folder that is a link", "plots is a link", bundle(linked("plots", "/"), sealed=False)),
    Canary("bundle: manifest that never ends", MANIFEST, bundle(linked(MANIFEST, "/dev/zero"), sealed=False)),
    Canary("bundle: manifest that is a pipe", MANIFEST, bundle(piped(MANIFEST), sealed=False)),
    Canary("bundle: model that is a pipe", "model.onnx is a link or a special file", bundle(piped("model.onnx"), sealed=False)),
    *(Canary(f"bundle: deep JSON as {name}", name, bundle(written(name, DEEP)))
      for name in ("labels.json", "calibration.json", "preparation.json", "golden.json", "tokenizer.json")),
    Canary("bundle: deep manifest", MANIFEST, bundle(written(MANIFEST, DEEP), sealed=False)),
    Canary("bundle: number of many digits", "labels.json", bundle(written("labels.json", b"1" + b"0" * 5000))),
    Canary("bundle: labels that are no UTF-8", "labels.json", bundle(written("labels.json", b'["\xff"]'))),
    Canary("bundle: report that is none", "report.json", bundle(written("report.json", b"{}"))),
    Canary("bundle: name that is a path", "name", bundle(saying(name="../../etc"))),
    Canary("bundle: negative length", "max_tokens", bundle(saying(max_tokens=-1))),
    Canary("bundle: languages that are none", "fact", bundle(saying(languages=5))),
    Canary("onnx: weights elsewhere", "another file", bundle(graph(lambda m: m.graph.initializer.append(secret())))),
    Canary("onnx: weights elsewhere in a function", "another file", bundle(graph(function))),
    Canary("onnx: operators of others", "evil.ops", bundle(graph(foreign))),
    Canary("onnx: endless loop", "Loop", bundle(graph(endless))),
    Canary("onnx: four terabytes", "fails when it is run", bundle(graph(bomb))),
)  # fmt: skip

CODE = {"auto_map": {"AutoModel": "evil.Model"}}
BASES = (
    *(Canary(f"base: pickle as {name}", Path(name).name, base(written(name, pickle.dumps(Trap()))))
      for name in ("pytorch_model.bin", "a/b/c/x.PT", "x.ckpt", "optimizer.pth", "scaler.joblib", "e.npz", "k.h5")),
    Canary("base: pickle as safetensors", "pickle under another name", base(written("model.safetensors", pickle.dumps(Trap(), 4)))),
    *(Canary(f"base: code of its own {place}", "code of its own", base(written(place, json.dumps(content).encode())))
      for place, content in (("config.json", CODE), ("a/b/config.json", {"x": [{"y": CODE}]}),
                             ("tokenizer_config.json", CODE), ("p.json", {"trust_remote_code": True}))),
    *(Canary(f"base: index names {shard!r}", "names the weights file",
             base(written("model.safetensors.index.json", json.dumps({"weight_map": {"a": shard}}).encode()))) for shard in SHARDS),
    Canary("base: index that is none", "weight_map", base(written("model.safetensors.index.json", b"[1]"))),
    Canary("base: link to a pickle", "x.dat", base(linked("x.dat", "/tmp/x.pkl"))),  # noqa: S108
    Canary("base: file that never ends", "special file", base(linked("x.json", "/dev/zero"))),
    Canary("base: pipe", "special file", base(piped("x.safetensors"))),
    Canary("base: header of 2^63 bytes", "header", base(written("model.safetensors", safetensors(b"{}", 2**63)))),
    Canary("base: header of 100 GB", "header", base(written("model.safetensors", safetensors(b"{}", 10**11)))),
    Canary("base: deep header", "header", base(written("model.safetensors", safetensors(b'{"a":' * 100_000)))),
    Canary("base: tensor of 4 TB", "header", base(written("model.safetensors", safetensors(tensor([10**6, 10**6], [0, 4]), data=b"1234")))),
    Canary("base: shape that overflows", "header", base(written("model.safetensors", safetensors(tensor([2**62, 4], [0, 0]))))),
    Canary("base: offsets beyond the file", "header", base(written("model.safetensors", safetensors(tensor([1], [0, 4000]), data=b"1234")))),
    Canary("base: deep configuration", "config.json", base(written("config.json", DEEP))),
    Canary("base: a hundred thousand layers", "layers", base(written("config.json", b'{"model_type": "bert", "num_hidden_layers": 100000}'))),
    Canary("base: width that is text", "hidden_size", base(written("config.json", b'{"model_type": "bert", "hidden_size": "x"}'))),
    Canary("base: deep tokenizer", "tokenizer", base(written("tokenizer.json", DEEP))),
    *(Canary(f"base: {what}", "GGUF", lambda folder, content=content: (written("m.gguf", content)(folder), open_base(str(folder / "m.gguf"))))
      for what, content in (("GGUF of 2^60 tensors", b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60)), ("pickle as GGUF", pickle.dumps(Trap())))),
)  # fmt: skip

FILES = (
    Canary("recipe: deep arrays", "nests", recipe(RECIPE + "x = " + "[" * 20_000 + "]" * 20_000)),
    Canary("recipe: a little deep", "nests", recipe(RECIPE + "x = " + "[" * 900 + "]" * 900)),
    Canary("recipe: deep tables", "r.toml", recipe(RECIPE + "x = " + "{a=" * 5000 + "1" + "}" * 5000)),
    Canary("recipe: deep key", "parts", recipe(RECIPE + "a." * 20_000 + "b = 1")),
    Canary("recipe: deep header", "parts", recipe("[" + "a." * 20_000 + "b]\nx = 1")),
    Canary("recipe: very many keys", "keys", recipe("\n".join(f"k{i} = 1" for i in range(6000)))),
    Canary("recipe: very large", "characters", recipe('name = "' + "x" * 10**7 + '"')),
    Canary("recipe: number of many digits", "digits", recipe("x = " + "9" * 5000)),
    Canary("recipe: a tag of YAML", "r.toml", recipe('!!python/object/apply:os.system ["id"]')),
    Canary("recipe: a pickle as data", "a.pkl", lambda folder: (written("a.pkl", pickle.dumps(Trap()))(folder), open_source(str(folder / "a.pkl")))),
    Canary("docx: entities that grow", "DOCX", docx(DOCUMENT.format(f'<!DOCTYPE l [<!ENTITY a "{"x" * 1000}">{LAUGHS}]>', "&j;"))),
    Canary("docx: unpacks to 2 GB", "unpacks to", unpacking("d.docx", read_document)),
    Canary("xlsx: unpacks to 2 GB", "unpacks to", unpacking("d.xlsx", lambda path: open_source(str(path)))),
)  # fmt: skip

CANARIES = (*BUNDLES, *BASES, *FILES)


def refusal(canary: Canary) -> dict[str, str]:
    """Open a canary in a folder of its own and return how it was refused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        try:
            canary.open(folder)
        except FeilunError as error:
            kind, said = "refused", str(error)
        except Exception as error:
            kind, said = type(error).__name__, str(error)
        else:
            kind, said = "opened", ""
        sprung = Path("sprung").exists()
        with suppress(OSError):
            Path("sprung").rmdir()
    return {"name": canary.name, "kind": "sprung" if sprung else kind, "said": said}


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())
    for one in CANARIES:
        print(json.dumps(refusal(one)))  # noqa: T201
