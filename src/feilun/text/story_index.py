"""Near duplicates in a stream: each text joins the story of the most similar text of the last while, or begins one.

The sketches are those of `near_duplicates`, cut into more and shorter bands, so that a copy that lost half of its text
is still proposed (33 bands of 3: at a Jaccard similarity of 0.5 with probability 0.99). A proposed pair counts where
its shingles say that one is a copy of the other: alike as a whole, or the shorter one nearly contained in the longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

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

LEAST_AGREEMENT = 0.15
"""Share of equal sketch bytes below which a pair is not looked at."""

CROWD = 32
"""Latest texts of a band's bucket that are compared."""


@dataclass(frozen=True, slots=True)
class _Entry:
    story: str
    time: float
    shingles: NDArray[np.uint32]
    about: frozenset[Hashable]
    sketch: NDArray[np.uint8]
    bands: tuple[bytes, ...]


class StoryIndex:
    """The texts of the last while, by what they say.

    Args:
        window_seconds: How long after a story's latest text another may still join it.
    """

    def __init__(self, window_seconds: float = 3 * 86_400.0) -> None:
        self.window_seconds = window_seconds
        self.latest = float("-inf")
        self._entries: dict[int, _Entry] = {}
        self._order: deque[int] = deque()
        self._buckets: list[dict[bytes, list[int]]] = [{} for _ in range(BANDS)]
        self._next = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self,
        keys: Sequence[str],
        texts: Sequence[str],
        times: Sequence[float],
        about: Sequence[frozenset[Hashable]],
        stories: Sequence[str | None] | None = None,
    ) -> list[str]:
        """Put texts into their stories.

        Args:
            keys: The name of each text; names the story that it begins.
            texts: The texts.
            times: When each was published, in seconds.
            about: Whom each is about; two texts about different ones are never the same story.
            stories: The story of each text that was told before, where it is known.

        Returns:
            The story of each text.
        """
        hashed = sketches(texts)[1] if texts else np.empty((0, BANDS * ROWS), dtype=np.uint8)
        found = []
        for i, (key, text, time) in enumerate(zip(keys, texts, times, strict=True)):
            sketch = hashed[i]
            raw = sketch.tobytes()
            bands = tuple(raw[band * ROWS : (band + 1) * ROWS] for band in range(BANDS))
            own = shingle_numbers(text)
            story = (stories[i] if stories else None) or self._same(own, time, about[i], sketch, bands) or key
            self._keep(_Entry(story, time, own, about[i], sketch, bands))
            found.append(story)
        return found

    def _same(
        self,
        own: NDArray[np.uint32],
        time: float,
        about: frozenset[Hashable],
        sketch: NDArray[np.uint8],
        bands: Sequence[bytes],
    ) -> str | None:
        """Return the story of the most similar text within the window."""
        near: set[int] = set()
        for buckets, band in zip(self._buckets, bands, strict=True):
            near.update(buckets.get(band, ())[-CROWD:])
        chosen = [self._entries[number] for number in sorted(near)]
        chosen = [
            one for one in chosen if abs(one.time - time) <= self.window_seconds and _about_same(one.about, about)
        ]
        if not chosen:
            return None
        agreement = (np.stack([one.sketch for one in chosen]) == sketch).mean(axis=1)
        best, story = 0.0, None
        for index in np.argsort(-agreement, kind="stable"):
            if agreement[index] < max(LEAST_AGREEMENT, best - 0.2):
                break
            similarity = _similarity(own, chosen[index].shingles)
            if similarity > best:
                best, story = similarity, chosen[index].story
        return story

    def _keep(self, entry: _Entry) -> None:
        number = self._next
        self._next += 1
        self._entries[number] = entry
        self._order.append(number)
        for buckets, band in zip(self._buckets, entry.bands, strict=True):
            buckets.setdefault(band, []).append(number)
        self.latest = max(self.latest, entry.time)
        # what came late stands behind what is newer, and leaves with it
        while self._order and self._entries[self._order[0]].time < self.latest - self.window_seconds:
            self._forget(self._order.popleft())

    def _forget(self, number: int) -> None:
        entry = self._entries.pop(number)
        for buckets, band in zip(self._buckets, entry.bands, strict=True):
            numbers = buckets[band]
            numbers.remove(number)
            if not numbers:
                del buckets[band]


def _about_same(one: frozenset[Hashable], other: frozenset[Hashable]) -> bool:
    return not one or not other or not one.isdisjoint(other)


def _similarity(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> float:
    """Return the larger of likeness and containment; 0 where neither makes the two the same story."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    short = min(len(one), len(other))
    jaccard = shared / (len(one) + len(other) - shared) if shared else 0.0
    contained = shared / short if short >= SHORTEST_PART else 0.0
    return max(jaccard if jaccard >= ALIKE else 0.0, contained if contained >= CONTAINED else 0.0)
