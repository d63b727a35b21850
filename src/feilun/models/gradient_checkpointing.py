"""Layers that compute their activations anew in the backward pass instead of keeping them (Chen et al. 2016).

Memory for activations falls to the inputs of the layers and what one layer needs; a step takes about a third longer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.models.bases.base import Base

recomputed = partial(checkpoint, use_reentrant=False)
"""Calls a function whose activations are not kept; dropout falls alike both times."""


def recompute_layers(base: Base) -> None:
    """Have every layer of a base be computed anew, in training only.

    The switch of transformers itself would also ask for the gradients of the word embeddings, by a hook.

    Raises:
        UsageError: If the base has no layers that can.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers: list[Any] = [module for module in base.model.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not layers:
        raise UsageError(
            Remark(
                f"training.gradient_checkpointing is true, but the base {base.name} has no layers that can be computed "
                "anew in the backward pass.",
                f"training.gradient_checkpointing 为 true，但基座 {base.name} 没有可在反向传播时重新计算的层。",
            ),
            Remark("Leave it out, or choose another model.base.", "请不写这一项，或选择另一个 model.base。"),
        )
    config: Any = base.model.config
    config.use_cache = False  # a cache would keep what is not to be kept
    for layer in layers:
        layer.gradient_checkpointing = True
        layer._gradient_checkpointing_func = recomputed


def is_recomputed(layer: nn.Module) -> bool:
    """Say whether a layer is to be computed anew in the backward pass that follows."""
    return bool(getattr(layer, "gradient_checkpointing", False)) and layer.training and torch.is_grad_enabled()
