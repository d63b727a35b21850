"""The optimiser's groups and its clipping."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from feilun.training.optimizer import clip_gradients


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
@pytest.mark.parametrize("largest", [0.5, 1e6])
def test_clipping_moves_the_weights_as_clipped_gradients_do(kind: type, largest: float) -> None:
    torch.manual_seed(5)
    ours = [nn.Parameter(torch.randn(50, 30)), nn.Parameter(torch.randn(7)), nn.Parameter(torch.randn(3))]
    plain = [nn.Parameter(weight.detach().clone()) for weight in ours]
    optimizer, reference = kind(ours, lr=0.1, fused=True), kind(plain, lr=0.1)
    for _ in range(4):
        for weight, twin in zip(ours[:2], plain[:2], strict=True):  # the third has no gradient
            weight.grad = torch.randn_like(weight)
            twin.grad = weight.grad.clone()
        norm = clip_gradients(optimizer, ours, largest)
        expected = nn.utils.clip_grad_norm_(plain, largest)
        optimizer.step()
        reference.step()
        torch.testing.assert_close(norm, expected)
    for weight, twin in zip(ours, plain, strict=True):
        torch.testing.assert_close(weight, twin)
