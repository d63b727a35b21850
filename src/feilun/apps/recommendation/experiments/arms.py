"""Arms of experiments, by a stable hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from feilun.apps.recommendation.settings import ExperimentSettings
from feilun.core.errors import UsageError
from feilun.core.remark import Remark

PERSONAL, HOLDOUT, INTERLEAVED = "personal", "holdout", "interleaved"
"""Lists by the user's history, lists that look at none, and lists in which both take turns."""


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
        raise UsageError(
            Remark("An experiment has a share for each arm, together 1.", "实验的每一组各有一个比例，合计为 1。"),
            Remark("Such as 0.5 and 0.5.", "例如 0.5 和 0.5。"),
        )
    digest = hashlib.sha256(f"{experiment}\x00{user}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return arms[min(int(np.searchsorted(np.cumsum(shares), place, side="right")), len(arms) - 1)]


def arm_for(user: str, experiment: ExperimentSettings) -> str:
    """Return which lists a user gets: one of the arms; empty where the user is in no experiment."""
    if experiment.holdout <= 0:
        return ""
    rest, drawn = ("", INTERLEAVED) if experiment.method == "interleave" else (PERSONAL, HOLDOUT)
    return arm_of(user, experiment.name, (rest, drawn), (1 - experiment.holdout, experiment.holdout))
