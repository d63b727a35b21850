"""What the machine decides, what it errs on, and what goes to a person."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.core.ports import Decided, Predictor
from feilun.evaluation.judges.request import ReportRequest


def decisions(
    correct: NDArray[np.bool_], abstained: NDArray[np.bool_], predictor: Predictor, asked: ReportRequest
) -> dict[str, float]:
    """Count decisions and, where costs are known, what they cost.

    Args:
        correct: Whether each row is right, shape (rows,).
        abstained: Whether it goes to a person, shape (rows,).
        predictor: Tells its threshold, where it has one.
        asked: Tells the costs, where there are any.

    Returns:
        n, decided, wrong, to_person, wrong_if_all_decided, and where known threshold and costs.
    """
    found: dict[str, float] = {
        "n": len(correct),
        "decided": int((~abstained).sum()),
        "wrong": int((~abstained & ~correct).sum()),
        "to_person": int(abstained.sum()),
        "wrong_if_all_decided": int((~correct).sum()),
    }
    if isinstance(predictor, Decided):
        found["threshold"] = predictor.decision.abstain_below
    if asked.cost_error is not None and asked.cost_review is not None:
        found |= _costs(found, asked.cost_error, asked.cost_review)
    return found


def _costs(found: Mapping[str, float], cost_error: float, cost_review: float) -> dict[str, float]:
    """Cost the rows three ways: as decided, all by the machine, all by a person, who is taken to make no error."""
    return {
        "cost_error": cost_error,
        "cost_review": cost_review,
        "cost_decide_all": found["wrong_if_all_decided"] * cost_error,
        "cost_review_all": found["n"] * cost_review,
        "cost": found["wrong"] * cost_error + found["to_person"] * cost_review,
    }
