"""What another policy would have earned, from the logged chances of the places that were shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.ranking.click_probability import fit_clicks
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.core.report import Figure
from feilun.evaluation.resampling import intervals_of

Floats = NDArray[np.float64]

FEWEST_EFFECTIVE = 200
"""Effective places, below which nothing is concluded."""

LEAST_COVERED = 0.8
"""Mean weight, below which the log did not hold enough of what the other policy shows; it is 1 where it held all."""

LIKELY = 0.5
"""A place whose item was less likely than this was drawn by chance."""


@dataclass(frozen=True)
class Replayed:
    """Logged places beside what another policy would have done there, given the same list above.

    Args:
        users: Number of each place's user, shape (places,).
        ranks: Its place in the list, from 1, shape (places,).
        rewards: Whether interest followed, shape (places,).
        logged: How likely the logging policy was to show the item, shape (places,).
        wanted: How likely the other policy would show it, shape (places,).
        scores: The other policy's score of the item, NaN where it would not consider it, shape (places,).
        considered: The scores of all that it would consider there, flat, shape (considered,).
        chances: How likely it would show each, flat, shape (considered,).
        owners: Number of the place of each, ascending, shape (considered,).
        lists: Number of each place's list, -1 where an item of it is not known, shape (places,).
    """

    users: NDArray[np.int64]
    ranks: NDArray[np.int64]
    rewards: Floats
    logged: Floats
    wanted: Floats
    scores: Floats
    considered: Floats
    chances: Floats
    owners: NDArray[np.int64]
    lists: NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """What another policy would have earned a place, beside what the logged one did.

    Args:
        places: That were logged with their chances.
        users: Who saw them.
        drawn: Places that went to an item which was not likely: what is known beyond the logged policy's own choice.
        earned: Share of the places that were acted on, of the logged policy.
        weighted: The same of the other policy, by self-normalised inverse propensities; None where it would have shown
            nothing of what was.
        robust: The same, doubly robust; None where too little was acted on to model it.
        gain: The weighted estimate less what was earned, with its paired interval; None likewise.
        effective: Effective sample size, in places (Kish 1965).
        covered: Mean weight: how much of what the other policy shows the log could hold.
    """

    places: int
    users: int
    drawn: int
    earned: Figure
    weighted: Figure | None
    robust: Figure | None
    gain: Figure | None
    effective: float
    covered: float

    def doubts(self) -> list[Remark]:
        """Say why nothing can be concluded; empty where something can."""
        found = []
        if self.effective < FEWEST_EFFECTIVE:
            found.append(
                Remark(
                    f"the {self.places:,} places count as {self.effective:,.0f}, and {FEWEST_EFFECTIVE} are the fewest",
                    f"{self.places:,} 个位置只相当于 {self.effective:,.0f} 个，至少要 {FEWEST_EFFECTIVE} 个",
                )
            )
        if self.covered < LEAST_COVERED:
            found.append(
                Remark(
                    f"the log holds about {self.covered:.0%} of what these settings would show, "
                    f"and {LEAST_COVERED:.0%} are the least",
                    f"日志只包含这些设置会展示内容的约 {self.covered:.0%}，至少要 {LEAST_COVERED:.0%}",
                )
            )
        return found


def estimate(replayed: Replayed, resamples: int = 1000) -> Estimate:
    """Estimate what the other policy would have earned.

    Weights are not clipped: a clipped weight would move the estimate towards what both policies choose, and its
    interval would not say so; what large weights cost shows in the effective sample size.

    Args:
        replayed: At least one place.
        resamples: Of the 95 % bootstrap intervals, which draw users.
    """
    rewards, logged, wanted, users = replayed.rewards, replayed.logged, replayed.wanted, replayed.users
    weights, unclipped = wanted / logged, float("inf")
    some = bool(weights.sum() > 0)
    return Estimate(
        places=len(weights),
        users=len(np.unique(users)),
        drawn=int((logged < LIKELY).sum()),
        earned=_ratio(rewards, np.ones(len(weights)), users, resamples),
        weighted=inverse_propensity(rewards, logged, wanted, unclipped, resamples, users) if some else None,
        robust=_robust(replayed, unclipped, resamples),
        gain=_gain(rewards, weights, users, resamples) if some else None,
        effective=float(weights.sum() ** 2 / (weights**2).sum()) if some else 0.0,
        covered=float(weights.mean()),
    )


def _robust(replayed: Replayed, clip: float, resamples: int) -> Figure | None:
    model = modelled(replayed)
    if model is None:
        return None
    return doubly_robust(replayed.rewards, replayed.logged, replayed.wanted, *model, clip, resamples, replayed.users)


def modelled(replayed: Replayed) -> tuple[Floats, Floats] | None:
    """Model what is acted on by score and place; what the other policy would not consider is expected to earn nothing.

    Returns:
        What is expected of each place as it was shown, and as the other policy would fill it, shapes (places,); None
        where too little was shown or acted on.
    """
    known = ~np.isnan(replayed.scores)
    curve = fit_clicks(replayed.scores[known], replayed.ranks[known], replayed.rewards[known] > 0)
    if curve is None:
        return None
    expected = np.zeros(len(known))
    expected[known] = curve.probabilities(replayed.scores[known], replayed.ranks[known])
    of_all = curve.probabilities(replayed.considered, replayed.ranks[replayed.owners])
    return expected, np.bincount(replayed.owners, replayed.chances * of_all, len(known)).astype(np.float64)


def _gain(rewards: Floats, weights: Floats, users: NDArray[np.int64], resamples: int) -> Figure:
    sums = by_group(np.stack([weights * rewards, weights, rewards, np.ones(len(rewards))], axis=1), users)

    def gain(s: Floats) -> dict[str, Floats]:
        return {"gain": s[..., 0] / np.maximum(s[..., 1], 1e-12) - s[..., 2] / s[..., 3]}

    ends = intervals_of(sums, gain, resamples, 0).get("gain")
    low, high = (float(end) for end in ends) if ends else (None, None)
    return Figure(float(gain(sums.sum(0))["gain"]), low, high)


def inverse_propensity(
    rewards: Floats, logged: Floats, wanted: Floats, clip: float = 20.0, resamples: int = 1000,
    groups: NDArray[np.int64] | None = None,
) -> Figure:  # fmt: skip
    """Estimate what another policy would have earned a choice (self-normalised IPS, Swaminathan and Joachims 2015).

    Args:
        rewards: What each logged choice earned, shape (choices,).
        logged: How likely the logging policy was to make it, above 0, shape (choices,).
        wanted: How likely the other policy would make it, shape (choices,).
        clip: Largest weight of a choice; bounds the variance at the price of some bias.
        resamples: Of the 95 % bootstrap interval.
        groups: Choices of one number, such as a user's, are drawn together; each alone where absent, shape (choices,).

    Returns:
        The estimate; NaN where the other policy would have made none of the choices.

    Raises:
        UsageError: If a chance is not in (0, 1].
    """
    weights = np.minimum(wanted / _sound(logged), clip)
    return _ratio(weights * rewards, weights, groups, resamples)


def doubly_robust(
    rewards: Floats, logged: Floats, wanted: Floats, expected: Floats, expected_of_policy: Floats,
    clip: float = 20.0, resamples: int = 1000, groups: NDArray[np.int64] | None = None,
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
        groups: Choices of one number are drawn together, shape (choices,).

    Returns:
        The estimate.
    """
    weights = np.minimum(wanted / _sound(logged), clip)
    return _ratio(expected_of_policy + weights * (rewards - expected), np.ones(len(rewards)), groups, resamples)


