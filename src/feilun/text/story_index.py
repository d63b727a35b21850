"""Near duplicates in a stream: each text joins the story of the most similar text of the last while, or begins one.

The sketches are those of `near_duplicates`, cut into more and shorter bands, so that a copy that lost half of its text
is still proposed (33 bands of 3: at a Jaccard similarity of 0.5 with probability 0.99). A proposed pair counts where
its shingles say that one is a copy of the other: alike as a whole, or the shorter one nearly contained in the longer.

A text that is a copy of texts of two stories shows that the two are one, where what it shares with both is the same:
a digest of two stories, or a phrase that stands in both, does not join them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feilun.text.near_duplicates import shingle_numbers, sketches

BANDS, ROWS = 33, 3
ALIKE = 0.6
"""Jaccard similarity from which on two texts tell the same."""

CONTAINED = 0.85
"""Share of the shorter text's shingles in the longer one from which on it is a part of it."""

SHORTEST_PART = 20
"""Shingles that a part must have: a short phrase stands in many texts."""

SHARED_BY_BOTH = 0.5
"""Share that must be the same of what a text has in common with one story and with another, to merge the two."""

SHARE_OF_BOTH = 0.5
"""Share of the longer of their two texts that this must be."""

LEAST_AGREEMENT = 0.15
"""Share of equal sketch bytes below which a pair is not looked at."""

OTHER_AGREEMENT = 0.35
"""The same for texts of further stories, once one was found: less is not enough to merge them."""

CROWD = 32
"""Latest texts of a band's bucket that are compared."""


@dataclass(slots=True, eq=False)
class _Entry:
    key: str
    story: str
    time: float
    shingles: NDArray[np.uint32]
    about: frozenset[Hashable]
    sketch: NDArray[np.uint8]
    bands: tuple[bytes, ...]


@dataclass(slots=True)
class _Story:
    """When a story began, its texts within the window, and stories that people said are others."""

    began: float
    members: set[int] = field(default_factory=set)
    apart: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Placed:
    """Where texts were put.

    Args:
        stories: The story of each text, in order.
        merged: Stories that are no more, each with the one that it was found to be.
    """

    stories: tuple[str, ...]
    merged: Mapping[str, str]


