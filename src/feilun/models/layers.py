"""Leaves out layers of a base: those are kept whose states are closest to what all of them give.

A model of half the layers is nearly twice as fast; taught by a bundle of the whole base (`training.distil`), it wins
back part of what that costs (Sanh et al. 2019, "DistilBERT"). Which layers to keep differs from base to base, so the
candidates are measured on texts at hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.models.bases.base import Base
from feilun.models.pooling import pool
from feilun.text.tokens import TokenEncoder, batches_by_length, pad

TEXTS, TOKENS = 128, 48
"""Texts that the candidates are measured on, and how much of each is read."""

BATCH_TOKENS = 2048


def keep_layers(base: Base, count: int, texts: Sequence[str]) -> tuple[Base, Remark]:
    """Keep some of a base's layers.

    Args:
        base: An encoder; its model is changed in place.
        count: How many layers to keep.
        texts: Texts to measure the candidates on.

    Returns:
        The base with fewer layers, and a sentence that says which were kept.

    Raises:
        UsageError: If the base has fewer layers, or is no encoder.
    """
    layers = list(base.layers)
    if base.kind != "encoder" or count > len(layers):
        reason = (
            Remark(f"it has {len(layers)}", f"它有 {len(layers)} 层")
            if base.kind == "encoder"
            else Remark("only encoders can lose some", "只有编码器可以减层")
        )
        raise UsageError(
            Remark(
                f"model.layers is {count}, but of {base.name} not so many layers can be kept: {reason}.",
                f"model.layers 是 {count}，但 {base.name} 留不下这么多层：{reason.chinese}。",
            ),
            Remark(
                "Set model.layers to at most the number of its layers, or leave it out.",
                "请把 model.layers 设为不超过它的层数，或不写这一项。",
            ),
        )
    encoder = TokenEncoder(base.tokenizer, min(TOKENS, base.max_tokens), base.prefix)
    step = max(1, len(texts) // TEXTS)
    rows = encoder.encode(list(texts)[::step][:TEXTS])
    whole = _states(base, rows)
    measured = {}
    for kept in candidates(len(layers), count):
        _put(base, [layers[i] for i in kept])
        measured[kept] = alignment(whole, _states(base, rows))
        _put(base, layers)
    best = max(measured, key=lambda kept: measured[kept])
    _put(base, [layers[i] for i in best])
    content = hashlib.sha256(f"{base.sha256} {best}".encode()).hexdigest()
    named = ", ".join(str(i + 1) for i in best)
    said = Remark(
        f"Of the base's {len(layers)} layers {named} are kept; their states agree with those of all by "
        f"{measured[best]:.3f} (CKA, at most 1).",
        f"底座的 {len(layers)} 层中保留第 {named} 层；其状态与全部层的一致性为 {measured[best]:.3f}（CKA，最大为 1）。",
    )
    return replace(base, sha256=content), said


def candidates(depth: int, count: int) -> list[tuple[int, ...]]:
    """Return choices of `count` of `depth` layers: evenly spread, the lowest, the highest, the lowest with the last."""
    spread = tuple(np.linspace(0, depth - 1, count).round().astype(int).tolist()) if count > 1 else (depth - 1,)
    lowest, highest = tuple(range(count)), tuple(range(depth - count, depth))
    return list(dict.fromkeys([spread, lowest, highest, (*range(count - 1), depth - 1)]))


def alignment(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the linear centred kernel alignment of two sets of states of the same rows (Kornblith et al. 2019).

    Args:
        one: Shape (rows, width).
        other: Shape (rows, another width).

    Returns:
        From 0 (nothing in common) to 1 (equal up to rotation and scale).
    """
    first, second = (states.astype(np.float64) - states.mean(0) for states in (one, other))
    shared = np.linalg.norm(first.T @ second) ** 2
    norms = np.linalg.norm(first.T @ first) * np.linalg.norm(second.T @ second)
    return float(shared / norms) if norms > 0 else 0.0


def _states(base: Base, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Return the pooled states of rows of token ids, shape (rows, hidden)."""
    states = np.empty((len(rows), base.hidden), dtype=np.float32)
    base.model.eval()
    with torch.no_grad():
        for batch in batches_by_length([len(row) for row in rows], BATCH_TOKENS):
            ids, mask = (torch.from_numpy(array) for array in pad([rows[i] for i in batch], base.pad_id))
            hidden = base.model(input_ids=ids, attention_mask=mask).last_hidden_state  # (batch, tokens, hidden)
            states[batch] = pool(hidden.float(), mask, base.pooling).numpy()
    return states


def _put(base: Base, layers: Sequence[nn.Module]) -> None:
    """Give a base's model these layers."""
    listed = base.layers
    for module in base.model.modules():
        for name, child in module.named_children():
            if child is listed:
                setattr(module, name, nn.ModuleList(layers))
    config: Any = base.model.config
    config.num_hidden_layers = len(layers)
