"""What each user took and disliked, as it grows; nothing of it is in the model."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.generator import Takes
from feilun.apps.recommendation.records.context import Contexts
from feilun.apps.recommendation.records.events import Interaction
from feilun.apps.recommendation.records.interactions import (
    DAY,
    FUTURE_SECONDS,
    LONGEST_HISTORY,
    NO_HISTORY,
    History,
    strengths_and_actions,
)  # fmt: skip
from feilun.apps.recommendation.records.signals import SignalSettings
from feilun.apps.recommendation.settings import CandidateSettings

MINUTE = 60.0

MOST_TOLD = 10_000
"""Types with values whose strengths are remembered, such as clicks, or articles read for some seconds."""


@dataclass
class Taken:
    """What a user took, oldest first, as it grows."""

    items: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    seen: dict[int, float] = field(default_factory=dict)

    def counts_for_all(self, item: int, moment: float, rules: SignalSettings) -> bool:
        """Return whether an event, not added yet, says something of what people take: no repeat, and of no program."""
        if abs(moment - self.seen.get(item, -math.inf)) < rules.repeat_seconds:
            return False
        most = min(rules.bot_events_a_minute, LONGEST_HISTORY)
        return len(self.times) < most or moment - self.times[-most] >= MINUTE

    def add(self, item: int, weight: float, moment: float, action: int) -> None:
        """Put an event at its place in time; what was seen is remembered for good, beyond the longest history."""
        self.seen[item] = max(moment, self.seen.get(item, moment))
        place = bisect_right(self.times, moment)
        if place == 0 and len(self.items) == LONGEST_HISTORY:
            return
        self.items.insert(place, item)
        self.weights.insert(place, weight)
        self.times.insert(place, moment)
        self.actions.insert(place, action)
        if len(self.items) > LONGEST_HISTORY:
            del self.items[0], self.weights[0], self.times[0], self.actions[0]

    def all_seen(self) -> History:
        """Return every item once, with when it was taken last."""
        items = np.fromiter(self.seen, np.int64, len(self.seen))
        times = np.fromiter(self.seen.values(), np.float64, len(self.seen))
        return History(items, np.ones(len(items)), times)


@dataclass(frozen=True)
class Observed:
    """What became of events.

    Args:
        unknown: How many were of items that are not known.
        counted: User, item number, strength and time of those that say what people take.
    """

    unknown: int
    counted: Sequence[tuple[str, int, float, float]]

    def takes(self, contexts: Contexts) -> Takes:
        """Return what people took, each in the context of its user at that time; there must be something."""
        users, items, weights, times = zip(*self.counted, strict=True)
        here = [contexts.at(user, moment) for user, moment in zip(users, times, strict=True)]
        return Takes(np.array(items), np.array(weights), np.array(times), here)


class Histories:
    """The users' histories.

    Args:
        signals: What counts as interest.
    """

    def __init__(self, signals: SignalSettings) -> None:
        self.signals = signals
        self._taken: dict[str, Taken] = defaultdict(Taken)
        self._disliked: dict[str, set[int]] = defaultdict(set)
        self._says: dict[tuple[str, float], tuple[float, int]] = {}

    def observe(self, events: Sequence[Interaction], index: Mapping[str, int], now: float) -> Observed:
        """Take events into account; one from the future counts as happening now.

        Args:
            events: New ones, each once, in any order.
            index: Item numbers by id.
            now: Seconds since 1970.
        """
        unknown, counted = 0, []
        for event, (strength, action) in zip(events, self._said(events), strict=True):
            item = index.get(event.item)
            if item is None:
                unknown += 1
            elif strength > 0:
                taken, moment = self._taken[event.user], min(event.time, now + FUTURE_SECONDS)
                if taken.counts_for_all(item, moment, self.signals):
                    counted.append((event.user, item, strength, moment))
                taken.add(item, strength, moment, action)
            elif strength < 0:
                self._disliked[event.user].add(item)
        return Observed(unknown, counted)

    def _said(self, events: Sequence[Interaction]) -> list[tuple[float, int]]:
        """Return how much each event says, and by which expression; these are asked once about each type and value."""
        told = [(event.type, event.value) for event in events]
        fresh = list(dict.fromkeys(one for one in told if one not in self._says))
        if fresh:
            if len(self._says) > MOST_TOLD:
                self._says.clear()
                fresh = list(dict.fromkeys(told))
            types, values = zip(*fresh, strict=True)
            says, actions = strengths_and_actions(types, values, self.signals)
            self._says.update(zip(fresh, zip(says.tolist(), actions.tolist(), strict=True), strict=True))
        return [self._says[one] for one in told]

    def forget(self, user: str) -> int:
        """Drop what is known of a user and return how many items that were."""
        self._disliked.pop(user, None)
        gone = self._taken.pop(user, None)
        return len(gone.items) if gone else 0

    def of(self, user: str, now: float) -> History:
        """Return what a user took, with what is long ago counting less; what a clock set back puts ahead is now."""
        taken = self._taken.get(user)
        if taken is None or not taken.items:
            return NO_HISTORY
        times = np.minimum(taken.times, now)
        decay = 0.5 ** (np.maximum(now - times, 0) / DAY / self.signals.half_life_days)
        weights, actions = np.array(taken.weights) * decay, np.array(taken.actions, np.int16)
        return History(np.array(taken.items), weights, times, actions=actions)

    def open_to(self, user: str, items: int, policy: CandidateSettings, now: float) -> NDArray[np.bool_]:
        """Return which items may come again for a user: neither taken, by the policy, nor disliked; shape (items,)."""
        taken = self._taken.get(user)
        seen = taken.all_seen() if taken else NO_HISTORY
        found = unseen(seen, items, policy.seen, policy.seen_days, now)
        found[list(self._disliked.get(user, ()))] = False
        return found


def unseen(history: History, items: int, policy: str, days: float, now: float) -> NDArray[np.bool_]:
    """Return which items may come although, or because, the user did not take them; shape (items,).

    Args:
        history: What the user took.
        items: How many items there are.
        policy: never, after or always, as `candidates.seen`.
        days: With `after`, how long ago it must be.
        now: Seconds since 1970.
    """
    allowed = np.ones(items, bool)
    if policy == "never":
        allowed[history.items] = False
    elif policy == "after":
        allowed[history.items[history.times > now - days * DAY]] = False
    return allowed
