"""The gradients of one optimiser step."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from feilun.models.text_model import TextModel
from feilun.training.distil import Lessons
from feilun.training.inputs import Inputs


class NotFinite(Exception):
    """A loss is NaN or infinite.

    Args:
        rows: The rows of its batch.
    """

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__(f"{len(rows)} rows")
        self.rows = rows


class Gradients:
    """Takes the gradients of the mean loss of some rows.

    Args:
        model: The model.
        inputs: What its head reads of each training row.
        targets: What the loss compares with, a row each.
        lessons: What teachers say about the training rows.
    """

    def __init__(self, model: TextModel, inputs: Inputs, targets: Tensor, lessons: Lessons | None = None) -> None:
        self.model, self.inputs, self.targets, self.lessons = model, inputs, targets, lessons

    def add(self, batches: Sequence[Sequence[int]]) -> float:
        """Add the gradients of one step to the weights.

        Args:
            batches: Rows that are read together; the losses of all rows of all batches count alike.

        Returns:
            The mean loss over these rows.

        Raises:
            NotFinite: If the loss of a batch is not.
        """
        rows = sum(map(len, batches))
        total = 0.0
        for batch in batches:
            loss = self.losses(batch).sum() / rows
            value = loss.item()
            if not math.isfinite(value):
                raise NotFinite(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            total += value
        return total

    def losses(self, batch: Sequence[int]) -> Tensor:
        """Return the loss of each row of a batch, shape (batch,)."""
        logits = self.model.head(self.inputs.pooled(batch))
        losses = self.model.head.loss(logits, self.targets[list(batch)])
        return losses if self.lessons is None else self.lessons.blended(losses, logits, batch)
