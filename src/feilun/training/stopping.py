"""When to stop, and which weights to keep."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.settings import setting
from feilun.evaluation.metrics.single_label import LOWER_IS_BETTER


def lower_is_better(metric: str) -> bool:
    """Say whether a lower value of a figure is the better one; of several tasks the task's name may stand before it."""
    return metric.rpartition(".")[2] in LOWER_IS_BETTER | {"loss"}


@dataclass(frozen=True)
class EarlyStopping:
    """The table `training.early_stopping`."""

    metric: str = setting(
        "macro_f1", "metric on the validation rows that picks the best weights; by default the first of the task's"
    )
    patience: int = setting(
        4, "evaluations without a better value, after the warmup, before training stops; 0 never stops", minimum=0
    )
    evaluations_per_epoch: int = setting(2, "how often the validation rows are looked at", minimum=1)

    def better(self, value: float, best: float | None) -> bool:
        """Say whether a value beats the best so far."""
        if best is None:
            return True
        return value < best if lower_is_better(self.metric) else value > best

    def enough(self, waited: int) -> bool:
        """Say whether to stop after `waited` evaluations without a better value."""
        return 0 < self.patience <= waited
