"""Rounding to int8 that makes up for itself: what one weight loses, the weights rounded after it give back.

Each row of a matrix is rounded in turn, and the rows behind it are moved so that the product with what the model really
reads stays as it was (GPTQ: Frantar et al. 2023, section 3; after Hassibi and Stork 1993, "Optimal Brain Surgeon"). The
model's answers then change a fourth as much as by rounding each weight to its nearest integer. Nothing is added that
would have to be computed when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from feilun.bundles.runtime import Runtime
from feilun.bundles.session import FEATURES, INPUTS, open_session
from feilun.core.corpus import Corpus
from feilun.text.tokens import batches_by_length, pad

Moments = NDArray[np.float32]
"""Products of what a matrix reads with itself, summed over tokens: shape (inner, inner)."""

MOST_TOKENS, MOST_ROWS = 4096, 512
"""Read to learn what the matrices are multiplied with; four times as many bring next to nothing."""

DAMPING = 0.01
"""Added to the diagonal, as a share of its mean: directions in which nothing was read stay as they are."""

BLOCK = 64
"""Rows that are rounded before what they lost is passed on to all behind them at once."""

LARGEST = 127


@dataclass(frozen=True)
class Readings:
    """What the products of a model read, by the name of the graph's value.

    Args:
        moments: Of each value that a constant matrix is multiplied with.
    """

    moments: Mapping[str, Moments]
    _factors: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def factor(self, value: str) -> NDArray[np.float64]:
        """Return the upper Cholesky factor of the inverse moments of a value, shape (inner, inner)."""
        if value not in self._factors:
            moments = self.moments[value].astype(np.float64)
            moments += np.eye(len(moments)) * max(DAMPING * np.trace(moments) / len(moments), 1e-9)
            self._factors.clear()  # products of one value stand side by side
            self._factors[value] = np.linalg.cholesky(np.linalg.inv(moments)).T
        return self._factors[value]


def read(runtime: Runtime, corpus: Corpus, folder: Path) -> Readings:
    """Run rows through a float32 model and gather what its matrices are multiplied with.

    Args:
        runtime: The model.
        corpus: Rows as it will read them; some that hold `MOST_TOKENS` together are taken, evenly spread.
        folder: Receives a passing copy of the model.

    Returns:
        The moments of each value.
    """
    model = onnx.load(runtime.model)
    values = read_by_products(model)
    if not values:
        return Readings({})
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(value) for value in values)
    copy = folder / "readings.onnx"
    onnx.save(model, copy)
    try:
        session = open_session(copy, runtime.threads)
        return Readings(_moments(session, runtime, _few(corpus), values))
    finally:
        copy.unlink(missing_ok=True)


def read_by_products(model: onnx.ModelProto) -> list[str]:
    """Return the values that are multiplied with a constant matrix, in the graph's order."""
    matrices = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) == 2}
    products = [node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in matrices]
    return list(dict.fromkeys(node.input[0] for node in products))


def rounded_columns(
    weights: NDArray[np.float32], scales: NDArray[np.float32], factor: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Round a matrix to integers row by row, each row's error being made up for by the rows behind it.

    The sum of two neighbouring rows stays within 127 as well, as `quantized_columns` says.

    Args:
        weights: Shape (inner, outer).
        scales: Of each column, shape (outer,).
        factor: Upper Cholesky factor of the inverse moments of what is multiplied with, shape (inner, inner).

    Returns:
        Integers of shape (inner, outer).
    """
    left = weights / scales.astype(np.float64)
    numbers = np.zeros_like(left)
    inner = len(left)
    for start in range(0, inner, BLOCK):
        end = min(inner, start + BLOCK)
        lost = np.zeros((end - start, left.shape[1]))
        for row in range(start, end):
            before = numbers[row - 1] if row % 2 else 0.0
            most, least = LARGEST - np.maximum(before, 0), -LARGEST - np.minimum(before, 0)
            numbers[row] = np.clip(np.round(left[row]), least, most)
            lost[row - start] = (left[row] - numbers[row]) / factor[row, row]
            left[row + 1 : end] -= np.outer(factor[row, row + 1 : end], lost[row - start])
        left[end:] -= factor[start:end, end:].T @ lost
    return numbers.astype(np.int8)


def _few(corpus: Corpus) -> Corpus:
    """Return rows that are evenly spread over a corpus."""
    count = min(len(corpus), MOST_ROWS)
    return corpus.select([i * len(corpus) // count for i in range(count)])


def _moments(session: Any, runtime: Runtime, corpus: Corpus, values: Sequence[str]) -> dict[str, Moments]:
    rows = runtime.encode(corpus)
    rows = rows[: max(1, int(np.searchsorted(np.cumsum([len(row) for row in rows]), MOST_TOKENS)))]
    features = None if runtime.features is None else runtime.features.matrix(corpus.features, len(corpus))
    sums: dict[str, Moments] = {}
    for batch in batches_by_length([len(row) for row in rows], runtime.batch_tokens):
        inputs: dict[str, Any] = dict(zip(INPUTS, pad([rows[i] for i in batch], runtime.pad_id), strict=True))
        filled = inputs[INPUTS[1]].reshape(-1) > 0
        if features is not None:
            inputs[FEATURES] = features[batch]
        for value, states in zip(values, session.run(list(values), inputs), strict=True):
            flat = states.reshape(-1, states.shape[-1])
            flat = flat[filled] if len(flat) == len(filled) else flat  # (tokens, inner)
            sums[value] = sums.get(value, 0) + flat.T @ flat
    return sums
