"""Bottleneck adapters: small layers put between the frozen ones.

Two placements: after both sub-layers of each layer, whose norms then learn too (Houlsby et al. 2019,
"Parameter-Efficient Transfer Learning for NLP"), or one around the norm that ends the layer (Pfeiffer et al. 2020,
"MAD-X", section 4.1). A layer that normalises before its sub-layers, as causal models do, has no such norm: the one
adapter then follows the feed-forward sub-layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from torch import Tensor, nn

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.adaptations.adaptation import Adaptation

if TYPE_CHECKING:
    from feilun.models.bases.base import Base


FIRST = "first_{}"
"""Buffer of a norm that holds its weight of that name as it was before it learnt."""


class _Places(NamedTuple):
    """Paths inside a layer: the modules that end its sub-layers before the residual, and the norm that ends it."""

    attention: str
    feed_forward: str
    norm: str | None


_FAMILIES = (
    _Places("attention.output.dropout", "output.dropout", "output.LayerNorm"),  # BERT and its kin
    _Places("self_attn.o_proj", "mlp.down_proj", None),  # Llama, Gemma, Qwen, Mistral
    _Places("attention.out_lin", "ffn.dropout", "output_layer_norm"),  # DistilBERT
    _Places("attn.out_drop", "mlp.Wo", None),  # ModernBERT
)


@dataclass(frozen=True)
class Adapter(Adaptation):
    """The base stands still; small bottleneck layers between its layers learn."""

    pace: ClassVar[float] = 10.0
    searched: ClassVar[Mapping[str, tuple[int, ...]]] = {"size": (16, 32, 64, 128)}

    size: int = setting(32, Remark("width of the bottleneck", "瓶颈的宽度"), minimum=1)
    placement: Literal["houlsby", "pfeiffer"] = setting(
        "houlsby",
        Remark(
            "houlsby: two in each layer, and its norms learn; pfeiffer: one, and nothing else learns",
            "houlsby：每层两个，层归一化也学习；pfeiffer：每层一个，其余都不学习",
        ),
    )

    def apply(self, base: Base) -> None:
        """Put the bottlenecks in; the model's answers stay bitwise what they were.

        Raises:
            UsageError: If the base's layers are built in no known way.
        """
        base.model.requires_grad_(False)
        houlsby = self.placement == "houlsby"
        for layer in base.layers:
            places = _places(layer, base)
            if houlsby:
                _let_norms_learn(layer)
                _wrap(layer, places.attention, AfterSublayer, Bottleneck(base.hidden, self.size, nn.GELU()))
                _wrap(layer, places.feed_forward, AfterSublayer, Bottleneck(base.hidden, self.size, nn.GELU()))
            elif places.norm:
                _wrap(layer, places.norm, AroundNorm, Bottleneck(base.hidden, self.size, nn.ReLU()))
            else:
                _wrap(layer, places.feed_forward, AfterSublayer, Bottleneck(base.hidden, self.size, nn.ReLU()))


class Bottleneck(nn.Module):
    """A layer down to a few dimensions and one up again; it gives zero until it has learnt.

    Args:
        hidden: Width of the states.
        size: Width of the bottleneck.
        activation: What stands between.
    """

    def __init__(self, hidden: int, size: int, activation: nn.Module) -> None:
        super().__init__()
        self.down = nn.Linear(hidden, size)
        self.activation = activation
        self.up = nn.Linear(size, hidden)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: Tensor) -> Tensor:
        """Return what is added to the states, shape (batch, tokens, hidden) as they have."""
        added: Tensor = self.up(self.activation(self.down(states)))
        return added


class AfterSublayer(nn.Module):
    """Adds a bottleneck to what a sub-layer gives, before the residual.

    Args:
        inner: The module that ends the sub-layer.
        bottleneck: What is added.
    """

    def __init__(self, inner: nn.Module, bottleneck: Bottleneck) -> None:
        super().__init__()
        self.inner = inner
        self.bottleneck = bottleneck

    def forward(self, states: Tensor) -> Tensor:
        """Run the module and the bottleneck; shape (batch, tokens, hidden)."""
        given: Tensor = self.inner(states)
        added: Tensor = self.bottleneck(given)
        return given + added


class AroundNorm(nn.Module):
    """Adds a bottleneck over the normalised states to the sum that a norm is about to normalise.

    Args:
        inner: The norm.
        bottleneck: What is added.
    """

    def __init__(self, inner: nn.Module, bottleneck: Bottleneck) -> None:
        super().__init__()
        self.inner = inner
        self.bottleneck = bottleneck

    def forward(self, total: Tensor) -> Tensor:
        """Run norm, bottleneck, and norm again; shape (batch, tokens, hidden)."""
        normalised: Tensor = self.inner(total + self.bottleneck(self.inner(total)))
        return normalised


def _places(layer: nn.Module, base: Base) -> _Places:
    names = {name for name, _ in layer.named_modules()}
    for places in _FAMILIES:
        if {places.attention, places.feed_forward} <= names:
            return places
    raise UsageError(
        Remark(
            f"model.adaptation.kind is adapter, but it is not known where the layers of {base.name} "
            f"({type(layer).__name__}) take one.",
            f"model.adaptation.kind 是 adapter，但不知道 {base.name} 的层（{type(layer).__name__}）该在哪里插入。",
        ),
        Remark("Set model.adaptation.kind to lora or full.", "请把 model.adaptation.kind 设为 lora 或 full。"),
    )


def _let_norms_learn(layer: nn.Module) -> None:
    """Let the norms move, and keep what they were: a base that several models share has them so."""
    for module in list(layer.modules()):
        if "norm" in type(module).__name__.lower():
            module.requires_grad_(True)
            for name, weight in list(module.named_parameters(recurse=False)):
                module.register_buffer(FIRST.format(name), weight.detach().clone(), persistent=False)


def _wrap(layer: nn.Module, path: str, wrapper: Callable[[nn.Module, Bottleneck], nn.Module], new: Bottleneck) -> None:
    """Put a wrapper in the place of a module of the layer."""
    parent, _, name = path.rpartition(".")
    holder = layer.get_submodule(parent)
    setattr(holder, name, wrapper(holder.get_submodule(name), new))
