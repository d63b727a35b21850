"""What followed from the lists of each arm: the goal, and the guardrails that must not give way for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.experiments.off_policy import Floats, ratio
from feilun.apps.recommendation.ranking.exposures import WINDOW_SECONDS
from feilun.apps.recommendation.records.events import Interaction, Ranking
from feilun.apps.recommendation.records.interactions import strengths
from feilun.apps.recommendation.records.signals import SignalSettings
from feilun.core.report import Figure
from feilun.evaluation.resampling import intervals_of

MEASURES: Mapping[str, bool] = {
    "acted_on": True,
    "shown_again": False,
    "disliked": False,
    "of_withdrawn": False,
    "seconds_to_action": False,
}
"""Whether more is better: lists from which interest followed; places with an item that the user was shown before;
places that were disliked; what was taken that is withdrawn by now; seconds from the list to the first interest, at most
an hour."""


@dataclass(frozen=True)
class Outcome:
    """What an arm came to.

    Args:
        users: Who was in it.
        lists: Lists that they were shown.
        figures: By measure, with intervals over users; absent where nothing tells it.
        coverage: Share of the catalogue that was shown, in as many places as the smallest arm of the experiment had
            (rarefaction, Hurlbert 1971).
    """

    users: int
    lists: int
    figures: Mapping[str, Figure]
    coverage: float


@dataclass(frozen=True)
class Difference:
    """An arm less another in one measure.

    Args:
        measure: Which.
        arm: Such as `test:personal`.
        other: The arm that it is compared with.
        value: The difference with its interval over users.
        worse: The arm that is worse, where the interval leaves no doubt; else empty.
    """

    measure: str
    arm: str
    other: str
    value: Figure
    worse: str


@dataclass
class Shown:
    """The lists of one arm.

    Args:
        users: By user, what is above and below the line of each measure, shape (measures, 2).
        items: How often each item was shown.
        lists: How many.
    """

    users: dict[str, NDArray[np.float64]]
    items: Counter[str]
    lists: int = 0


def interest_in(events: Sequence[Interaction], signals: SignalSettings) -> set[tuple[str, str]]:
    """Return from which item of which list interest followed: its ranking and item."""
    says = strengths([e.type for e in events], [e.value for e in events], signals).tolist()
    return {(e.ranking, e.item) for e, strength in zip(events, says, strict=True) if e.ranking and strength > 0}


def shown_by_arm(
    rankings: Sequence[Ranking], events: Sequence[Interaction], signals: SignalSettings, withdrawn: AbstractSet[str]
) -> dict[str, Shown]:
    """Count what was shown and what followed, by experiment and arm, such as `holdout:personal`.

    Args:
        rankings: What was shown; those of no arm and interleaved ones are not looked at.
        events: What users did; those that name a ranking count for it.
        signals: What speaks for interest and what against.
        withdrawn: Items that are hidden by now.
    """
    followed = defaultdict(list)
    says = strengths([e.type for e in events], [e.value for e in events], signals).tolist()
    for event, strength in zip(events, says, strict=True):
        if event.ranking:
            followed[event.ranking].append((event, strength))
    found: dict[str, Shown] = {}
    before: dict[str, set[str]] = defaultdict(set)
    for ranking in sorted(rankings, key=lambda one: one.time):
        if not ranking.arm or ranking.sides:
            continue
        arm = found.setdefault(ranking.arm, Shown({}, Counter()))
        row = _counted(ranking, followed[ranking.id], before[ranking.user], withdrawn)
        arm.users[ranking.user] = arm.users.get(ranking.user, np.zeros((len(MEASURES), 2))) + row
        arm.items.update(ranking.items)
        arm.lists += 1
        before[ranking.user].update(ranking.items)
    return dict(sorted(found.items()))


def _counted(
    ranking: Ranking, followed: Sequence[tuple[Interaction, float]], before: AbstractSet[str],
    withdrawn: AbstractSet[str],
) -> Floats:  # fmt: skip
    """Return what is above and below the line of each measure, shape (measures, 2)."""
    taken = [event for event, strength in followed if strength > 0]
    disliked = {event.item for event, strength in followed if strength < 0}
    waited = min((event.time - ranking.time for event in taken), default=0.0)
    places, items = len(ranking.items), {event.item for event in taken}
    return np.array([
        (bool(taken), 1),
        (sum(item in before for item in ranking.items), places),
        (len(disliked.intersection(ranking.items)), places),
        (len(items & withdrawn), len(items)),
        (min(max(waited, 0.0), WINDOW_SECONDS), bool(taken)),
    ], dtype=np.float64)  # fmt: skip


def outcomes(arms: Mapping[str, Shown], catalogue: int, resamples: int = 1000) -> dict[str, Outcome]:
    """Return what each arm came to.

    Args:
        arms: By experiment and arm.
        catalogue: How many items there are.
        resamples: Of the 95 % bootstrap intervals, which draw users, as lists of one user are alike.
    """
    found = {}
    for arm, shown in arms.items():
        table = np.stack(list(shown.users.values()))  # (users, measures, 2)
        figures = {
            name: ratio(table[:, number], resamples)
            for number, name in enumerate(MEASURES)
            if table[:, number, 1].sum() > 0
        }
        places = min(other.items.total() for name, other in arms.items() if _experiment(name) == _experiment(arm))
        covered = distinct(list(shown.items.values()), places) / max(1, catalogue)
        found[arm] = Outcome(len(table), shown.lists, figures, covered)
    return found


def differences(arms: Mapping[str, Shown], resamples: int = 1000) -> list[Difference]:
    """Compare the arms of each experiment in every measure; an interval that excludes 0 names the worse arm."""
    names = list(arms)
    found = []
    for first, arm in enumerate(names):
        for other in names[first + 1 :]:
            if _experiment(arm) == _experiment(other):
                for number, (measure, more_is_better) in enumerate(MEASURES.items()):
                    value = _difference(arms[arm], arms[other], number, resamples)
                    if value is not None:
                        found.append(Difference(measure, arm, other, value, _worse(value, more_is_better, arm, other)))
    return found


def _difference(one: Shown, other: Shown, measure: int, resamples: int) -> Figure | None:
    """Subtract two ratios; the users of both arms are drawn together, each with nothing in the other arm's columns."""
    mine = np.stack([row[measure] for row in one.users.values()])
    theirs = np.stack([row[measure] for row in other.users.values()])
    rows = np.zeros((len(mine) + len(theirs), 4))
    rows[: len(mine), :2], rows[len(mine) :, 2:] = mine, theirs
    if not (mine[:, 1].sum() > 0 and theirs[:, 1].sum() > 0):
        return None

    def less(s: Floats) -> dict[str, Floats]:
        return {"less": s[..., 0] / np.maximum(s[..., 1], 1e-12) - s[..., 2] / np.maximum(s[..., 3], 1e-12)}

    ends = intervals_of(rows, less, resamples, 0).get("less")
    low, high = (float(end) for end in ends) if ends else (None, None)
    return Figure(float(less(rows.sum(0))["less"]), low, high)


def _worse(value: Figure, more_is_better: bool, arm: str, other: str) -> str:
    if value.low is None or value.high is None or value.low <= 0 <= value.high:
        return ""
    return other if (value.low > 0) == more_is_better else arm


def _experiment(arm: str) -> str:
    return arm.rpartition(":")[0]


def distinct(counts: Sequence[int], places: int) -> float:
    """Return how many different items are expected among places drawn from all that were shown (Hurlbert 1971).

    Args:
        counts: How often each item was shown.
        places: How many are drawn, at most all.
    """
    total = sum(counts)

    def ways(rest: int) -> float:
        return lgamma(rest + 1) - lgamma(rest - places + 1)

    absent = [np.exp(ways(total - n) - ways(total)) if total - n >= places else 0.0 for n in counts]
    return float(len(counts) - np.sum(absent))