def _sound(logged: Floats) -> Floats:
    if len(logged) and not ((logged > 0) & (logged <= 1)).all():
        raise UsageError(
            Remark("A logged chance is above 0 and at most 1.", "记录的概率必须大于 0，且不超过 1。"),
            Remark("Leave out choices whose chance was not logged.", "请去掉没有记录概率的选择。"),
        )
    return logged


def _ratio(above: Floats, below: Floats, groups: NDArray[np.int64] | None, resamples: int) -> Figure:
    sums = np.stack([above, below], axis=1)
    return ratio(sums if groups is None else by_group(sums, groups), resamples)


def ratio(sums: Floats, resamples: int) -> Figure:
    """Return the ratio of two sums with its 95 % bootstrap interval over rows; NaN where the lower sum is none.

    Args:
        sums: What is above and below the line of each row, shape (rows, 2).
        resamples: Of the bootstrap.
    """
    above, below = sums.sum(0)
    if not below > 0:
        return Figure(float("nan"))
    ends = intervals_of(sums, lambda s: {"value": s[:, 0] / np.maximum(s[:, 1], 1e-12)}, resamples, 0).get("value")
    low, high = (float(end) for end in ends) if ends else (None, None)
    return Figure(float(above / below), low, high)


def by_group(rows: Floats, groups: NDArray[np.int64]) -> Floats:
    """Sum rows of one number, shape (numbers, columns)."""
    _, number = np.unique(groups, return_inverse=True)
    found = np.zeros((int(number.max(initial=-1)) + 1, rows.shape[1]))
    np.add.at(found, number, rows)
    return found