class StoryIndex:
    """The texts of the last while, by what they say.

    Args:
        window_seconds: How long after a story's latest text another may still join it.
    """

    def __init__(self, window_seconds: float = 3 * 86_400.0) -> None:
        self.window_seconds = window_seconds
        self.latest = float("-inf")
        self._entries: dict[int, _Entry] = {}
        self._numbers: dict[str, int] = {}
        self._order: deque[int] = deque()
        self._buckets: list[dict[bytes, list[int]]] = [{} for _ in range(BANDS)]
        self._stories: dict[str, _Story] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self, keys: Sequence[str], texts: Sequence[str], times: Sequence[float], about: Sequence[frozenset[Hashable]]
    ) -> Placed:
        """Put texts into their stories; of two stories that a text shows to be one, the earlier one stays.

        Args:
            keys: The name of each text; names the story that it begins.
            texts: The texts.
            times: When each was published, in seconds.
            about: Whom each is about; two texts about different ones are never the same story.
        """
        entries = list(_entries(keys, texts, times, about))
        merged: dict[str, str] = {}
        for entry in entries:
            best, *others = self._alike(entry) or [entry]
            entry.story = best.story
            self._keep(entry, entry.time)
            for other in others:
                if pair := self._merged(entry.story, other.story):
                    lost, stays = pair
                    merged = {one: stays if now == lost else now for one, now in merged.items()} | {lost: stays}
        return Placed(tuple(entry.story for entry in entries), merged)

    def remember(
        self, keys: Sequence[str], texts: Sequence[str], times: Sequence[float], about: Sequence[frozenset[Hashable]],
        stories: Sequence[str], began: Sequence[float],
    ) -> None:  # fmt: skip
        """Take up texts whose story was told before.

        Args:
            keys: The name of each text.
            texts: The texts.
            times: When each was published, in seconds.
            about: Whom each is about.
            stories: The story of each.
            began: When that began, in seconds.
        """
        for entry, story, first in zip(_entries(keys, texts, times, about), stories, began, strict=True):
            entry.story = story
            self._keep(entry, first)

    def move(self, key: str, story: str, began: float) -> None:
        """Let a text belong to another story, as people said.

        Args:
            key: Its name.
            story: The story.
            began: When that began, in seconds.
        """
        number = self._numbers.get(key)
        if number is not None and self._entries[number].story != story:
            self._leave(self._entries[number].story, number)
            self._entries[number].story = story
            self._stories.setdefault(story, _Story(began)).members.add(number)

    def part(self, one: str, other: str) -> None:
        """Never merge two stories: people said that they are not the same."""
        for story, another in ((one, other), (other, one)):
            if story in self._stories:
                self._stories[story].apart.add(another)

    def _alike(self, entry: _Entry) -> list[_Entry]:
        """Return the most similar text within the window, and one of each further story that is the same as its."""
        near: set[int] = set()
        for buckets, band in zip(self._buckets, entry.bands, strict=True):
            near.update(buckets.get(band, ())[-CROWD:])
        chosen = [self._entries[number] for number in sorted(near)]
        chosen = [
            one for one in chosen
            if abs(one.time - entry.time) <= self.window_seconds and _about_same(one.about, entry.about)
        ]  # fmt: skip
        if not chosen:
            return []
        agreement = (np.stack([one.sketch for one in chosen]) == entry.sketch).mean(axis=1)
        best: dict[str, tuple[float, _Entry]] = {}
        for index in np.argsort(-agreement, kind="stable"):
            one = chosen[index]
            before = best[one.story][0] if one.story in best else 0.0
            if agreement[index] < (OTHER_AGREEMENT if best else LEAST_AGREEMENT):
                break
            if agreement[index] >= before - 0.2 and (likeness := _similarity(entry.shingles, one.shingles)) > before:
                best[one.story] = likeness, one
        rest = [one for _, one in sorted(best.values(), key=lambda pair: -pair[0])]
        linked, rest = rest[:1], rest[1:]
        while shown := [one for one in rest if any(_shows_one(entry, other, one) for other in linked)]:
            linked += shown
            rest = [one for one in rest if one not in shown]
        return linked

    def _merged(self, one: str, other: str) -> tuple[str, str] | None:
        """Merge two stories; return the one that is no more and the one that stays, None where people parted them."""
        stays, lost = sorted((one, other), key=lambda story: (self._stories[story].began, story))
        if one == other or lost in self._stories[stays].apart:
            return None
        gone = self._stories.pop(lost)
        self._stories[stays].members |= gone.members
        for number in gone.members:
            self._entries[number].story = stays
        for story in gone.apart & self._stories.keys():
            self._stories[story].apart.add(stays)
            self._stories[stays].apart.add(story)
        return lost, stays

    def _keep(self, entry: _Entry, began: float) -> None:
        number = self._next
        self._next += 1
        self._entries[number] = entry
        self._numbers[entry.key] = number
        self._order.append(number)
        self._stories.setdefault(entry.story, _Story(began)).members.add(number)
        for buckets, band in zip(self._buckets, entry.bands, strict=True):
            buckets.setdefault(band, []).append(number)
        self.latest = max(self.latest, entry.time)
        # what came late stands behind what is newer, and leaves with it
        while self._order and self._entries[self._order[0]].time < self.latest - self.window_seconds:
            self._forget(self._order.popleft())

    def _forget(self, number: int) -> None:
        entry = self._entries.pop(number)
        self._numbers.pop(entry.key, None)
        self._leave(entry.story, number)
        for buckets, band in zip(self._buckets, entry.bands, strict=True):
            numbers = buckets[band]
            numbers.remove(number)
            if not numbers:
                del buckets[band]

    def _leave(self, story: str, number: int) -> None:
        members = self._stories[story].members
        members.discard(number)
        if not members:
            del self._stories[story]


def _entries(
    keys: Sequence[str], texts: Sequence[str], times: Sequence[float], about: Sequence[frozenset[Hashable]]
) -> Iterator[_Entry]:
    """Read texts, each as if it began its story."""
    hashed = sketches(texts)[1] if texts else np.empty((0, BANDS * ROWS), dtype=np.uint8)
    for key, text, time, names, sketch in zip(keys, texts, times, about, hashed, strict=True):
        raw = sketch.tobytes()
        bands = tuple(raw[band * ROWS : (band + 1) * ROWS] for band in range(BANDS))
        yield _Entry(key, key, time, shingle_numbers(text), names, sketch, bands)


def _shows_one(text: _Entry, one: _Entry, other: _Entry) -> bool:
    """Say whether what a text shares with two others is the same, and much of each."""
    if not _about_same(one.about, other.about):
        return False
    with_one, with_other = (np.intersect1d(text.shingles, entry.shingles, assume_unique=True) for entry in (one, other))
    both = len(np.intersect1d(with_one, with_other, assume_unique=True))
    least = SHARED_BY_BOTH * min(len(with_one), len(with_other))
    return both >= max(least, SHARE_OF_BOTH * max(len(one.shingles), len(other.shingles)))


def _about_same(one: frozenset[Hashable], other: frozenset[Hashable]) -> bool:
    return not one or not other or not one.isdisjoint(other)


def _similarity(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> float:
    """Return the larger of likeness and containment; 0 where neither makes the two the same story."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    short = min(len(one), len(other))
    jaccard = shared / (len(one) + len(other) - shared) if shared else 0.0
    contained = shared / short if short >= SHORTEST_PART else 0.0
    return max(jaccard if jaccard >= ALIKE else 0.0, contained if contained >= CONTAINED else 0.0)
