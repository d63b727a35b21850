"""Weights averaged along the run: a better model than the last step's, for the price of a copy.

An exponential average over the last share of the steps (Polyak and Juditsky 1992; as "EMA" in Tarvainen and Valpola
2017), plain while fewer have been made, so that it forgets the untrained weights it began with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

EVERY = 4
"""Steps between two looks at the weights: the average hardly changes, the memory is read a quarter as often."""


class AveragedWeights:
    """The average of some weights.

    Args:
        weights: The weights that move.
        window: Steps that the average spans; below `EVERY` there is none, and the weights stand for themselves.
    """

    def __init__(self, weights: Sequence[nn.Parameter], window: float) -> None:
        self.weights = list(weights)
        self.looks = int(window / EVERY)
        self.average = [weight.detach().clone() for weight in self.weights] if self.looks > 1 else []

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Look at the weights, where it is time to.

        Args:
            step: Optimiser steps done.
        """
        if self.average and step % EVERY == 0:
            share = 1 / min(step // EVERY, self.looks)
            update = get_ema_multi_avg_fn(1 - share)  # type: ignore[no-untyped-call]
            update(self.average, [weight.detach() for weight in self.weights], step)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model hold the average for a while."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def swap(self) -> None:
        """Exchange the weights and their average."""
        if self.average:
            for weight, average in zip(self.weights, self.average, strict=True):
                weight.data, average.data = average.data, weight.data

    def state(self) -> dict[str, Tensor]:
        """Return the average by the weights' numbers, for a checkpoint."""
        return {str(number): average for number, average in enumerate(self.average)}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` returned, in place."""
        for number, average in enumerate(self.average):
            average.copy_(state[str(number)])
