"""Layers that are computed anew in the backward pass: the same gradients, dropout included, and less kept meanwhile."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.profiler import profile

from feilun.core.errors import UsageError
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.models.bases.blank import open_blank
from feilun.models.gradient_checkpointing import recompute_layers
from feilun.training.inputs import make_inputs
from tiny import reviews, tiny_model


def kept_and_gradients(kind: str, adaptation: Adaptation, *, recomputed: bool) -> tuple[int, dict[str, Tensor]]:
    """Bytes that a forward pass leaves behind, and the gradients that follow."""
    model = tiny_model(adaptation, kind).train()
    if recomputed:
        recompute_layers(model.base)
    inputs, rows = make_inputs(model, reviews(40)), list(range(40))
    torch.manual_seed(3)
    with profile(profile_memory=True) as profiler:
        loss = model.head(inputs.pooled(rows)).square().sum()
    kept = sum(event.self_cpu_memory_usage for event in profiler.key_averages())
    loss.backward()
    return kept, {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("kind", ["encoder", "causal"])
@pytest.mark.parametrize("adaptation", [Full(), LoRA(), Adapter(), Frozen(layers=1)])
def test_gradients_are_the_same_and_less_is_kept(kind: str, adaptation: Adaptation) -> None:
    much, expected = kept_and_gradients(kind, adaptation, recomputed=False)
    little, found = kept_and_gradients(kind, adaptation, recomputed=True)
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-6, msg=name)
    assert little < much / 2


def test_nothing_changes_where_nothing_is_learnt() -> None:
    model = tiny_model()
    before = model.logits(reviews(10))
    recompute_layers(model.base)
    assert (model.logits(reviews(10)) == before).all()


def test_a_base_without_layers_is_refused() -> None:
    with pytest.raises(UsageError, match="gradient_checkpointing"):
        recompute_layers(open_blank())
