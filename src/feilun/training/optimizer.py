"""Optimisers, and which weights they move how fast."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.bases.base import Base
from feilun.models.text_model import TextModel


def make_optimizer(
    model: TextModel,
    kind: Literal["adamw", "sgd"],
    learning_rate: float,
    head_learning_rate: float,
    weight_decay: float,
    layer_decay: float,
) -> torch.optim.Optimizer:
    """Make an optimiser over the weights that may move.

    Args:
        model: The model, its adaptation applied.
        kind: adamw, or sgd with momentum 0.9; both fused.
        learning_rate: Rate of the top layer of the base.
        head_learning_rate: Rate of the head.
        weight_decay: Decay of matrices; norms and biases are spared.
        layer_decay: Each lower layer learns at this share of the rate above it; 1 treats all alike.

    Returns:
        The optimiser; each group carries its full rate as `full_rate`, for the schedule.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for weight, depth, is_head in _weights(model):
        rate = head_learning_rate if is_head else learning_rate * layer_decay**depth
        decay = weight_decay if weight.ndim >= 2 else 0.0
        groups.setdefault((rate, decay), []).append(weight)
    parameters = [
        {"params": weights, "lr": rate, "weight_decay": decay, "full_rate": rate}
        for (rate, decay), weights in groups.items()
    ]
    if kind == "sgd":
        return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, fused=True)
    return torch.optim.AdamW(parameters, lr=learning_rate, fused=True)


def default_rate(base: Base, adaptation: Adaptation, rows_of_a_step: float = 32) -> float:
    """Return the learning rate that suits a base of this width, the adaptation and the batches.

    It grows with the root of the rows of a step (Krizhevsky 2014; docs/benchmarks.md, "Defaults").
    """
    return adaptation.pace * (1e-4 if base.hidden <= 512 else 3e-5) * math.sqrt(max(1.0, rows_of_a_step / 32))


def clip_gradients(optimizer: torch.optim.Optimizer, weights: Sequence[nn.Parameter], largest: float) -> Tensor:
    """Have the optimiser's next step divide the gradients so that their norm is at most `largest`.

    A fused step divides while it reads them anyway, which spares a pass over memory of its own.

    Args:
        optimizer: What `make_optimizer` made.
        weights: The weights whose gradients count.
        largest: Largest norm of all gradients as one vector.

    Returns:
        The norm before clipping, a scalar.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    norm: Tensor = torch.nn.utils.get_total_norm(gradients, foreach=True)
    optimizer.grad_scale = (norm / largest).clamp(min=1)  # type: ignore[attr-defined]
    return norm


def _weights(model: TextModel) -> Iterator[tuple[nn.Parameter, int, bool]]:
    """Yield each weight that moves with its depth below the top layer and whether it is the head's."""
    layers = list(model.base.layers)
    depth_of = {id(p): len(layers) - 1 - i for i, layer in enumerate(layers) for p in layer.parameters()}
    fresh = [model.head] if model.fusion is None else [model.head, model.fusion]
    head = {id(p) for module in fresh for p in module.parameters()}
    for weight in model.parameters():
        if weight.requires_grad:
            yield weight, depth_of.get(id(weight), len(layers)), id(weight) in head
