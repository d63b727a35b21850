"""What another policy would have earned with whole lists, from the logged chances of the places that were shown.

A list is made from the top, each place with a chance given what stands above it, so that the chance of the first places
of a list is the product of theirs. How much the log tells of them falls with each place: lists are judged as deep as it
carries.

`whole` weighs all of a list by the chance of all its places (importance sampling, self-normalised): right for users who
look at a list as one. `cascade` weighs each place by the chance of what stands there and above (reward interaction,
McInerney et al. 2020): right for users who look from the top, and surer where places earn independently. `robust` is
that with a model of the rewards: right where either the chances or the model are (Kiyohara et al. 2022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.experiments.off_policy import (
    FEWEST_EFFECTIVE,
    LEAST_COVERED,
    Floats,
    Replayed,
    by_group,
    modelled,
)
from feilun.core.remark import Remark
from feilun.core.report import Figure
from feilun.evaluation.resampling import intervals_of

DEPTHS = (1, 2, 3, 5, 10, 20, 50, 100)
"""First places that are judged, beside the whole lists."""


@dataclass(frozen=True)
class ListEstimate:
    """What the first places of a list would have earned, beside what they did.

    Args:
        depth: How many first places.
        lists: That were logged with their chances.
        earned: Places of them that were acted on, a list.
        whole: The same of the other policy, all places weighed as one; None where it would have shown none of it.
        cascade: The same, each place weighed by itself and what stands above; None likewise.
        robust: The same, doubly robust; None where too little was acted on to model it.
        gain: The cascade estimate less what was earned, with its paired interval; None likewise.
        effective: Effective sample size at the last of the places, in lists (Kish 1965).
        covered: Mean weight there: how much of what the other policy shows the log could hold; about 1 where all.
    """

    depth: int
    lists: int
    earned: Figure
    whole: Figure | None
    cascade: Figure | None
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
                    f"the {self.lists:,} lists count as {self.effective:,.0f}, {FEWEST_EFFECTIVE} are the fewest",
                    f"{self.lists:,} 个列表只相当于 {self.effective:,.0f} 个，至少要 {FEWEST_EFFECTIVE} 个",
                )
            )
        if self.covered < LEAST_COVERED:
            found.append(
                Remark(
                    f"the log holds {self.covered:.0%} of such lists, {LEAST_COVERED:.0%} are the least",
                    f"日志只包含这类列表的 {self.covered:.0%}，至少要 {LEAST_COVERED:.0%}",
                )
            )
        return found


@dataclass(frozen=True)
class Slates:
    """Logged lists as rows, their places as columns; a list that is shorter has nothing in the last ones.

    Args:
        users: Number of each list's user, shape (lists,).
        there: Which places there are, shape (lists, longest).
        rewards: Whether interest followed, shape (lists, longest).
        weights: How much likelier the other policy was to show a place and what is above it, shape (lists, longest).
        expected: What a model of the rewards expects of what was shown, shape (lists, longest); None without one.
        of_policy: What it expects of the other policy there, shape (lists, longest); None without one.
    """

    users: NDArray[np.int64]
    there: NDArray[np.bool_]
    rewards: Floats
    weights: Floats
    expected: Floats | None
    of_policy: Floats | None

    def first(self, depth: int) -> Slates:
        """Return the first places of all lists."""
        of = slice(depth)
        expected, of_policy = (None if one is None else one[:, of] for one in (self.expected, self.of_policy))
        return Slates(
            self.users, self.there[:, of], self.rewards[:, of], self.weights[:, of], expected, of_policy
        )  # fmt: skip


def estimate_lists(replayed: Replayed, resamples: int = 1000) -> list[ListEstimate]:
    """Estimate what another policy would have earned with whole lists, the first places alone and ever more of them.

    Args:
        replayed: Logged places; lists of which some are unknown are left out.
        resamples: Of the 95 % bootstrap intervals, which draw users.

    Returns:
        By depth, the last of them as deep as the longest list; none where no list is known as a whole.
    """
    slates = slates_of(replayed)
    longest = slates.there.shape[1]
    depths = [depth for depth in DEPTHS if depth < longest] + [longest] * (longest > 0)
    return [_estimated(slates.first(depth), resamples) for depth in depths]


def slates_of(replayed: Replayed) -> Slates:
    """Lay out the logged places of whole lists."""
    rows = np.flatnonzero(replayed.lists >= 0)
    _, first, number = np.unique(replayed.lists[rows], return_index=True, return_inverse=True)
    place = replayed.ranks[rows] - 1
    shape = (len(first), int(place.max(initial=-1)) + 1)

    def laid(values: NDArray[Any], filled: float = 0.0) -> Floats:
        found = np.full(shape, filled)
        found[number, place] = values[rows]
        return found

    model = modelled(replayed)
    expected, of_policy = (None, None) if model is None else (laid(model[0]), laid(model[1]))
    return Slates(
        replayed.users[rows][first], laid(np.ones(len(replayed.ranks))) > 0, laid(replayed.rewards),
        np.cumprod(laid(replayed.wanted / replayed.logged, 1.0), axis=1, dtype=np.float64),
        expected, of_policy,
    )  # fmt: skip


def _estimated(slates: Slates, resamples: int) -> ListEstimate:
    there, weights, rewards = slates.there, slates.weights, slates.rewards
    depth, last = there.shape[1], weights[:, -1]
    # numbers of each list whose sums give all figures: the places, their weights and rewards, then the lists'
    table = np.concatenate([
        there, there * weights, weights * rewards,
        np.stack([rewards.sum(1), last, last * rewards.sum(1), _robust(slates), np.ones(len(last))], axis=1),
    ], axis=1)  # fmt: skip

    def figures(sums: Floats) -> Mapping[str, Floats]:
        places, below, above = (sums[:, depth * i : depth * (i + 1)] for i in range(3))
        earned, weight, weighted, robust, lists = sums[:, 3 * depth :].T
        cascade = (above / np.maximum(below, 1e-12) * places).sum(1) / lists
        whole = weighted / np.maximum(weight, 1e-12)
        return {
            "earned": earned / lists, "whole": whole, "cascade": cascade, "robust": robust / lists,
            "gain": cascade - earned / lists,
        }  # fmt: skip

    table = by_group(table, slates.users)
    values, ends = figures(table.sum(0, keepdims=True)), intervals_of(table, figures, resamples, 0)
    found = {name: _figure(value, ends.get(name)) for name, value in values.items()}
    some = bool(weights[:, 0].sum() > 0)
    return ListEstimate(
        depth, len(last), found["earned"], found["whole"] if last.sum() > 0 else None,
        found["cascade"] if some else None, None if slates.expected is None else found["robust"],
        found["gain"] if some else None,
        float(last.sum() ** 2 / (last**2).sum()) if last.sum() > 0 else 0.0, float(last.mean()),
    )  # fmt: skip


def _robust(slates: Slates) -> Floats:
    """Return the doubly robust estimate of each list, shape (lists,); 0 without a model.

    What the model expects below a place is taken as the mean over lists, so that the choice of a place is corrected for
    what it earns itself, and the weights of the places above count for what the place differs from that mean.
    """
    if slates.expected is None or slates.of_policy is None:
        return np.zeros(len(slates.there))
    there, above = slates.there, np.ones(slates.weights.shape)
    above[:, 1:] = slates.weights[:, :-1]
    usual = (slates.of_policy * there).sum(0) / np.maximum(there.sum(0), 1)
    corrected = above * (slates.of_policy - usual) + slates.weights * (slates.rewards - slates.expected)
    total: Floats = ((usual + corrected) * there).sum(1)
    return total


def _figure(value: Floats, ends: Sequence[Floats] | None) -> Figure:
    low, high = (float(end) for end in ends) if ends else (None, None)
    return Figure(float(value[0]), low, high)
