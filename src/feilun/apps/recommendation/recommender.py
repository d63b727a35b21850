"""Answers: what a user did a moment ago counts, what was withdrawn is gone, and who asks not to be profiled is not."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.catalogue import Catalogue, text_vectors
from feilun.apps.recommendation.events import Interaction, Item
from feilun.apps.recommendation.explain import Reason, reason_for
from feilun.apps.recommendation.fusion import Pool, best, gather, unseen
from feilun.apps.recommendation.interactions import DAY, NO_HISTORY, History, strengths
from feilun.apps.recommendation.model import Model, fused
from feilun.apps.recommendation.rerank import Chosen, boosts, choose, permitted
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core.errors import UsageError, nearest
from feilun.core.ports import Embedder

LONGEST_HISTORY = 500
"""Last items of a user that are looked at: one with a million events is answered as fast as the others."""

LONGEST_LIST = 200
COMMON_WEIGHT = 0.5
"""Of common users beside the text's cosine in `similar`: an item that nobody took yet can still come first."""

IMPERSONAL = ("popular", "recent")
"""Generators that look at no history."""


@dataclass(frozen=True)
class Recommended:
    """One place of a list.

    Args:
        item: The item.
        score: The final score.
        probability: Of a click, were it in the first place; None where it is not known.
        reason: Why it is there.
        contributions: What each feature added to the score, the largest first; empty where nobody asked.
        propensity: How likely the policy put it there, given what stands above.
        explored: Whether chance put it there.
    """

    item: Item
    score: float
    probability: float | None
    reason: Reason
    contributions: Mapping[str, float]
    propensity: float
    explored: bool


@dataclass(frozen=True)
class Answer:
    """A list for a user.

    Args:
        id: Names this ranking, for the interactions that follow from it.
        user: Who asked.
        time: Seconds since 1970.
        version: The model.
        personal: Whether the user's history was looked at.
        places: The list, best first.
        note: What the reader should know, such as that all items were taken already; else empty.
    """

    id: str
    user: str
    time: float
    version: str
    personal: bool
    places: Sequence[Recommended]
    note: str = ""


@dataclass
class Taken:
    """What a user took, oldest first, as it grows."""

    items: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    seen: dict[int, float] = field(default_factory=dict)

    def add(self, item: int, weight: float, moment: float) -> None:
        """Put an event at its place in time; what was seen is remembered for good, beyond the longest history."""
        self.seen[item] = max(moment, self.seen.get(item, moment))
        place = len(self.times)
        while place and self.times[place - 1] > moment:
            place -= 1
        self.items.insert(place, item)
        self.weights.insert(place, weight)
        self.times.insert(place, moment)
        if len(self.items) > LONGEST_HISTORY:
            del self.items[0], self.weights[0], self.times[0]

    def all_seen(self) -> History:
        """Return every item once, with when it was taken last."""
        items, times = np.array(list(self.seen), np.int64), np.array(list(self.seen.values()))
        return History(items, np.ones(len(items)), times)


