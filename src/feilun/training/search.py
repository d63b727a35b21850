"""Search for better settings: Optuna over a declared space, in a study that lies in one file and can be gone on with.

The tree-structured Parzen estimator (Bergstra et al. 2011) proposes; a trial that falls below the median of the others
at the same evaluation is stopped (median stopping, Golovin et al. 2017). The first trial is the recipe as it stands.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feilun.core.errors import UsageError
from feilun.core.files import disk_errors
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.training.stopping import lower_is_better

JOURNAL = "journal.log"
NAME = "search"

STARTUP_TRIALS = 5
"""Trials before any is stopped by the median."""

FIXED = ("model.base", "training.seed", "training.distil.", "training.semi_supervised")
"""Beginnings of keys that no search varies: all its trials share base, seed and rows."""

WIDE = 10
"""From this ratio on, a range is searched by its logarithm."""


@dataclass(frozen=True)
class SearchSettings:
    """The table `[search]`, for `feilun search`."""

    trials: int = setting(
        20,
        Remark("how many settings are tried, those of the recipe among them", "试多少组设置，包括配方原样"),
        minimum=1,
    )
    minutes: float | None = setting(
        None,
        Remark(
            "time after which no trial goes on; none: until all are done",
            "超过这么多分钟不再继续试验；none：直到全部做完",
        ),
        above=0,
    )
    vary: tuple[str, ...] = setting(
        (),
        Remark(
            "what is varied: key=low..high, or key=a|b|c; none: learning rate, epochs, batch, and what the kind has",
            "改动什么：key=low..high 或 key=a|b|c；none：学习率、轮数、批次，以及该适配方式的大小",
        ),
    )


@dataclass(frozen=True)
class Dimension:
    """A key that is varied.

    Args:
        key: Dotted key of the recipe.
        low: Lowest value of a range; None where there are choices.
        high: Highest value.
        whole: Whether only whole numbers are valid.
        choices: Values as `--set` takes them; empty for a range.
    """

    key: str
    low: float | None = None
    high: float | None = None
    whole: bool = False
    choices: tuple[str, ...] = ()

    def propose(self, trial: Any) -> str:
        """Return a value that Optuna proposes, as `--set` takes it."""
        if self.low is None or self.high is None:
            return str(trial.suggest_categorical(self.key, list(self.choices)))
        wide = self.low > 0 and self.high / self.low >= WIDE
        if self.whole:
            return str(trial.suggest_int(self.key, int(self.low), int(self.high), log=wide))
        return repr(trial.suggest_float(self.key, self.low, self.high, log=wide))

    def extremes(self) -> list[str]:
        """Return the values that must be valid for all to be, as `--set` takes them."""
        if self.low is None or self.high is None:
            return list(self.choices)
        return [str(int(value)) if self.whole else repr(value) for value in (self.low, self.high)]

    def holds(self, value: Any) -> Any:
        """Return a value as Optuna holds it where it lies in the dimension, else None."""
        if self.low is None or self.high is None:
            return next((choice for choice in self.choices if choice == str(value) or _number(choice) == value), None)
        return value if isinstance(value, (int, float)) and self.low <= value <= self.high else None


def _number(text: str) -> float | None:
    """Return the number that is written, however it is: 1e-2 is 0.01."""
    try:
        return float(text)
    except ValueError:
        return None


def read_dimension(text: str, types: Mapping[str, str]) -> Dimension:
    """Read a declaration such as `training.learning_rate=1e-5..1e-3` or `model.adaptation.rank=4|8|16`.

    Args:
        text: The declaration.
        types: The type of every key of a recipe, as `settings.describe` names it.

    Returns:
        The dimension.

    Raises:
        UsageError: If it cannot be read, or the key does not decide the weights.
    """
    key, equals, values = (part.strip() for part in text.partition("="))
    if key not in types or not key.startswith(("model.", "training.")) or key.startswith(FIXED):
        raise UsageError(
            Remark(
                f"search.vary names {key!r}, which is no key that can be varied.",
                f"search.vary 中的 {key!r} 不是可以变动的键。",
            ),
            Remark(
                "Valid are the keys of [model] and [training] but base, seed and what adds rows (distil, "
                "semi_supervised), such as training.learning_rate; docs/recipe.md lists them.",
                "可用的是 [model] 和 [training] 中除 base、seed 和增加训练行的（distil、semi_supervised）以外的键，"
                "如 training.learning_rate；全部见 docs/recipe.md。",
            ),
        )
    if not equals or not values:
        raise UsageError(
            Remark(f"search.vary: {text!r} has no values.", f"search.vary：{text!r} 没有取值。"),
            Remark("Write key=low..high or key=a|b|c.", "请写成 key=low..high 或 key=a|b|c。"),
        )
    low, dots, high = values.partition("..")
    if not dots:
        return Dimension(key, choices=tuple(dict.fromkeys(value.strip() for value in values.split("|"))))
    try:
        bounds = float(low), float(high)
    except ValueError:
        raise UsageError(
            Remark(f"search.vary: {values!r} is no range of numbers.", f"search.vary：{values!r} 不是数字范围。"),
            Remark("Write it as in 1e-5..1e-3.", "请写成 1e-5..1e-3 的形式。"),
        ) from None
    if not bounds[0] < bounds[1]:
        raise UsageError(
            Remark(
                f"search.vary: the range {values} of {key} is empty.", f"search.vary：{key} 的范围 {values} 是空的。"
            ),
            Remark("Write the lower number first.", "请把较小的数写在前面。"),
        )
    return Dimension(key, *bounds, whole=re.search("whole number", types[key]) is not None)


class TrialStopped(Exception):
    """A trial was stopped because others are better, or the time is over."""


class TrialTracker:
    """Tells Optuna a trial's figures while it trains, and stops it where that is hopeless.

    Args:
        trial: Optuna's trial.
        metric: The figure that counts.
        deadline: `time.time()` after which it stops, or None.
    """

    def __init__(self, trial: Any, metric: str, deadline: float | None) -> None:
        self.trial = trial
        self.metric = metric
        self.deadline = deadline
        self.evaluations = 0

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of an evaluation; trials are compared at the same number of evaluations.

        Raises:
            TrialStopped: If the trial is not worth going on with.
        """
        if self.metric not in figures:
            return
        self.evaluations += 1
        self.trial.report(figures[self.metric], self.evaluations)
        if self.trial.should_prune() or (self.deadline is not None and time.time() > self.deadline):
            raise TrialStopped

    def note(self, **facts: Any) -> None:
        """Take facts of the run; a trial keeps none."""


