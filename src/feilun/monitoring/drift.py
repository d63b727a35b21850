"""Drift: does a window of predictions look like the rows that the model was validated on?

What the model says is the most telling: predicted labels and their scores (black-box shift detection, Lipton et al.
2018; found best by Rabanser et al. 2019 among twelve ways). Lengths, scripts, unknown tokens and pooled states say what
it may come from. Every signal has a permutation test; Holm's correction (1979) keeps the chance of any false alarm in a
window at `alpha`, however the signals depend on each other.

Nothing here sees a change of what is right for the same texts: there labels are needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.monitoring.permutation import Outcome, compare_states
from feilun.monitoring.reference import Reference
from feilun.monitoring.sample import Sample

ALPHA = 0.01
"""Chance of a false alarm in a window without drift."""

PERMUTATIONS = 999
"""Fewest permutations of a test."""

SPARE = 3
"""So many times the permutations without which no signal could reach its threshold are drawn."""

FEWEST_ROWS = 50
"""Windows with fewer rows get no verdict."""

STATES = 300
"""Most rows of a window whose states are compared: the work grows with the square."""


@dataclass(frozen=True)
class Signal:
    """What one test says.

    Args:
        name: Such as `labels`, `scores`, `characters` or `states`; docs/monitoring.md lists them.
        statistic: The distance of the window from the reference.
        p_value: As corrected by Holm; below alpha it has drifted.
        drifted: Whether it has.
        change: What changed most, in words; empty for states.
    """

    name: str
    statistic: float
    p_value: float
    drifted: bool
    change: str = ""


@dataclass(frozen=True)
class Drift:
    """What a window says.

    Args:
        rows: Predictions in the window.
        reference_rows: Validation rows it is compared with.
        alpha: Chance of a false alarm.
        signals: By test, the most surprising first.
    """

    rows: int
    reference_rows: int
    alpha: float
    signals: tuple[Signal, ...]

    @property
    def drifted(self) -> bool:
        """Say whether any signal has drifted."""
        return any(signal.drifted for signal in self.signals)

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        signals = [
            {"name": s.name, "statistic": round(s.statistic, 6), "p_value": round(s.p_value, 6), "drifted": s.drifted,
             "change": s.change}
            for s in self.signals
        ]  # fmt: skip
        return {
            "rows": self.rows, "reference_rows": self.reference_rows, "alpha": self.alpha, "drifted": self.drifted,
            "signals": signals,
        }  # fmt: skip


def drift(
    reference: Reference, window: Sample, *, alpha: float = ALPHA, permutations: int | None = None, seed: int = 0
) -> Drift:
    """Compare a window with the reference.

    Args:
        reference: Figures of the validation rows.
        window: Figures of the window, with reduced states where they are known.
        alpha: Chance of a false alarm.
        permutations: Permutations of each test; None takes as many as so many signals at this alpha need.
        seed: Of the permutations: the same window gets the same verdict.

    Raises:
        UsageError: If the window has fewer than `FEWEST_ROWS` rows, or too few permutations for so small an alpha.
    """
    if len(window) < FEWEST_ROWS:
        raise UsageError(
            Remark(
                f"A window of {len(window)} predictions is too small for a verdict.",
                f"只有 {len(window)} 个预测，太少，还不能下结论。",
            ),
            Remark(f"Wait for {FEWEST_ROWS}.", f"请等到有 {FEWEST_ROWS} 个。"),
        )
    names = [name for name in reference.sample.signals if name in window.signals]
    if permutations is None:
        permutations = max(PERMUTATIONS, math.ceil(SPARE * (len(names) + 1) / alpha))
    generator = np.random.default_rng(seed)
    found = list(_outcomes(reference, window, names, permutations, generator))
    if alpha * (permutations + 1) < len(found):
        raise UsageError(
            Remark(
                f"{permutations} permutations cannot reach alpha {alpha:g} over {len(found)} signals.",
                f"{permutations} 次置换在 {len(found)} 个信号上达不到 alpha {alpha:g}。",
            ),
            Remark(
                f"Take at least {int(len(found) / alpha)} permutations.", f"至少要 {int(len(found) / alpha)} 次置换。"
            ),
        )
    corrected = holm([outcome.p_value for _, outcome, _ in found])
    signals = [
        Signal(name, outcome.statistic, p_value, p_value <= alpha, change)
        for (name, outcome, change), p_value in zip(found, corrected, strict=True)
    ]
    return Drift(len(window), len(reference.sample), alpha, tuple(sorted(signals, key=lambda s: s.p_value)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected so that the chance of any false rejection is bounded (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    corrected = np.minimum(1, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    result = np.empty(len(order))
    result[order] = corrected
    return [float(value) for value in result]


def _outcomes(
    reference: Reference, window: Sample, names: Sequence[str], permutations: int, generator: np.random.Generator
) -> Iterable[tuple[str, Outcome, str]]:
    for name in names:
        known, now = reference.sample.signals[name], window.signals[name]
        outcome = known.compare(now, permutations, generator) if known.kind == now.kind else None
        if outcome is not None:
            yield name, outcome, known.change(now, name)
    if window.states is not None and len(reference.states):
        yield "states", compare_states(reference.states, window.states[-STATES:], permutations, generator), ""
