"""Low-rank updates of linear layers, put in by peft: where they go, what weight they come to, how they are merged.

The update of a weight W is B A, of low rank; a layer then computes x (W + B A)ᵀ. peft computes x Wᵀ and x Aᵀ Bᵀ apart,
which is right for wide layers; narrow ones are faster with the sum formed once a batch (`fast_encoder`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from feilun.core.errors import UsageError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.models.bases.base import Base

NAME = "default"
"""What peft calls the one update that a layer has."""

ALL = "all"
"""Stands for every linear layer in a list of targets."""

QUERY_AND_VALUE = (
    ("query", "value"),  # BERT and its kin, ELECTRA
    ("q_proj", "v_proj"),  # Llama, Gemma, Qwen, Mistral
    ("q_lin", "v_lin"),  # DistilBERT
    ("query_proj", "value_proj"),  # DeBERTa v2 and v3
    ("Wqkv",),  # ModernBERT
    ("query_key_value",),  # BLOOM, Falcon, GPT-NeoX
)
"""Names of the layers that Hu et al. 2021 (section 7.1) update, by family."""

_PEFT = {"peft.tuners.lora.layer", "peft.tuners.adalora.layer"}


def find_targets(base: Base, wanted: Sequence[str]) -> list[str]:
    """Return the full names of the linear layers that are to be updated.

    Args:
        base: The base.
        wanted: Names as in `attention.self.query`, or their last words; `all` for every linear layer; none for query
            and value of the attention.

    Returns:
        Names within the model, of layers inside the transformer layers only.

    Raises:
        UsageError: If a name fits no linear layer; the valid ones are listed.
    """
    inside = {id(module) for layer in base.layers for module in layer.modules() if isinstance(module, nn.Linear)}
    linear = [name for name, module in base.model.named_modules() if id(module) in inside]
    if not wanted:
        wanted = next((names for names in QUERY_AND_VALUE if all(_fitting(linear, name) for name in names)), (ALL,))
    for name in wanted:
        if name != ALL and not _fitting(linear, name):
            valid = _paths(base)
            raise UsageError(
                Remark(
                    f"model.adaptation.targets names {name!r}, but the layers of {base.name} have no such linear "
                    "layer.",
                    f"model.adaptation.targets 中的 {name!r}，在 {base.name} 的各层中没有这样的线性层。",
                ),
                Remark(
                    f"They have {', '.join(valid)}; the last word alone does too, and {ALL!r} stands for each of them.",
                    f"它们有 {'、'.join(valid)}；只写最后一段也可以，{ALL!r} 表示全部。",
                ),
            )
    return [name for name in linear if ALL in wanted or any(_fitting([name], word) for word in wanted)]


def check_rank(base: Base, targets: Sequence[str], key: str, rank: int) -> None:
    """Refuse a rank that a weight cannot have.

    Args:
        base: The base.
        targets: Full names of the linear layers that are to be updated.
        key: Name of the setting, for the message.
        rank: Its value.

    Raises:
        UsageError: If it is above the shorter side of a weight.
    """
    most = min(min(base.model.get_submodule(name).weight.shape) for name in targets)  # type: ignore[arg-type]
    if rank > most:
        raise UsageError(
            Remark(
                f"model.adaptation.{key} is {rank:,}, but the smallest of the layers of {base.name} that are updated "
                f"has rank {most:,}.",
                f"model.adaptation.{key} 是 {rank:,}，但 {base.name} 要更新的层中，最小的秩是 {most:,}。",
            ),
            Remark(
                f"Set model.adaptation.{key} to at most {most:,}; 4 to 32 is usual.",
                f"请把 model.adaptation.{key} 设为不超过 {most:,}；通常取 4 到 32。",
            ),
        )


def is_low_rank(module: nn.Module) -> bool:
    """Say whether a module is a linear layer with an update."""
    return type(module).__module__ in _PEFT and hasattr(module, "get_delta_weight")


def comes_to_a_weight(module: nn.Module) -> bool:
    """Say whether the layer with its update computes what one matrix would: not while its dropout is active."""
    dropouts: Any = getattr(module, "lora_dropout", {})
    return is_low_rank(module) and not any(
        isinstance(dropout, nn.Dropout) and dropout.training and dropout.p for dropout in dropouts.values()
    )


def low_rank_modules(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield the linear layers with an update, by name."""
    return ((name, module) for name, module in model.named_modules() if is_low_rank(module))


def fold_low_rank(model: nn.Module) -> None:
    """Add every update to the weight that it belongs to, and put the plain linear layers back."""
    for name, module in list(low_rank_modules(model)):
        plain = module.get_base_layer()
        with torch.no_grad():
            b, a, scale = factors(module)
            plain.weight.addmm_(b, a, alpha=scale)
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, plain)


def factors(module: Any) -> tuple[Tensor, Tensor, float]:
    """Return B (out, rank), A (rank, in) and the scale of B A, as peft's `get_delta_weight` multiplies them."""
    if hasattr(module, "lora_E"):  # AdaLoRA's P, Λ Q
        scale = module.scaling[NAME] / (module.r[NAME] + 1e-5)
        return module.lora_B[NAME], module.lora_A[NAME] * module.lora_E[NAME], scale
    return module.lora_B[NAME].weight, module.lora_A[NAME].weight, module.scaling[NAME]


def _fitting(names: Sequence[str], wanted: str) -> bool:
    return any(name == wanted or name.endswith(f".{wanted}") for name in names)


def _paths(base: Base) -> list[str]:
    """Return the paths of the linear layers inside a transformer layer."""
    paths = (name for layer in base.layers for name, module in layer.named_modules() if isinstance(module, nn.Linear))
    return list(dict.fromkeys(paths))
