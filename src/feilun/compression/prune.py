"""Takes attention heads and feed-forward units out of a trained encoder: those that its loss misses least.

What a head or unit is worth is the change of the loss, to first order, that its absence would bring: its output times
the gradient there, summed over the tokens of a row; the size of that sum is averaged over training rows (Michel et al.
2019, "Are Sixteen Heads Really Better than One?", equation 2; Molchanov et al. 2019, "Importance Estimation for Neural
Network Pruning"). The matrices become smaller, so that the model is faster wherever it runs; a short training lets
what is left learn what was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.remark import Remark, joined
from feilun.models.bases.base import Base
from feilun.models.text_model import TextModel, evaluating
from feilun.training.inputs import make_inputs

Scores = NDArray[np.float64]

ROWS, BATCH = 1024, 32
"""Training rows that the worth of heads and units is measured on, and how many at once."""

STEP = 16
"""Units are kept in multiples of so many: that is what a processor multiplies at once (AVX-512, 16 floats)."""

FAMILIES = frozenset({"bert", "roberta", "xlm-roberta", "camembert"})
"""Encoders whose layers have the modules that are made smaller here."""


@dataclass(frozen=True)
class Pruned:
    """What was taken out.

    Args:
        heads: Of each layer, how many are left and how many there were.
        units: The same of its feed-forward units.
    """

    heads: list[tuple[int, int]]
    units: list[tuple[int, int]]

    def clause(self) -> Remark:
        """Say what is left, for the report."""
        return joined(
            [_left("attention heads", "注意力头", self.heads), _left("feed-forward units", "前馈单元", self.units)]
        )


def _left(name: str, chinese: str, counts: Sequence[tuple[int, int]]) -> Remark:
    left, all_of_them = (sum(column) for column in zip(*counts, strict=True))
    fewest, most = min(kept for kept, _ in counts), max(kept for kept, _ in counts)
    return Remark(
        f"{left:,} of {all_of_them:,} {name} are left, {fewest} to {most} a layer",
        f"{all_of_them:,} 个{chinese}剩下 {left:,} 个，每层 {fewest} 到 {most} 个",
    )


def check_prunable(base: Base, share: float) -> None:
    """Refuse a base whose layers cannot be made smaller, where a share of them is to go.

    Raises:
        UsageError: If it is no encoder of the BERT family.
    """
    config: Any = base.model.config
    if share and config.model_type not in FAMILIES:
        raise UsageError(
            Remark(
                f"compression.prune makes layers of the BERT family smaller; {base.name} is of the family "
                f"{config.model_type}.",
                f"compression.prune 只能缩小 BERT 一系的层；{base.name} 属于 {config.model_type}。",
            ),
            Remark(
                "Leave compression.prune out, or choose another base: `feilun bases` lists them.",
                "请去掉 compression.prune，或者换一个基座：`feilun bases` 列出有哪些。",
            ),
        )


def prune(model: TextModel, train: Corpus, share: float) -> Pruned:
    """Take a share of the heads and of the feed-forward units out of a model, in place.

    Args:
        model: An encoder of the BERT family, folded.
        train: Rows with targets to measure on.
        share: Of the heads and of the units that go.

    Returns:
        What is left of each layer.

    Raises:
        UsageError: If the model is of another architecture.
    """
    check_prunable(model.base, share)
    layers: list[Any] = list(model.base.layers)
    worth = importance(model, train)
    heads = kept([heads for heads, _ in worth], share)
    units = kept([units for _, units in worth], share, STEP)
    found = Pruned([], [])
    for layer, own_heads, own_units, (head_worth, unit_worth) in zip(layers, heads, units, worth, strict=True):
        _keep_heads(layer.attention, own_heads)
        _keep_units(layer, own_units)
        found.heads.append((len(own_heads), len(head_worth)))
        found.units.append((len(own_units), len(unit_worth)))
    return found


def importance(model: TextModel, train: Corpus) -> list[tuple[Scores, Scores]]:
    """Measure what each head and each feed-forward unit is worth.

    Args:
        model: The model; it is left as it was.
        train: Rows with targets; about `ROWS` of them, drawn by chance, are looked at.

    Returns:
        Of each layer the scores of its heads, shape (heads,), and of its units, shape (units,).
    """
    inputs, targets = make_inputs(model, train), model.head.targets(train).to(model.device)
    layers: list[Any] = list(model.base.layers)
    readers = [linear for layer in layers for linear in (layer.attention.output.dense, layer.output.dense)]
    sums: list[Any] = [0.0] * len(readers)
    with evaluating(model), _recorded(readers) as outputs:
        for batch in _batches(model, len(train)):
            outputs.clear()
            loss = model.head.loss(model.head(inputs.pooled(batch)), targets[batch]).sum()
            for place, gradient in enumerate(torch.autograd.grad(loss, outputs)):
                change = (outputs[place].detach().float() * gradient.float()).sum(1)  # (texts, width)
                if place % 2 == 0:
                    change = _of_heads(change, layers[place // 2].attention.self.num_attention_heads)
                sums[place] = sums[place] + change.abs().sum(0).double().cpu().numpy()
    return list(zip(sums[::2], sums[1::2], strict=True))


def kept(scores: Sequence[Scores], share: float, step: int = 1) -> list[NDArray[np.int64]]:
    """Choose what stays: the best of all layers, at least `step` of each.

    Scores are comparable between layers after each layer's were divided by their length (Molchanov et al. 2017).

    Args:
        scores: Of each layer, shape (its heads or units,).
        share: Of all that goes.
        step: Of each layer a multiple of so many stays.

    Returns:
        Of each layer the places that stay, ascending.
    """
    normed = [own / max(float(np.linalg.norm(own)), np.finfo(float).tiny) for own in scores]
    everything = np.sort(np.concatenate(normed))[::-1]
    last = everything[max(0, round(len(everything) * (1 - share)) - 1)]
    chosen = []
    for own in normed:
        wanted = int((own >= last).sum())
        count = min(len(own), max(1, round(wanted / step)) * step)
        chosen.append(np.sort(np.argsort(-own, kind="stable")[:count]))
    return chosen


def _of_heads(change: Tensor, heads: int) -> Tensor:
    """Add up what belongs to a head: from shape (texts, heads × size) to (texts, heads)."""
    return change.view(len(change), heads, -1).sum(2)


def _batches(model: TextModel, rows: int) -> Iterator[list[int]]:
    """Yield the rows that are looked at; those that the loss needs together stay so."""
    units = model.head.together(model.head.order(rows, np.random.default_rng(0)))
    batch: list[int] = []
    seen = 0
    for unit in units:
        batch += unit
        if len(batch) >= BATCH:
            yield batch
            seen, batch = seen + len(batch), []
        if seen >= ROWS:
            return
    if batch:
        yield batch


@contextmanager
def _recorded(modules: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """Note what modules read, in the order in which they run, for a while."""
    records: list[Tensor] = []
    handles = [module.register_forward_pre_hook(lambda _, inputs: records.append(inputs[0])) for module in modules]
    try:
        yield records
    finally:
        for handle in handles:
            handle.remove()


def _keep_heads(attention: Any, places: NDArray[np.int64]) -> None:
    own, size = attention.self, attention.self.attention_head_size
    columns = torch.from_numpy((places[:, None] * size + np.arange(size)).ravel())
    for linear in (own.query, own.key, own.value):
        _keep_outputs(linear, columns)
    _keep_inputs(attention.output.dense, columns)
    own.num_attention_heads, own.all_head_size = len(places), len(columns)


def _keep_units(layer: Any, places: NDArray[np.int64]) -> None:
    columns = torch.from_numpy(places)
    _keep_outputs(layer.intermediate.dense, columns)
    _keep_inputs(layer.output.dense, columns)


def _keep_outputs(linear: nn.Linear, rows: Tensor) -> None:
    linear.weight, linear.bias = (_part(weight, rows, 0) for weight in (linear.weight, linear.bias))
    linear.out_features = len(rows)


def _keep_inputs(linear: nn.Linear, columns: Tensor) -> None:
    linear.weight = _part(linear.weight, columns, 1)
    linear.in_features = len(columns)


def _part(weight: Tensor, places: Tensor, axis: int) -> nn.Parameter:
    part = weight.detach().index_select(axis, places.to(weight.device)).clone()
    return nn.Parameter(part, requires_grad=weight.requires_grad)
