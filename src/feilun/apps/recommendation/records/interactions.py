"""Interactions as arrays: who took what, how much it says, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from feilun.apps.recommendation.records.context import NO_CONTEXT, ContextColumns, Contexts, columns_of
from feilun.apps.recommendation.records.events import Interaction
from feilun.apps.recommendation.records.noise import bots_of, repeats_of
from feilun.apps.recommendation.records.signals import SignalSettings, parse

DAY = 86_400.0
LONGEST_HISTORY = 500
"""Last interactions of a user that are looked at: one with a million events is answered as fast as the others."""

FUTURE_SECONDS = 600.0
"""Clocks differ by so much; an event from later on counts as happening now."""


Actions = NDArray[np.int16]
NO_ACTIONS: Actions = np.zeros(0, np.int16)


@dataclass(frozen=True)
class History:
    """What one user took, oldest first.

    Args:
        items: Item numbers, shape (taken,).
        weights: How much each says of interest, shape (taken,).
        times: Seconds since 1970, shape (taken,).
        visit: How many of the last belong to the visit that goes on, where that counts more.
        actions: Which of `signals.positive` each was, by number; empty where that is not known, shape (taken,).
    """

    items: NDArray[np.int64]
    weights: NDArray[np.float64]
    times: NDArray[np.float64]
    visit: int = 0
    actions: Actions = field(default_factory=lambda: NO_ACTIONS)

    def __len__(self) -> int:
        return len(self.items)

    def shares(self) -> NDArray[np.float64]:
        """Return the weights as shares of all; even ones where all is so long ago that no weight is left."""
        total = float(self.weights.sum())
        return self.weights / total if total > 0 else np.full(len(self), 1 / max(1, len(self)))

    def part(self, rows: slice | NDArray[np.bool_]) -> History:
        """Return some of what was taken; which of it is the visit is not told any more."""
        actions = self.actions[rows] if len(self.actions) else self.actions
        return History(self.items[rows], self.weights[rows], self.times[rows], actions=actions)

    def within(self, items: int) -> History:
        """Return what was taken of the first `items` items: a generator knows no others than it learned from."""
        known = self.items < items
        return self if known.all() else self.part(known)

    def latest(self) -> History:
        """Return what is looked at when a list is made: the last `LONGEST_HISTORY`."""
        return self if len(self) <= LONGEST_HISTORY else self.part(slice(-LONGEST_HISTORY, None))

    def parted(self, moment: float) -> tuple[History, History]:
        """Return what was taken before a moment, and from it on."""
        at = int(np.searchsorted(self.times, moment))
        return self.part(slice(at)), self.part(slice(at, None))

    def then(self, items: Sequence[int], moment: float) -> History:
        """Return the history with items taken after it, each as if it said as much as the strongest before."""
        if not len(items):
            return self
        weight = float(self.weights.max(initial=0)) or 1.0
        return History(
            np.concatenate([self.items, np.array(items, np.int64)]),
            np.concatenate([self.weights, np.full(len(items), weight)]),
            np.concatenate([self.times, np.full(len(items), moment)]),
            self.visit + len(items) if self.visit else 0,
            np.concatenate([self.actions, np.zeros(len(items), np.int16)]) if len(self.actions) else self.actions,
        )


NO_HISTORY = History(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Interactions:
    """Positive interactions with known items, sorted by user and then by time.

    Args:
        users: User ids by number.
        user: Number of each row's user, shape (rows,), ascending.
        item: Number of its item, shape (rows,).
        weight: How much it says of interest, shape (rows,).
        time: Seconds since 1970, shape (rows,).
        items: How many items there are.
        half_life_days: Days in which the weights have halved; infinite where they have not.
        context: Of each row, as far as it is declared.
        actions: Which of `signals.positive` each row was, by number; empty where that is not known, shape (rows,).
    """

    users: Sequence[str]
    user: NDArray[np.int64]
    item: NDArray[np.int64]
    weight: NDArray[np.float64]
    time: NDArray[np.float64]
    items: int
    half_life_days: float = math.inf
    context: ContextColumns = NO_CONTEXT
    actions: Actions = field(default_factory=lambda: NO_ACTIONS)

    def __len__(self) -> int:
        return len(self.user)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Interactions:
        """Return some rows with all users."""
        return made(
            self.users, self.user[rows], self.item[rows], self.weight[rows], self.time[rows], self.items,
            self.half_life_days, self.context.select(rows), self.actions[rows] if len(self.actions) else self.actions,
        )  # fmt: skip

    def history(self, user: int) -> History:
        """Return what a user took."""
        start, end = np.searchsorted(self.user, [user, user + 1])
        actions = self.actions[start:end] if len(self.actions) else self.actions
        return History(self.item[start:end], self.weight[start:end], self.time[start:end], actions=actions)

    def matrix(self, most: int | None = None) -> sparse.csr_matrix:
        """Return the weights as (users, items); several interactions with one item count as the strongest.

        Args:
            most: Of each user only so many of the strongest items, of equal ones the first in the catalogue; all where
                absent.
        """
        order = np.lexsort((self.weight, self.item, self.user))
        user, item, weight = self.user[order], self.item[order], self.weight[order]
        last = np.ones(len(order), bool)
        last[:-1] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
        user, item, weight = user[last], item[last], weight[last]
        if most is not None:
            strongest = np.lexsort((-weight, user))
            starts = np.searchsorted(user, user)
            kept = np.sort(strongest[np.arange(len(user)) - starts < most])
            user, item, weight = user[kept], item[kept], weight[kept]
        cells = (weight.astype(np.float32), (user, item))
        return sparse.csr_matrix(cells, shape=(len(self.users), self.items))

    def anonymous(self) -> Interactions:
        """Return what was taken and in what context; of whom is not in it any more."""
        return replace(self, users=("",), user=np.zeros_like(self.user))

    def popularity(self) -> NDArray[np.int64]:
        """Return how often each item was taken, shape (items,)."""
        return np.bincount(self.item, minlength=self.items)


def made(
    users: Sequence[str],
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    weight: NDArray[np.float64],
    time: NDArray[np.float64],
    items: int,
    half_life_days: float = math.inf,
    context: ContextColumns = NO_CONTEXT,
    actions: Actions = NO_ACTIONS,
) -> Interactions:
    """Sort rows by user and time; rows of one moment stay in their order."""
    order = np.lexsort((time, user))
    return Interactions(
        users, user[order], item[order], weight[order], time[order], items, half_life_days, context.select(order),
        actions[order] if len(actions) else actions,
    )  # fmt: skip


@dataclass(frozen=True)
class Read:
    """Interactions as they count, and what did not.

    Args:
        positive: What speaks for interest.
        disliked: (user number, item number) of what speaks against, shape (rows, 2).
        unknown: Events of items that are not (yet) known.
        repeats: Events that came twice within moments.
        bots: Events of users that are taken for programs.
        silent: Events that say nothing, by the application's expressions.
    """

    positive: Interactions
    disliked: NDArray[np.int64]
    unknown: int
    repeats: int
    bots: int
    silent: int


def strengths(types: Sequence[str], values: Sequence[float], settings: SignalSettings) -> NDArray[np.float64]:
    """Return how much each event says of interest: the largest weight that holds, -1 against, 0 nothing; (rows,)."""
    return strengths_and_actions(types, values, settings)[0]


def strengths_and_actions(
    types: Sequence[str], values: Sequence[float], settings: SignalSettings
) -> tuple[NDArray[np.float64], Actions]:
    """Return how much each event says of interest, and which of the positive expressions says so.

    Args:
        types: What was done, shape (rows,).
        values: How much, shape (rows,).
        settings: The expressions.

    Returns:
        The largest weight that holds, -1 against, 0 nothing, and the number of its expression, shapes (rows,).
    """
    kinds, numbers = np.array(types, dtype=object), np.array(values, dtype=np.float64)
    found, actions = np.zeros(len(kinds)), np.zeros(len(kinds), np.int16)
    for number, (text, weight) in enumerate(settings.positive.items()):
        more = parse(text).test(kinds, numbers) & (weight > found)
        found, actions = np.where(more, weight, found), np.where(more, np.int16(number), actions)
    for text in settings.negative:
        found = np.where(parse(text).test(kinds, numbers), -1.0, found)
    return found, actions


def read(
    events: Sequence[Interaction],
    index: dict[str, int],
    settings: SignalSettings,
    now: float,
    items: int,
    contexts: Contexts | None = None,
    segment: str | None = None,
) -> Read:
    """Turn events into what they say.

    Args:
        events: In any order.
        index: Item numbers by id.
        settings: What counts as interest.
        now: Seconds since 1970, to which the decay of time refers.
        items: How many items there are.
        contexts: What is known of the users' context.
        segment: The column of it that parts the users.

    Returns:
        The interactions; nothing is lost uncounted.
    """
    users, user = numbered([e.user for e in events])
    item = np.array([index.get(e.item, -1) for e in events], dtype=np.int64)
    time = np.minimum(np.array([e.time for e in events], dtype=np.float64), now + FUTURE_SECONDS)
    strength, actions = strengths_and_actions([e.type for e in events], [e.value for e in events], settings)
    _, kinds = numbered([e.type for e in events])
    repeated = repeats_of(user, item, kinds, time, settings.repeat_seconds)
    programs = bots_of(user, time, len(users), settings.bot_events_a_minute)[user] if len(events) else repeated
    unknown = (item < 0) & ~programs & ~repeated
    sound = (item >= 0) & ~programs & ~repeated
    rows = np.flatnonzero(sound & (strength > 0))
    against = np.flatnonzero(sound & (strength < 0))
    decay = 0.5 ** (np.maximum(now - time, 0) / DAY / settings.half_life_days)
    context = columns_of(contexts, users, user[rows], time[rows], segment) if contexts else NO_CONTEXT
    positive = made(
        users, user[rows], item[rows], (strength * decay)[rows], time[rows], items, settings.half_life_days, context,
        actions[rows],
    )  # fmt: skip
    return Read(
        positive, np.stack([user[against], item[against]], axis=1), int(unknown.sum()),
        int((repeated & ~programs).sum()), int(programs.sum()), int((sound & (strength == 0)).sum()),
    )  # fmt: skip


def numbered(names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different names, sorted, and of each its number; no copy of a name is made, however long it is."""
    distinct = sorted(set(names))
    number = {name: i for i, name in enumerate(distinct)}
    return distinct, np.fromiter((number[name] for name in names), np.int64, len(names))
