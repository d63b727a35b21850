"""Golden inputs: made-up token ids with the logits that a bundle's model gave where it was written.

Another version of ONNX Runtime, or another processor, may run a model without complaint and answer wrong (ONNX Runtime
1.24 does so with these int8 files). So the first thing that an opened bundle does is to answer these again. They are
numbers by chance, nobody's text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from feilun.bundles.content import damaged, read_table
from feilun.bundles.generator import Generator
from feilun.bundles.runtime import Runtime
from feilun.core.errors import BundleError
from feilun.core.files import write_json
from feilun.core.remark import Remark

GOLDEN = "golden.json"
LENGTHS = (2, 5, 11, 24)
LARGEST_DIFFERENCE = 0.2
"""Norm of the difference over norm of the logits: int8 rounds otherwise on other processors, a wrong model is at 1."""


def write_golden(folder: Path, runtime: Runtime | Generator) -> None:
    """Write golden inputs and what a model answers to them.

    Args:
        folder: The bundle's folder.
        runtime: Runs the bundle's model.
    """
    random = np.random.default_rng(0)
    size = runtime.encoder.tokenizer.get_vocab_size()
    lengths = [min(length, runtime.encoder.max_tokens) for length in LENGTHS]
    rows = [random.integers(0, size, length).tolist() for length in lengths]
    golden: dict[str, Any] = {"token_ids": rows}
    features = None
    if runtime.features is not None:
        features = random.normal(size=(len(rows), runtime.features.width)).round(3).astype(np.float32)
        golden["features"] = features.tolist()
    write_json(folder / GOLDEN, {**golden, "logits": runtime.logits_of(rows, features).round(5).tolist()})


def check_golden(folder: Path, runtime: Runtime | Generator) -> None:
    """Refuse a model that answers otherwise here than where it was written.

    Args:
        folder: The bundle's folder; a bundle from before golden inputs passes.
        runtime: Runs the bundle's model.

    Raises:
        BundleError: If it does, or if the file holds no golden inputs.
    """
    if not (folder / GOLDEN).is_file():
        return
    table = read_table(folder, GOLDEN)
    try:
        rows = [[int(token) for token in row] for row in table["token_ids"]]
        features = np.array(table["features"], dtype=np.float32) if "features" in table else None
        expected = np.array(table["logits"], dtype=np.float64)
        difference = np.linalg.norm(runtime.logits_of(rows, features) - expected) / np.linalg.norm(expected)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder, Remark(f"{GOLDEN} holds no golden inputs", f"{GOLDEN} 里没有基准输入")) from error
    if not difference <= LARGEST_DIFFERENCE:
        raise BundleError(
            Remark(
                f"The bundle {folder} answers otherwise here than where it was written: its golden inputs differ by "
                f"{difference:.0%} of their logits. ONNX Runtime here is {onnxruntime.__version__}.",
                f"模型包 {folder} 在这里的回答与写成时不同：基准输入的 logits 相差 {difference:.0%}。"
                f"这里的 ONNX Runtime 是 {onnxruntime.__version__}。",
            ),
            Remark(
                f"Install the versions that {folder / 'manifest.json'} lists under `libraries`, or train it again "
                "here.",
                f"请安装 {folder / 'manifest.json'} 的 `libraries` 里列出的版本，或者在这里重新训练。",
            ),
        )
