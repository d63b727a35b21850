"""How far a cheap model may answer for a careful one, so that a promised loss is kept on rows that nobody has seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

STEPS = 20
"""Shares of the rows that are tried: 5 %, 10 %, …; with finer steps a chance run of lost rows ends the search early."""

ANSWERS_NOTHING = math.nextafter(1.0, 2.0)
"""The threshold that no score reaches."""


@dataclass(frozen=True)
class Promise:
    """From which score on the cheap model answers, and what that is known to cost at most.

    Args:
        threshold: It answers texts whose score is at least this; `ANSWERS_NOTHING` where no loss could be promised.
        share: Share of the rows that it answers.
        lost: Rows that it gets wrong and the careful model right.
        gained: Rows of which the reverse holds.
        rows: Rows that this was chosen on.
        bound: Largest loss of accuracy, as a share, at the wanted confidence.
    """

    threshold: float
    share: float
    lost: int
    gained: int
    rows: int
    bound: float


def promise(
    scores: NDArray[np.floating],
    cheap: NDArray[np.bool_],
    careful: NDArray[np.bool_],
    max_loss: float,
    confidence: float,
) -> Promise:
    """Choose the lowest score from which on the cheap model may answer.

    Thresholds are tried from the strictest on, and the first that cannot keep the promise ends the search: tests in a
    fixed order need no correction for their number (Angelopoulos et al. 2021, "Learn then Test", section 2.3).

    Args:
        scores: The cheap model's calibrated score of each row, shape (rows,).
        cheap: Whether it is right on each row, shape (rows,).
        careful: Whether the careful model is, shape (rows,).
        max_loss: Largest loss of accuracy, as a share.
        confidence: How sure it must be that no more is lost.

    Returns:
        The promise; it answers nothing where the rows are too few for any.
    """
    rows = len(scores)
    order = np.argsort(-scores, kind="stable")
    lost, gained = (np.cumsum(only[order]) for only in (careful & ~cheap, cheap & ~careful))
    found = Promise(ANSWERS_NOTHING, 0.0, 0, 0, rows, loss_bound(0, 0, rows, confidence))
    for step in range(1, STEPS + 1):
        tried = rows * step // STEPS - 1
        if tried < 0:
            continue
        threshold = float(scores[order[tried]])
        last = int((scores >= threshold).sum()) - 1  # rows of equal score go together
        bound = loss_bound(int(lost[last]), int(gained[last]), rows, confidence)
        if bound > max_loss:
            break
        found = Promise(threshold, (last + 1) / rows, int(lost[last]), int(gained[last]), rows, bound)
    return found


def whole_promise(cheap: NDArray[np.bool_], careful: NDArray[np.bool_], confidence: float) -> Promise:
    """Return what it costs at most that the cheap model answers everything; arguments as those of `promise`."""
    rows = len(cheap)
    lost, gained = int((careful & ~cheap).sum()), int((cheap & ~careful).sum())
    return Promise(0.0, 1.0, lost, gained, rows, loss_bound(lost, gained, rows, confidence))


def fewest_rows(max_loss: float, confidence: float) -> int:
    """Return the number of rows below which no loss so small can be promised, even if none of them differs."""
    z = NormalDist().inv_cdf(confidence)
    return math.ceil(z * z * (1 - max_loss) / max_loss)


def loss_bound(lost: int, gained: int, rows: int, confidence: float) -> float:
    """Return an upper bound of the loss of accuracy: the one-sided score bound of paired shares (Tango 1998).

    It inverts the score test, so it says something also where hardly a row differs: of n rows without a difference,
    z² / (n + z²).

    Args:
        lost: Rows that only the careful model gets right.
        gained: Rows that only the cheap model gets right.
        rows: All rows.
        confidence: How sure the bound is, above 0.5.

    Returns:
        The largest loss, as a share, that the rows do not speak against; 1 where there is no row.
    """
    if rows == 0:
        return 1.0
    z = NormalDist().inv_cdf(confidence)
    low, high = (lost - gained) / rows, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _score(lost, gained, rows, middle) >= -z:
            low = middle
        else:
            high = middle
    return high


def _score(lost: int, gained: int, rows: int, loss: float) -> float:
    """Return Tango's statistic for a true loss; it falls as the loss grows."""
    linear = -lost - gained + loss * (2 * rows - lost + gained)
    only_gained = (math.sqrt(max(0.0, linear**2 + 8 * rows * gained * loss * (1 - loss))) - linear) / (4 * rows)
    variance = rows * (2 * only_gained + loss * (1 - loss))
    difference = lost - gained - rows * loss
    return difference / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, difference)
