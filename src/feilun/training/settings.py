"""What a recipe says about training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from feilun.core.settings import setting, table
from feilun.text.tokens import batches_by_length
from feilun.training.distil import DistilSettings
from feilun.training.schedule import Schedule
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.table import TrackerName

FEWEST_STEPS = 400
"""Steps of a run that batches are not made larger for."""


@dataclass(frozen=True)
class TrainingSettings:
    """The table `[training]`."""

    method: Literal["fine-tune", "contrastive", "none"] = setting(
        "fine-tune",
        "contrastive: texts of one label are drawn together, then a logistic regression is the head (classify); none: "
        "the base as it is (match with two encoders)",
    )
    optimizer: Literal["adamw", "sgd"] = setting("adamw", "optimiser")
    learning_rate: float | None = setting(
        None,
        "rate of the base's top layer; none: by the base's size, the task, the adaptation and the batches",
        above=0,
    )
    head_learning_rate: float | None = setting(
        None,
        "rate of the head; none: 10 times what full fine-tuning takes, for `tag` 60, for `multilabel` 100 times",
        above=0,
    )
    layer_decay: float = setting(0.9, "each lower layer learns at this share of the rate above it", above=0, maximum=1)
    schedule: Schedule = setting("linear", "how the rate falls to zero")
    warmup: float = setting(0.1, "share of the run in which the rate rises", minimum=0, below=1)
    batch_tokens: int = setting(2048, "largest rows × longest row of a batch", minimum=1)
    batch_rows: int | None = setting(
        None, "largest number of rows of a batch; none: 8 to 128, so that the run has 400 steps", minimum=1
    )
    accumulate: int = setting(1, "batches whose gradients make one step", minimum=1)
    epochs: int = setting(4, "times over the training rows", minimum=1)
    weight_decay: float = setting(0.01, "decay of matrices; norms and biases are spared", minimum=0)
    clip: float = setting(1.0, "largest norm of the gradients; 0 clips nothing", minimum=0)
    average: float = setting(
        0.25, "share of the run that the weights are averaged over; 0 takes the last ones", minimum=0, maximum=1
    )
    early_stopping: EarlyStopping = table(EarlyStopping, "when to stop")
    distil: DistilSettings = table(DistilSettings, "learning from other models' answers beside the labels")
    semi_supervised: Literal["none", "spread"] = setting(
        "none", "spread: the texts of data.unlabelled join the training rows with the labels of those that are alike"
    )
    gradient_checkpointing: bool = setting(
        False, "compute each layer anew in the backward pass: less memory for activations, a third more time"
    )
    trackers: tuple[TrackerName, ...] = setting((), "where figures go beside the run's own folder")
    checkpoint_seconds: float = setting(60.0, "seconds between checkpoints", minimum=0)
    threads: int | None = setting(None, "processor threads; none: all cores", minimum=1)
    seed: int = setting(13, "seeds the head, the order of rows and the dropout", minimum=0)

    def largest_batch(self, rows: int) -> int:
        """Return the largest number of rows of a batch for so many training rows.

        Large batches are fast, but a model needs some hundreds of steps to learn (docs/benchmarks.md, "Defaults").
        """
        return self.batch_rows or min(128, max(8, rows * self.epochs // FEWEST_STEPS))

    def rows_of_a_step(self, lengths: Sequence[int]) -> float:
        """Return how many rows one step reads on average.

        Args:
            lengths: Tokens of each training row.
        """
        batches = batches_by_length(lengths, self.batch_tokens, self.largest_batch(len(lengths)))
        return len(lengths) / math.ceil(len(batches) / self.accumulate)
