"""When to stop, and which weights to keep."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.settings import setting

LOWER_IS_BETTER = frozenset({"loss", "log_loss", "expected_calibration_error"})


@dataclass(frozen=True)
class EarlyStopping:
    """The table `training.early_stopping`."""

    metric: str = setting("macro_f1", "metric on the validation rows that picks the best weights")
    patience: int = setting(4, "evaluations without a better value before training stops; 0 never stops", minimum=0)
    evaluations_per_epoch: int = setting(2, "how often the validation rows are looked at", minimum=1)

    def better(self, value: float, best: float | None) -> bool:
        """Say whether a value beats the best so far."""
        if best is None:
            return True
        return value < best if self.metric in LOWER_IS_BETTER else value > best

    def enough(self, waited: int) -> bool:
        """Say whether to stop after `waited` evaluations without a better value."""
        return 0 < self.patience <= waited
