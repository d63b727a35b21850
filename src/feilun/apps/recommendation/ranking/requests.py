"""Requests as they could have come: a user at a moment, with what was taken before it and from it on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.context import Context, Situation
from feilun.apps.recommendation.records.histories import unseen
from feilun.apps.recommendation.records.interactions import History, Interactions
from feilun.apps.recommendation.settings import CandidateSettings


@dataclass(frozen=True)
class Request:
    """A user who asks for a list.

    Args:
        moment: When, seconds since 1970.
        history: What was taken before.
        taken: What was taken from then on; its first is what the user took next.
        context: In which it was asked for, where that is known.
    """

    moment: float
    history: History
    taken: History
    context: Context = field(default_factory=dict)

    @property
    def situation(self) -> Situation:
        """Return when and in what context the list is asked for."""
        return Situation(self.moment, self.context)


def requests_of(before: Interactions, after: Interactions, users: NDArray[np.int64]) -> list[Request]:
    """Let each user ask at the first interaction after a split, whatever the split is by.

    Args:
        before: What is known.
        after: What is not.
        users: By number, each with a row in `after`, shape (users,).
    """
    found = []
    for user in users.tolist():
        taken = after.history(user)
        row = int(np.searchsorted(after.user, user))
        found.append(Request(float(taken.times[0]), before.history(user), taken, after.context.of(row)))
    return found


def drawn_requests(
    interactions: Interactions, since: float, users: NDArray[np.int64], source: np.random.Generator
) -> list[Request]:
    """Let each user ask once after a moment, just before some item is taken for the first time: mid-visit or not.

    Args:
        interactions: Before the moment and after it.
        since: Seconds since 1970.
        users: By number, shape (users,).
        source: Draws which item.

    Returns:
        A request a user, in their order; one who took nothing new asks at the first interaction since then.
    """
    found = []
    for user in users.tolist():
        everything = interactions.history(user)
        first = np.zeros(len(everything), bool)
        first[np.unique(everything.items, return_index=True)[1]] = True
        later = everything.times >= since
        some = np.flatnonzero(later & first) if (later & first).any() else np.flatnonzero(later)[:1]
        place = int(source.choice(some))
        moment = float(everything.times[place])
        context = interactions.context.of(int(np.searchsorted(interactions.user, user)) + place)
        found.append(Request(moment, *everything.parted(moment), context))
    return found


def allowed_at(model: Model, policy: CandidateSettings, history: History, moment: float) -> NDArray[np.bool_]:
    """Return which items could be recommended at a moment, shape (items,)."""
    there = model.catalogue.shown & model.facts.published_by(moment)
    return there & unseen(history, len(there), policy.seen, policy.seen_days, moment)
