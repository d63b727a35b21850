"""Events that say nothing of interest: the same one again within moments, and what programs do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def repeats_of(
    user: NDArray[np.int64], item: NDArray[np.int64], kind: NDArray[np.int64], time: NDArray[np.float64], seconds: float
) -> NDArray[np.bool_]:
    """Return which events came within moments of the same one before, shape (rows,)."""
    order = np.lexsort((time, kind, item, user))
    same = np.zeros(len(user), bool)
    for column in (user, item, kind):
        values = column[order]
        same[1:] |= values[1:] != values[:-1]
    soon = np.zeros(len(user), bool)
    soon[1:] = ~same[1:] & (np.diff(time[order]) < seconds)
    found = np.zeros(len(user), bool)
    found[order] = soon
    return found & (item >= 0)


def bots_of(user: NDArray[np.int64], time: NDArray[np.float64], users: int, most: int) -> NDArray[np.bool_]:
    """Return which users did more than `most` things within some minute, shape (users,).

    What is all of one moment tells no speed: it comes from a table of days, or from one without times.
    """
    found = np.zeros(users, bool)
    order = np.lexsort((time, user))
    ordered, moments = user[order], time[order]
    if len(order) > most:
        seconds = moments[most:] - moments[:-most]
        many = (ordered[most:] == ordered[:-most]) & (seconds > 0) & (seconds < 60)
        found[ordered[most:][many]] = True
    return found
