"""Drift: does a window of predictions look like the rows that the model was validated on?

What the model says is the most telling: predicted labels and their scores (black-box shift detection, Lipton et al.
2018; found best by Rabanser et al. 2019 among twelve ways). Lengths, scripts, unknown tokens and pooled states say what
it may come from. Every signal has a permutation test; Holm's correction (1979) keeps the chance of any false alarm in a
window at `alpha`, however the signals depend on each other.

Nothing here sees a change of what is right for the same texts: there labels are needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import UsageError
from feilun.monitoring.permutation import Floats, Outcome, compare_categories, compare_ordered, compare_states
from feilun.monitoring.reference import Reference
from feilun.monitoring.sample import Sample

ALPHA = 0.01
"""Chance of a false alarm in a window without drift."""

PERMUTATIONS = 999
FEWEST_ROWS = 50
"""Windows with fewer rows get no verdict."""

STATES = 300
"""Most rows of a window whose states are compared: the work grows with the square."""


@dataclass(frozen=True)
class Signal:
    """What one test says.

    Args:
        name: `labels`, `scores`, `characters`, `scripts`, `unknown` or `states`.
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
    reference: Reference, window: Sample, *, alpha: float = ALPHA, permutations: int = PERMUTATIONS, seed: int = 0
) -> Drift:
    """Compare a window with the reference.

    Args:
        reference: Figures of the validation rows.
        window: Figures of the window, with reduced states where they are known.
        alpha: Chance of a false alarm.
        permutations: Permutations of each test.
        seed: Of the permutations: the same window gets the same verdict.

    Raises:
        UsageError: If the window has fewer than `FEWEST_ROWS` rows, or too few permutations for so small an alpha.
    """
    if len(window) < FEWEST_ROWS:
        raise UsageError(
            f"A window of {len(window)} predictions is too small for a verdict.", f"Wait for {FEWEST_ROWS}."
        )
    generator = np.random.default_rng(seed)
    found = list(_outcomes(reference, window, permutations, generator))
    if alpha * (permutations + 1) < len(found):
        raise UsageError(
            f"{permutations} permutations cannot reach alpha {alpha:g} over {len(found)} signals.",
            f"Take at least {int(len(found) / alpha)} permutations.",
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
    reference: Reference, window: Sample, permutations: int, generator: np.random.Generator
) -> Iterable[tuple[str, Outcome, str]]:
    known = reference.sample
    for name in ("labels", "scripts"):
        first, second = getattr(known, name), getattr(window, name)
        if len({*first, *second}) > 1:
            columns = (np.asarray(first, dtype=object).astype(str), np.asarray(second, dtype=object).astype(str))
            yield name, compare_categories(*columns, permutations, generator), _share_change(first, second)
    describe: tuple[tuple[str, Callable[[Floats], str]], ...] = (
        ("scores", lambda values: f"mean {values.mean():.3f}"),
        ("characters", lambda values: f"median {np.median(values):.0f}"),
        ("unknown", lambda values: f"mean {values.mean():.1%}"),
    )
    for name, words in describe:
        before, after = getattr(known, name), getattr(window, name)
        if len(before) and len(after) and len(np.unique(np.concatenate([before, after]))) > 1:
            change = f"{words(before)} → {words(after)}"
            yield name, compare_ordered(before, after, permutations, generator), change
    if window.states is not None and len(reference.states):
        yield "states", compare_states(reference.states, _last(window.states), permutations, generator), ""


def _last(states: NDArray[np.float32]) -> NDArray[np.float32]:
    return states[-STATES:]


def _share_change(before: Sequence[str], after: Sequence[str]) -> str:
    """Name the category whose share changed most."""
    first, second = Counter(before), Counter(after)
    shares = {name: (first[name] / len(before), second[name] / len(after)) for name in {*first, *second}}
    name, (was, now) = max(sorted(shares.items()), key=lambda item: abs(item[1][1] - item[1][0]))
    return f"{name} {was:.1%} → {now:.1%}"
