"""The average is what its definition says, and swaps without a trace."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from feilun.training.averaging import EVERY, AveragedWeights


def walked(steps: int, window: float) -> tuple[list[nn.Parameter], AveragedWeights, list[torch.Tensor]]:
    """Let two weights walk at random; also return the first one's value at every look."""
    torch.manual_seed(1)
    weights = [nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(5))]
    average, seen = AveragedWeights(weights, window), []
    for step in range(1, steps + 1):
        with torch.no_grad():
            for weight in weights:
                weight.add_(torch.randn_like(weight))
        average.after_step(step)
        if step % EVERY == 0:
            seen.append(weights[0].detach().clone())
    return weights, average, seen


def test_it_is_the_plain_mean_until_the_window_is_full() -> None:
    weights, average, seen = walked(steps=6 * EVERY, window=100 * EVERY)
    with average.in_place():
        torch.testing.assert_close(weights[0].detach(), torch.stack(seen).mean(0))


def test_it_forgets_what_lies_before_the_window() -> None:
    weights, average, seen = walked(steps=200 * EVERY, window=3 * EVERY)
    expected = seen[0]
    for number, value in enumerate(seen[1:], start=2):
        expected = expected + (value - expected) / min(number, 3)
    with average.in_place():
        torch.testing.assert_close(weights[0].detach(), expected)


def test_the_weights_come_back_bitwise_also_after_an_error() -> None:
    weights, average, _ = walked(steps=5 * EVERY, window=10 * EVERY)
    before = [weight.detach().clone() for weight in weights]

    def fail() -> None:
        with average.in_place():
            assert not torch.equal(weights[0], before[0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert all(torch.equal(one, other) for one, other in zip(before, weights, strict=True))


def test_a_window_too_short_averages_nothing() -> None:
    weights, average, seen = walked(steps=5 * EVERY, window=EVERY)
    with average.in_place():
        assert torch.equal(weights[0], seen[-1])
    assert not average.state()
