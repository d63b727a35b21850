"""What a user is after right now: the latest visit says more than what came before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.records.interactions import History
from feilun.core.settings import setting

MINUTE = 60.0


@dataclass(frozen=True)
class SessionSettings:
    """The table `[session]`."""

    minutes: float = setting(
        5.0, "what was taken within so many minutes before the latest event is the visit, until it is so old", above=0
    )
    weight: float = setting(
        2.0, "how many times the visit counts, if that gains on the validation lists of the training; 1 never tries it",
        minimum=1,
    )  # fmt: skip


@dataclass(frozen=True)
class Session:
    """How the visit counts, as training chose it.

    Args:
        minutes: How long it is.
        weight: How many times it counts; 1 as much as the rest.
    """

    minutes: float = 5.0
    weight: float = 1.0

    def within(self, history: History, moment: float) -> History:
        """Return a history in which the visit of a moment counts more, where there is one.

        All that reads histories follows: the user's vector in text neighbours and matrix factorisation, item–item
        recall, and the features of the final ranking.
        """
        if self.weight == 1 or not len(history):
            return history
        seconds, latest = self.minutes * MINUTE, float(history.times[-1])
        if moment - latest > seconds:
            return history
        visit = history.times >= latest - seconds
        return replace(history, weights=np.where(visit, self.weight, 1.0) * history.weights, visit=int(visit.sum()))


def gains(plain: NDArray[np.float64], weighed: NDArray[np.float64]) -> bool:
    """Return whether a figure gains beyond chance, by a one-sided paired test at 5 %.

    Args:
        plain: Of each user where the visit counts as the rest, shape (users,).
        weighed: Where it counts more, shape (users,).
    """
    difference = weighed - plain
    if len(difference) < 2 or not difference.any():
        return False
    return bool(difference.mean() > 1.645 * difference.std(ddof=1) / np.sqrt(len(difference)))
