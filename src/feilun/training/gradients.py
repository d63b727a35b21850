"""The gradients of one optimiser step, as many rows at once as memory holds."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from torch import Tensor

from feilun.core.errors import TrainingError
from feilun.core.remark import Remark
from feilun.models.text_model import TextModel
from feilun.training.distil import Lessons
from feilun.training.forward import Reader
from feilun.training.memory import give_freed_memory_back, is_out_of_memory
from feilun.training.random_state import random_state, set_random_state

log = logging.getLogger(__name__)


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
        model: The model; its head's loss counts.
        reader: Gives the logits of rows.
        targets: What the loss compares with, a row each.
        lengths: Tokens of each row.
        lessons: What teachers say about the rows.
    """

    def __init__(
        self, model: TextModel, reader: Reader, targets: Tensor, lengths: Sequence[int], lessons: Lessons | None = None
    ) -> None:
        self.model, self.reader, self.lessons = model, reader, lessons
        self.targets, self.lengths = targets, lengths
        self.at_once: int | None = None
        """Largest rows × longest row that memory holds in one go; None as long as nothing was too large."""

    def add(self, batches: Sequence[Sequence[int]], step: int, total: int) -> float:
        """Add the gradients of one step to the weights, which have none yet.

        Where memory runs out, the step is done anew in parts of half the size, and so are those after it. Its
        gradients are the same.

        Args:
            batches: Rows whose loss is taken together; the losses of all rows of all batches count alike.
            step: Optimiser steps done, from 0.
            total: Steps of the whole run.

        Returns:
            The mean loss over these rows.

        Raises:
            NotFinite: If the loss of a batch is not.
            TrainingError: If memory does not hold a single row.
        """
        before = random_state()
        while True:
            self.reader.begin(step, total, self.at_once)
            try:
                return self._add(batches)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self.read_less_at_once(batches)  # what the failed try held is free only outside of `except`
            self.model.zero_grad(set_to_none=True)
            give_freed_memory_back()
            set_random_state(before)

    def _add(self, batches: Sequence[Sequence[int]]) -> float:
        rows = sum(map(len, batches))
        total = 0.0
        for batch in batches:
            loss = self.losses(batch).sum() / rows
            value = loss.item()
            if not math.isfinite(value):
                raise NotFinite(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            total += value
        self.reader.finish()
        return total

    def losses(self, batch: Sequence[int]) -> Tensor:
        """Return the loss of each row of a batch, shape (batch,)."""
        logits = self.reader.logits(batch)
        losses = self.model.head.loss(logits, self.targets[list(batch)])
        return losses if self.lessons is None else self.lessons.blended(losses, logits, batch)

    def read_less_at_once(self, batches: Sequence[Sequence[int]]) -> None:
        """Halve what is read in one go.

        Raises:
            TrainingError: If the longest row stood alone already.
        """
        longest = max(self.lengths[row] for batch in batches for row in batch)
        if self.at_once is not None and self.at_once < 2 * longest:
            raise TrainingError(
                Remark(
                    f"Memory does not hold the training of one row of {longest} tokens.",
                    f"内存不够训练一行 {longest} 个词元的文本。",
                ),
                Remark(
                    "Lower model.max_tokens, set training.gradient_checkpointing=true, or choose a smaller model.base.",
                    "请调低 model.max_tokens，设置 training.gradient_checkpointing=true，或选择更小的 model.base。",
                ),
            )
        largest = max(len(batch) * max(self.lengths[row] for row in batch) for batch in batches)
        if self.at_once is None:
            log.warning("Memory ran out: batches are read in parts from here on, with the same gradients.")
        self.at_once = min(largest, self.at_once or largest) // 2
