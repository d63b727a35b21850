"""Texts that no label fits: how many of them are found, and what that costs the texts within the scope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feilun.core.labels import LabelSet
from feilun.core.ports import Decided, Predictor
from feilun.core.prediction import Decision
from feilun.core.report import Figure
from feilun.evaluation.intervals import wilson
from feilun.evaluation.judgement import Judgement

METRICS = ("in_scope_accuracy", "oos_recall")
"""Share of the texts within the scope with their right label, and share of those out of scope that are found (Larson
et al. 2019)."""


def fit(decision: Decision, logits: NDArray[np.float32], targets: NDArray[np.int64], labels: LabelSet) -> Decision:
    """Raise the probability that a label needs until as many texts lose their right label as may.

    Args:
        decision: With its temperature; left as it is where it knows no label for texts out of scope.
        logits: Of validation rows, shape (rows, labels).
        targets: True class of each row, shape (rows,).
        labels: The classes.

    Returns:
        The decision with `in_scope_from`.
    """
    if not decision.out_of_scope:
        return decision
    within = targets != labels.names.index(decision.out_of_scope)
    predicted, scores = decision.chosen(decision.probabilities(logits), labels.names)
    right = np.sort(scores[within & (predicted == targets)])
    lost = int(decision.scope_lost * within.sum())
    return replace(decision, in_scope_from=float(right[lost]) if lost < len(right) else 1.0)


def label_of(predictor: Predictor) -> str:
    """Return the label that a predictor gives texts out of scope; empty where it has none, or does not tell."""
    return str(getattr(predictor.decision, "out_of_scope", "")) if isinstance(predictor, Decided) else ""


def figures(judgement: Judgement, outside: str) -> dict[str, float]:
    """Compute those of `METRICS` that are defined on the rows; none without a label for texts out of scope."""
    return {name: figure.value for name, figure in with_intervals(judgement, outside).items()}


def with_intervals(judgement: Judgement, outside: str) -> dict[str, Figure]:
    """Compute the figures with their intervals by Wilson."""
    if not outside:
        return {}
    out = judgement.targets == judgement.labels.index(outside)
    found = {}
    for name, rows in zip(METRICS, (~out, out), strict=True):
        if rows.any():
            hits, count = int(judgement.correct[rows].sum()), int(rows.sum())
            found[name] = Figure(hits / count, *wilson(hits, count))
    return found
