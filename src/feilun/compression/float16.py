"""Weights and graph in float16, for GPUs: half the size, and what their matrix units are fastest with.

Inputs stay int64 and outputs float32, so that a bundle is used as before. On a processor ONNX Runtime has no float16
products: it turns the weights back into float32 when it opens the file, so that the gain there is the size of the file.
"""

from __future__ import annotations

from pathlib import Path

import onnx

from feilun.core.files import atomic_file


def write_float16(source: Path, target: Path) -> None:
    """Write a float16 version of an ONNX model.

    Args:
        source: A model in float32.
        target: Where the float16 model is written.

    Raises:
        StorageError: If the disk is full.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(source)
    half = convert_float_to_float16(model, keep_io_types=True)
    with atomic_file(target) as temporary:
        onnx.save(half, temporary)
