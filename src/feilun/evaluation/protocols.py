"""How interactions are split for judging a recommender: the field's protocols, each once and by name.

All return row numbers. Training rows come before validation and test in time only where the protocol says so; the two
random ones let a model learn from what happened later, and are there because published figures use them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import UsageError, nearest
from feilun.core.remark import Remark

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Parts:
    """Row numbers of three sets that share no row; together they are all rows.

    Args:
        train: Shape (rows of train,).
        validation: Shape (rows of validation,).
        test: Shape (rows of test,).
    """

    train: Rows
    validation: Rows
    test: Rows


def leave_one_out(users: Rows, times: NDArray[np.float64], seed: int = 0) -> Parts:
    """Hold out the last interaction of each user as test and the one before as validation (temporal leave-one-out).

    Users with fewer than three interactions stay in training. Interactions of one moment are ordered as the rows are.
    """
    del seed
    place, size = _places(users, np.lexsort((times, users)))
    enough = size >= 3
    test, validation = (place == size - 1) & enough, (place == size - 2) & enough
    return _parts(validation, test)


def temporal(
    users: Rows, times: NDArray[np.float64], seed: int = 0, validation: float = 0.1, test: float = 0.1
) -> Parts:
    """Cut time twice, for all users at the same moments: the last `test` of the interactions is the test.

    Interactions of the same moment are never parted.
    """
    del users, seed
    if not len(times):
        return _parts(np.zeros(0, bool), np.zeros(0, bool))
    first, second = np.quantile(times, [1 - validation - test, 1 - test], method="higher")
    return _parts((times >= first) & (times < second), times >= second)


def per_user_ratio(
    users: Rows, times: NDArray[np.float64], seed: int = 0, validation: float = 0.1, test: float = 0.1
) -> Parts:
    """Draw a share of each user's interactions at random (RecBole's RS with group_by user, ratios 8:1:1).

    The shares are rounded down, and each is at least one interaction of a user who has three or more.
    """
    del times
    drawn = np.random.default_rng(seed).permutation(len(users))
    place, size = _places(users, np.lexsort((drawn, users)))
    least = (size >= 3).astype(np.int64)
    of_test = np.maximum((size * test).astype(np.int64), least)
    of_both = of_test + np.maximum((size * validation).astype(np.int64), least)
    return _parts((place >= of_test) & (place < of_both), place < of_test)


def global_random(
    users: Rows, times: NDArray[np.float64], seed: int = 0, validation: float = 0.1, test: float = 0.1
) -> Parts:
    """Draw a share of all interactions at random (RecBole's RS without grouping)."""
    del times
    place = np.random.default_rng(seed).permutation(len(users))
    of_test, of_both = int(len(users) * test), int(len(users) * test) + int(len(users) * validation)
    return _parts((place >= of_test) & (place < of_both), place < of_test)


PROTOCOLS: Mapping[str, Callable[..., Parts]] = {
    "leave-one-out": leave_one_out,
    "temporal": temporal,
    "per-user-ratio": per_user_ratio,
    "global-random": global_random,
}
"""By name; each takes users and times of shape (rows,) and a seed."""


def split(protocol: str, users: Rows, times: NDArray[np.float64], seed: int = 0) -> Parts:
    """Split interactions by a protocol's name.

    Args:
        protocol: Of `PROTOCOLS`.
        users: The user of each interaction, shape (rows,).
        times: When it happened, shape (rows,).
        seed: Of the random ones.

    Returns:
        The parts.

    Raises:
        UsageError: If there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(
            Remark(f"There is no protocol {protocol!r}.", f"没有名为 {protocol!r} 的切分方案。"),
            nearest(protocol, PROTOCOLS),
        )
    return PROTOCOLS[protocol](users, times, seed)


def _places(users: Rows, order: Rows) -> tuple[Rows, Rows]:
    """Return, for each row, its place among its user's rows in an order by user, and how many those are."""
    if not len(users):
        return users, users
    ordered = users[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1])
    sizes = np.diff(np.concatenate([starts, [len(users)]]))
    place, size = np.empty(len(users), np.int64), np.empty(len(users), np.int64)
    place[order] = np.arange(len(users)) - np.repeat(starts, sizes)
    size[order] = np.repeat(sizes, sizes)
    return place, size


def _parts(validation: NDArray[np.bool_], test: NDArray[np.bool_]) -> Parts:
    return Parts(np.flatnonzero(~(validation | test)), np.flatnonzero(validation), np.flatnonzero(test))