def open_study(folder: Path, identity: str, metric: str, seed: int) -> Any:
    """Open the study of a folder, or begin one.

    Args:
        folder: Holds the journal.
        identity: Hash of the recipe, the rows, the base and the space.
        metric: What is to become best.
        seed: Seeds the proposals.

    Returns:
        Optuna's study; proposals of a continued study go on from another seed.

    Raises:
        UsageError: If the folder holds the study of another recipe, other rows or another space.
        StorageError: If the folder cannot be written.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = folder / JOURNAL
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))
        study = optuna.create_study(
            study_name=NAME,
            storage=storage,
            load_if_exists=True,
            direction="minimize" if lower_is_better(metric) else "maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
        )
        known = study.user_attrs.get("identity")
        if known is None:
            study.set_user_attr("identity", identity)
        elif known != identity:
            raise UsageError(
                Remark(
                    f"{folder} holds a study of another recipe, other rows or another space.",
                    f"{folder} 中是另一个配方、另一份数据或另一个搜索空间的搜索。",
                ),
                Remark(
                    "Choose another folder with --out, or remove this one.", "请用 --out 另选文件夹，或删除这一个。"
                ),
            )
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials), n_startup_trials=STARTUP_TRIALS)
    return study


def forget_broken(study: Any) -> None:
    """Mark trials that a killed search left running as failed, and queue their values anew."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        if trial.params:
            study.enqueue_trial(trial.params)


def begun(study: Any) -> int:
    """Return how many trials came to a value, were stopped for it, or are running in some worker."""
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)))
