"""A real bundle small enough for tests: an ONNX graph made here (embeddings, masked mean, linear), no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from tokenizers import Tokenizer

from feilun.bundles.bundle import write_bundle
from feilun.core.files import write_json, write_text
from feilun.core.report import Figure, Report
from feilun.core.settings import to_table
from feilun.text.clean import Cleaning
from tiny_tokenizer import tokenizer_of

WORDS = (
    "loan",
    "card",
    "rate",
    "bank",
    "fee",
    "good",
    "bad",
    "fast",
    "slow",
    "help",
    "银行",
    "贷款",
    "很好",
    "很差",
    "服务",
)
LABELS = ("bad", "good", "中立")
HIDDEN = 8
MAX_TOKENS = 12


def made_tokenizer() -> Tokenizer:
    return tokenizer_of(WORDS)


def made_model(path: Path, labels: int = len(LABELS), seed: int = 0) -> None:
    """Write the graph; the mean over tokens makes every row independent of its batch and of its padding."""
    source = np.random.default_rng(seed)
    weights = {
        "words": source.normal(size=(len(WORDS) + 4, HIDDEN)),
        "head": source.normal(size=(HIDDEN, labels)),
        "bias": source.normal(size=labels),
    }
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["states"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["weight"]),
        helper.make_node("Mul", ["states", "weight"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "tokens"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["weight", "tokens"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["pooled"]),
        helper.make_node("Gemm", ["pooled", "head", "bias"], ["logits"]),
    ]
    inputs = ("input_ids", "attention_mask")
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels]),
         helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["batch", HIDDEN])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
        + [numpy_helper.from_array(np.array([2]), "last"), numpy_helper.from_array(np.array([1]), "tokens")],
    )  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def made_facts(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": "reviews", "task": "classify", "created": "2026-01-01T00:00:00+00:00", "precision": "float32",
        "max_tokens": MAX_TOKENS, "prefix": "", "pad_id": 0, "languages": ["en", "zh"],
        "base": {"name": "tiny", "sha256": "0"},
        "recipe": {"name": "reviews", "task": "classify", "data": {"train": "a.csv", "text": "text"}},
        "fingerprints": {"data": "d", "base": "0"}, "libraries": {"numpy": np.__version__},
    }  # fmt: skip
    return {**facts, **changes}


def made_files(
    seed: int = 0, seconds: float = 1.0, cleaning: Cleaning | None = None, **decision: Any
) -> Callable[[Path], None]:
    """Return what writes the files of a bundle."""

    def write(folder: Path) -> None:
        made_model(folder / "model.onnx", seed=seed)
        write_text(folder / "tokenizer.json", made_tokenizer().to_str())
        write_json(folder / "labels.json", list(LABELS))
        write_json(folder / "calibration.json", {"temperature": 1.0, "abstain_below": 0.0, **decision})
        write_json(folder / "preparation.json", to_table(cleaning or Cleaning()))
        write_json(folder / "profile.json", {"labels": dict.fromkeys(LABELS, 1)})
        report = Report(n=3, metrics={"accuracy": Figure(1.0, 0.5, 1.0), "macro_f1": Figure(1.0)}, cost={"s": seconds})
        write_json(folder / "report.json", report.to_json())
        write_text(folder / "CARD.md", f"# reviews\n\nmade in {seconds} s\n")

    return write


def made_bundle(path: Path, seed: int = 0, name: str = "reviews", **decision: Any) -> Path:
    """Write a bundle and return its folder."""
    write_bundle(path, made_files(seed, **decision), made_facts(name=name))
    return path
