"""How the rows of a batch become logits: here, in one go or part by part, or by several processes (`workers`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from feilun.models.gradient_checkpointing import recomputed
from feilun.models.text_model import TextModel
from feilun.text.tokens import batches_by_length
from feilun.training.inputs import Inputs


class Reader(Protocol):
    """Gives the logits of rows, and sees to it that the weights get their gradients."""

    def begin(self, step: int, total: int, at_once: int | None) -> None:
        """Get ready for a step, of which nothing has been read yet, or for a second try at it.

        Args:
            step: Optimiser steps done, from 0.
            total: Steps of the whole run.
            at_once: Largest rows × longest row that is read in one go; None: any.
        """
        ...

    def logits(self, rows: Sequence[int]) -> Tensor:
        """Return what the head says of the rows of a batch, shape (rows, …), with gradients."""
        ...

    def finish(self) -> None:
        """Let the weights hold the gradients of all rows that were read since `begin`."""
        ...


class OneProcess:
    """Reads all rows here.

    Args:
        model: The model.
        inputs: What its head reads of each row.
    """

    def __init__(self, model: TextModel, inputs: Inputs) -> None:
        self.model, self.inputs = model, inputs
        self.at_once: int | None = None

    def begin(self, step: int, total: int, at_once: int | None) -> None:
        """Note how much is read in one go."""
        self.at_once = at_once

    def logits(self, rows: Sequence[int]) -> Tensor:
        """Return what the head says of the rows, shape (rows, …).

        What is too large for one go is read part by part, and the backward pass reads each part once more, so that
        the activations of one part alone are ever there. The loss is still that of the whole batch.
        """
        parts = [range(len(rows))] if self.at_once is None else self._parts(rows, self.at_once)
        if len(parts) == 1:
            return self._read(rows)
        found = [recomputed(self._read, [rows[place] for place in part]) for part in parts]
        return laid_out(found, parts)

    def finish(self) -> None:
        """Do nothing: the backward pass left the gradients with the weights."""

    def _read(self, rows: Sequence[int]) -> Tensor:
        logits: Tensor = self.model.head(self.inputs.pooled(rows))
        return logits

    def _parts(self, rows: Sequence[int], at_once: int) -> list[list[int]]:
        return batches_by_length([self.inputs.lengths[row] for row in rows], at_once)


Team = Callable[[OneProcess], Reader]
"""Who reads the rows of a run: from what this process reads to what reads them all."""


def single_process(own: OneProcess) -> Reader:
    """Read all rows in this process."""
    return own


def laid_out(parts: Sequence[Tensor], places: Sequence[Sequence[int]]) -> Tensor:
    """Put the logits of parts of a batch where their rows stand in it.

    Args:
        parts: Of each part, shape (rows of the part, …); where the head reads tokens, a part is as wide as its longest
            row, and what is missing behind it becomes zero.
        places: Of each part, where in the batch its rows stand.

    Returns:
        Shape (rows, …).
    """
    widths = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    whole = parts[0].new_zeros(sum(map(len, places)), *widths)
    for part, place in zip(parts, places, strict=True):
        own = tuple(slice(size) for size in part.shape[1:])
        whole[:, *own][torch.as_tensor(place, device=whole.device)] = part
    return whole
