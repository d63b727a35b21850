"""Experiments: arms by a stable hash, and what another policy would have earned, from logged chances."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import UsageError
from feilun.core.report import Figure
from feilun.evaluation.resampling import intervals_of

Floats = NDArray[np.float64]


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


def inverse_propensity(
    rewards: Floats, logged: Floats, wanted: Floats, clip: float = 20.0, resamples: int = 1000
) -> Figure:
    """Estimate what another policy would have earned a choice (self-normalised IPS, Swaminathan and Joachims 2015).

    Args:
        rewards: What each logged choice earned, shape (choices,).
        logged: How likely the logging policy was to make it, above 0, shape (choices,).
        wanted: How likely the other policy would make it, shape (choices,).
        clip: Largest weight of a choice; bounds the variance at the price of some bias.
        resamples: Of the 95 % bootstrap interval.

    Returns:
        The estimate; NaN where the other policy would have made none of the choices.

    Raises:
        UsageError: If a chance is not in (0, 1].
    """
    weights = np.minimum(wanted / _sound(logged), clip)
    return _ratio(weights * rewards, weights, resamples)


def doubly_robust(
    rewards: Floats, logged: Floats, wanted: Floats, expected: Floats, expected_of_policy: Floats,
    clip: float = 20.0, resamples: int = 1000,
) -> Figure:  # fmt: skip
    """Estimate the same with a model of the rewards: right where either the chances or the model are (Dudík 2011).

    Args:
        rewards: What each logged choice earned, shape (choices,).
        logged: How likely the logging policy was to make it, above 0, shape (choices,).
        wanted: How likely the other policy would make it, shape (choices,).
        expected: What the model expects of the choice made, shape (choices,).
        expected_of_policy: What the model expects of the other policy at that place, shape (choices,).
        clip: Largest weight of a choice.
        resamples: Of the 95 % bootstrap interval.

    Returns:
        The estimate.
    """
    weights = np.minimum(wanted / _sound(logged), clip)
    return _ratio(expected_of_policy + weights * (rewards - expected), np.ones(len(rewards)), resamples)


def _sound(logged: Floats) -> Floats:
    if len(logged) and not ((logged > 0) & (logged <= 1)).all():
        raise UsageError("A logged chance is above 0 and at most 1.", "Leave out choices whose chance was not logged.")
    return logged


def _ratio(above: Floats, below: Floats, resamples: int) -> Figure:
    if not below.sum() > 0:
        return Figure(float("nan"))
    sums = np.stack([above, below], axis=1)
    ends = intervals_of(sums, lambda s: {"value": s[:, 0] / np.maximum(s[:, 1], 1e-12)}, resamples, 0).get("value")
    low, high = (float(end) for end in ends) if ends else (None, None)
    return Figure(float(above.sum() / below.sum()), low, high)
