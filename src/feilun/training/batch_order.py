"""Which rows make which step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from feilun.models.heads.head import Head
from feilun.text.tokens import batches_by_length
from feilun.training.settings import TrainingSettings


def steps_of(epoch: int, head: Head, lengths: Sequence[int], settings: TrainingSettings) -> Iterator[list[list[int]]]:
    """Yield the batches of each optimiser step of an epoch, in an order that depends only on seed and epoch.

    Args:
        epoch: Number of the epoch, from 0.
        head: Says which rows an epoch holds, and which of them stand together.
        lengths: Tokens of each training row.
        settings: Seed and sizes.
    """
    random = np.random.default_rng([settings.seed, epoch])
    units = head.together(head.order(len(lengths), random))
    rows = sum(map(len, units))
    largest = max(1, settings.largest_batch(rows) * len(units) // rows)
    sizes = [len(unit) * max(lengths[row] for row in unit) for unit in units]
    grouped = batches_by_length(sizes, settings.batch_tokens, largest)
    batches = [[row for i in batch for row in units[i]] for batch in grouped]
    picked = [batches[i] for i in random.permutation(len(batches))]
    for start in range(0, len(picked), settings.accumulate):
        yield picked[start : start + settings.accumulate]
