"""What a search tried and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feilun.core.remark import Remark


@dataclass(frozen=True)
class Trial:
    """One trial.

    Args:
        number: From 0, in the order of beginning.
        state: complete, stopped (others were better, or time was over), or failed.
        value: The metric at the trial's best step; None where it failed before an evaluation.
        settings: The values of the varied keys, as `--set` takes them.
        seconds: How long it took.
        reason: Why it failed, else empty.
    """

    number: int
    state: str
    value: float | None
    settings: Mapping[str, str]
    seconds: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """What a search found.

    Args:
        metric: What was to become best, on the validation rows.
        best: The best trial.
        recipe: Its recipe, written out.
        standing: The value of the recipe as it stood; None where that trial did not come to its end.
        trials: All trials.
    """

    metric: str
    best: Trial
    recipe: Path
    standing: float | None
    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {
            "metric": self.metric, "best": self.best.to_json(), "recipe": str(self.recipe), "standing": self.standing,
            "trials": len(self.trials),
        }  # fmt: skip


def trials_of(study: Any) -> list[Trial]:
    """Return the trials of Optuna's study that have ended."""
    states = {"COMPLETE": "complete", "PRUNED": "stopped", "FAIL": "failed"}
    return [
        Trial(
            number=trial.number,
            state=states[trial.state.name],
            value=trial.value,
            settings={key: str(value) for key, value in trial.params.items()},
            seconds=trial.duration.total_seconds() if trial.duration else 0.0,
            reason=Remark(*trial.user_attrs["reason"]) if "reason" in trial.user_attrs else "",
        )
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in states
    ]
