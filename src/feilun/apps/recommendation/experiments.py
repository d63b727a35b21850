"""Experiments: arms by a stable hash, and what followed from the lists of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feilun.apps.recommendation.events import Interaction, Ranking
from feilun.apps.recommendation.off_policy import ratio
from feilun.core.errors import UsageError
from feilun.core.report import Figure

PERSONAL, HOLDOUT = "personal", "holdout"
ARMS = (PERSONAL, HOLDOUT)
"""Lists by the user's history, and lists that look at none."""


@dataclass(frozen=True)
class Outcome:
    """What an arm came to.

    Args:
        users: Who was in it.
        lists: Lists that they were shown.
        acted: Share of the lists from which something followed, with its interval over users.
    """

    users: int
    lists: int
    acted: Figure


def outcomes(rankings: Sequence[Ranking], events: Sequence[Interaction], resamples: int = 1000) -> dict[str, Outcome]:
    """Count, for each arm, the lists from which interactions followed.

    Args:
        rankings: What was shown; those of no arm are not looked at.
        events: What users did; those that name a ranking count for it.
        resamples: Of the 95 % bootstrap interval, which draws users, as lists of one user are alike.

    Returns:
        By experiment and arm, such as `holdout:personal`.
    """
    followed = {event.ranking for event in events if event.ranking}
    counts: dict[str, dict[str, list[int]]] = {}
    for ranking in rankings:
        if ranking.arm:
            mine = counts.setdefault(ranking.arm, {}).setdefault(ranking.user, [0, 0])
            mine[0] += ranking.id in followed
            mine[1] += 1
    found = {}
    for arm, users in sorted(counts.items()):
        table = np.array(list(users.values()), dtype=np.float64)
        found[arm] = Outcome(len(table), int(table[:, 1].sum()), ratio(table, resamples))
    return found


def arm_of(user: str, experiment: str, arms: Sequence[str], shares: Sequence[float]) -> str:
    """Return a user's arm of an experiment: the same at every call, independent between experiments.

    Args:
        user: Who.
        experiment: Its name.
        arms: Names of the arms.
        shares: Of the users, one an arm, together 1.

    Returns:
        The arm.

    Raises:
        UsageError: If the shares are none.
    """
    if not arms or len(shares) != len(arms) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise UsageError("An experiment has a share for each arm, together 1.", "Such as 0.5 and 0.5.")
    digest = hashlib.sha256(f"{experiment}\x00{user}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return arms[min(int(np.searchsorted(np.cumsum(shares), place, side="right")), len(arms) - 1)]
