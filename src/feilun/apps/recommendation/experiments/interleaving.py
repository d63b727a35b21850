"""Two lists in one, so that every user compares them: team draft (Radlinski, Kurup and Joachims 2008)."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from feilun.apps.recommendation.answering.answer import Answer, Recommended
from feilun.apps.recommendation.experiments.off_policy import ratio
from feilun.apps.recommendation.records.events import Ranking
from feilun.core.report import Figure
from feilun.evaluation.paired import mcnemar

OWN, OTHER = "p", "i"
"""The letter of each place: placed by the personal list, or by the impersonal one."""


@dataclass(frozen=True)
class Preference:
    """Which side users took more from.

    Args:
        users: Who saw interleaved lists.
        lists: How many.
        personal: Users who took more of what the personal side placed.
        impersonal: Users who took more of the other side's.
        credit: Share of what was taken that the personal side placed, with its interval over users; None where nothing
            was taken.
        p: Of the sign test over users, two-sided, by the mid-p.
    """

    users: int
    lists: int
    personal: int
    impersonal: int
    credit: Figure | None
    p: float


def interleave(own: Answer, other: Answer, count: int) -> tuple[Answer, str]:
    """Let two lists take turns: in each round a toss says which side places its best item that is not there yet.

    The tosses follow from the id of the answer, so that a list can be made again.

    Args:
        own: The personal list; the mixed one has its id.
        other: The impersonal list for the same user.
        count: Most places.

    Returns:
        The mixed list, and for each place `p` or `i`, the side that placed it.
    """
    source = np.random.default_rng(int(own.id, 16))
    sides = {OWN: list(own.places), OTHER: list(other.places)}
    found: list[Recommended] = []
    letters = ""
    there: set[str] = set()
    while len(found) < count and (sides[OWN] or sides[OTHER]):
        for letter in (OWN, OTHER) if source.random() < 0.5 else (OTHER, OWN):
            rest = [place for place in sides[letter] if place.item.id not in there]
            sides[letter] = rest[1:]
            if rest and len(found) < count:
                found.append(rest[0])
                there.add(rest[0].item.id)
                letters += letter
    return replace(own, places=found), letters


def preference(
    rankings: Sequence[Ranking], interest: AbstractSet[tuple[str, str]], resamples: int = 1000
) -> Preference | None:
    """Count from which side users took.

    Args:
        rankings: Those that are not interleaved are not looked at.
        interest: Ranking and item of each interest that followed.
        resamples: Of the interval.

    Returns:
        The outcome; None where no list was interleaved.
    """
    taken: dict[str, list[int]] = {}
    lists = 0
    for ranking in rankings:
        if not ranking.sides:
            continue
        lists += 1
        mine = taken.setdefault(ranking.user, [0, 0])
        for item, side in zip(ranking.items, ranking.sides, strict=True):
            mine[side == OTHER] += (ranking.id, item) in interest
    if not taken:
        return None
    table = np.array(list(taken.values()), dtype=np.float64)
    own, other = int((table[:, 0] > table[:, 1]).sum()), int((table[:, 1] > table[:, 0]).sum())
    one_sided = mcnemar(own, other)
    credit = ratio(np.stack([table[:, 0], table.sum(1)], axis=1), resamples) if table.sum() else None
    return Preference(len(table), lists, own, other, credit, min(1.0, 2 * min(one_sided, 1 - one_sided)))