class Recommender:
    """A model with the users' histories, safe to share between threads.

    Args:
        model: What was trained.
        settings: Of the application.
        embedder: Reads the texts of items that come later.
        version: Names the model in answers.
        seed: Of exploration; None draws one.
    """

    def __init__(
        self, model: Model, settings: RecommendationSettings, embedder: Embedder, version: str, seed: int | None = None
    ) -> None:
        self.model = model
        self.settings = settings
        self.embedder = embedder
        self.version = version
        self._source = np.random.default_rng(seed)
        self._taken: dict[str, Taken] = defaultdict(Taken)
        self._disliked: dict[str, set[int]] = defaultdict(set)
        self._permitted = permitted(model.catalogue, settings.list)
        self._lock = RLock()

    def observe(self, events: Iterable[Interaction]) -> int:
        """Take events into account; the next answer knows them.

        Args:
            events: New ones, each once, in any order.

        Returns:
            How many were of items that are not known; `put` of the item and observing them again makes them count.
        """
        listed = list(events)
        says = strengths([e.type for e in listed], [e.value for e in listed], self.settings.signals)
        unknown = 0
        with self._lock:
            for event, strength in zip(listed, says.tolist(), strict=True):
                item = self.model.catalogue.index.get(event.item)
                if item is None:
                    unknown += 1
                elif strength > 0:
                    self._taken[event.user].add(item, strength, event.time)
                elif strength < 0:
                    self._disliked[event.user].add(item)
        return unknown

    def put(self, items: Sequence[Item], now: float | None = None) -> None:
        """Add items or change them; they can be recommended at once, by their texts.

        Args:
            items: With all that is known of each.
            now: Seconds since 1970; the present where absent.
        """
        vectors = text_vectors([item.text for item in items], self.embedder)
        with self._lock:
            self._set(_changed(self.model.catalogue, items, vectors), time.time() if now is None else now)

    def withdraw(self, item: str) -> None:
        """Take an item out of all lists from now on.

        Raises:
            UsageError: If there is no such item.
        """
        with self._lock:
            self._permitted[self.number(item)] = False

    def forget(self, user: str) -> int:
        """Drop what is known of a user and return how many items that were."""
        with self._lock:
            self._disliked.pop(user, None)
            gone = self._taken.pop(user, None)
        return len(gone.items) if gone else 0

    def number(self, item: str) -> int:
        """Return an item's number.

        Raises:
            UsageError: If there is no such item.
        """
        index = self.model.catalogue.index
        if item not in index:
            close = nearest(item, index) if len(index) <= 2000 else ""
            raise UsageError(f"There is no item {item!r} in the catalogue of {len(index):,}.", close[:300])
        return index[item]

    def history(self, user: str, now: float) -> History:
        """Return what a user took, with what is long ago counting less."""
        taken = self._taken.get(user)
        if taken is None or not taken.items:
            return NO_HISTORY
        times = np.array(taken.times)
        decay = 0.5 ** (np.maximum(now - times, 0) / DAY / self.settings.signals.half_life_days)
        return History(np.array(taken.items), np.array(taken.weights) * decay, times)

    def recommend(
        self, user: str, count: int = 10, *, personal: bool = True, explain: bool = False, now: float | None = None
    ) -> Answer:
        """Make a list for a user.

        Args:
            user: Who; one who was never seen gets what is popular and new.
            count: Most items, 1 to 200.
            personal: False looks at no history and draws nothing for this user.
            explain: Tell what each feature added.
            now: Seconds since 1970; the present where absent.

        Returns:
            The list; shorter where the catalogue has no more.

        Raises:
            UsageError: If `count` is out of bounds.
        """
        if not 1 <= count <= LONGEST_LIST:
            raise UsageError(f"A list has 1 to {LONGEST_LIST} items, not {count}.")
        now = time.time() if now is None else now
        with self._lock:
            model = self.model
            history = self.history(user, now) if personal else NO_HISTORY
            allowed = self._allowed(user, personal, now)
            note = ""
            if not allowed.any() and self._permitted.any():
                allowed, note = self._permitted, "Everything was taken already; items come again."
            quotas = self.settings.candidates.quotas
            if not personal:
                quotas = {name: count for name in IMPERSONAL if name in model.generators}
            pool = gather(model.generators, quotas, history, allowed, count)
            scores = model.scores(pool, history, now) if personal else fused(pool)
            chosen = self._choose(pool, scores, count)
        places = self._places(model, pool, scores, chosen, history, now, explain and personal)
        if not places and not note:
            note = "The catalogue has nothing that may be shown."
        return Answer(uuid.uuid4().hex, user, now, self.version, personal, places, note)

    def similar(self, item: str, count: int = 10) -> list[tuple[Item, float]]:
        """Return the items nearest to one by its text and by who takes both, with their nearness.

        Raises:
            UsageError: If there is no such item, or `count` is out of bounds.
        """
        if not 1 <= count <= LONGEST_LIST:
            raise UsageError(f"A list has 1 to {LONGEST_LIST} items, not {count}.")
        with self._lock:
            number, model = self.number(item), self.model
            alone = History(np.array([number]), np.ones(1), np.zeros(1))
            nearness = model.facts.vectors @ model.facts.vectors[number]
            common = (
                model.generators["item-neighbours"].scores(alone) if "item-neighbours" in model.generators else None
            )
            if common is not None and common.max(initial=0) > 0:
                nearness = nearness.copy()
                nearness[: len(common)] += COMMON_WEIGHT * common / common.max()
            allowed = self._permitted.copy()
            allowed[number] = False
            return [(model.catalogue.items[i], float(nearness[i])) for i in best(nearness, allowed, count).tolist()]

    def _allowed(self, user: str, personal: bool, now: float) -> NDArray[np.bool_]:
        if not personal:
            return self._permitted
        policy = self.settings.candidates
        taken = self._taken.get(user)
        seen = taken.all_seen() if taken else NO_HISTORY
        allowed = self._permitted & unseen(seen, len(self._permitted), policy.seen, policy.seen_days, now)
        allowed[list(self._disliked.get(user, ()))] = False
        return allowed

    def _choose(self, pool: Pool, scores: NDArray[np.float64], count: int) -> Chosen:
        spread = float(scores.std()) if len(scores) else 0.0
        even = (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores))
        lifted = even + boosts(self.model.catalogue, pool.items, self.settings.list)
        facts = self.model.facts
        return choose(
            lifted, facts.vectors[pool.items], facts.creator[pool.items], count, self.settings.list, self._source
        )

    def _places(
        self, model: Model, pool: Pool, scores: NDArray[np.float64], chosen: Chosen, history: History, now: float,
        explain: bool,
    ) -> list[Recommended]:  # fmt: skip
        parts: list[dict[str, float]] = [{} for _ in chosen.places]
        if explain and model.trees is not None:
            added = model.trees.contributions(model.table(pool, history, now)[chosen.places])
            parts = [_largest(model.names, row) for row in added]
        likely = None if model.clicks is None or not len(history) else model.clicks.probabilities(scores)
        found = []
        for i, place in enumerate(chosen.places.tolist()):
            found.append(
                Recommended(
                    model.catalogue.items[pool.items[place]], float(scores[place]),
                    None if likely is None else float(likely[place]),
                    reason_for(model, pool, place, history, bool(chosen.explored[i])), parts[i],
                    float(chosen.propensities[i]), bool(chosen.explored[i]),
                )
            )  # fmt: skip
        return found

    def _set(self, catalogue: Catalogue, now: float) -> None:
        self.model = self.model.with_catalogue(catalogue, now)
        self._permitted = permitted(catalogue, self.settings.list)


def _largest(names: Sequence[str], added: NDArray[np.float64]) -> dict[str, float]:
    order = np.argsort(-np.abs(added), kind="stable")
    return {names[i]: float(added[i]) for i in order.tolist() if added[i] != 0}


def _changed(catalogue: Catalogue, items: Sequence[Item], vectors: NDArray[np.float32]) -> Catalogue:
    """Return a catalogue with items put into it; those that were there keep their numbers."""
    listed, index = list(catalogue.items), dict(catalogue.index)
    rows: Any = list(catalogue.vectors)
    for item, vector in zip(items, vectors, strict=True):
        if item.id in index:
            listed[index[item.id]], rows[index[item.id]] = item, vector
        else:
            index[item.id] = len(listed)
            listed.append(item)
            rows.append(vector)
    names = sorted({name for item in listed for name in item.categories})
    number = {name: i for i, name in enumerate(names)}
    categories = [tuple(dict.fromkeys(number[name] for name in item.categories)) for item in listed]
    return Catalogue(listed, index, np.stack(rows), categories, names)
