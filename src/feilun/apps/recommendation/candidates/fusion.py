"""Candidates of several generators as one pool, each generator bringing its quota."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.generator import Generator, scoring_of
from feilun.apps.recommendation.candidates.scoring import Scoring
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import History


@dataclass(frozen=True)
class Pool:
    """Candidates of one user.

    Args:
        items: Item numbers, each once, shape (candidates,).
        scores: Of each generator, NaN where an item came after it had learned, shape (candidates, generators).
        names: The generators.
        source: Number of the generator that brought each, -1 where the pool was filled up, shape (candidates,).
    """

    items: NDArray[np.int64]
    scores: NDArray[np.float32]
    names: tuple[str, ...]
    source: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.items)

    def select(self, rows: NDArray[np.bool_]) -> Pool:
        """Return some of the candidates."""
        return Pool(self.items[rows], self.scores[rows], self.names, self.source[rows])

    @cached_property
    def standardised(self) -> NDArray[np.float32]:
        """Return each generator's scores with mean 0 and spread 1 within the pool; 0 where it knows nothing."""
        known = ~np.isnan(self.scores)
        counts = np.maximum(known.sum(0, keepdims=True), 1)
        moved = np.where(known, self.scores - np.nansum(self.scores, axis=0, keepdims=True) / counts, 0)
        spread = np.sqrt((moved**2).sum(0, keepdims=True) / counts)
        even: NDArray[np.float32] = np.divide(moved, spread, out=np.zeros_like(moved), where=spread > 1e-12)
        return even


def gather(
    generators: Mapping[str, Generator],
    quotas: Mapping[str, int],
    history: History,
    situation: Situation,
    allowed: NDArray[np.bool_],
    least: int = 0,
    also: Iterable[int] = (),
) -> Pool:
    """Ask all generators.

    Args:
        generators: By name.
        quotas: Most candidates of each.
        history: What the user took.
        situation: When and in what context the list is asked for.
        allowed: Which items may be shown, shape (items,).
        least: Fill up with any allowed items to so many.
        also: Items that are candidates whoever brings them.

    Returns:
        The pool; empty where nothing is allowed.
    """
    names = tuple(name for name in generators if name in quotas)
    scorings = [scoring_of(generators[name], history, situation, len(allowed)) for name in names]
    found: dict[int, int] = {}
    for number, (name, scoring) in enumerate(zip(names, scorings, strict=True)):
        for item in scoring.best(allowed, quotas[name]).tolist():
            found.setdefault(item, number)
    if len(found) < least:
        for item in np.flatnonzero(allowed):
            if len(found) >= least:
                break
            found.setdefault(int(item), -1)
    for item in also:
        found.setdefault(int(item), -1)
    items, source = np.fromiter(found, np.int64, len(found)), np.fromiter(found.values(), np.int64, len(found))
    return _pool(items, source, names, scorings)


def pool_of(
    generators: Mapping[str, Generator],
    names: Collection[str],
    history: History,
    situation: Situation,
    items: NDArray[np.int64],
) -> Pool:
    """Return given items as a pool, with what the named generators say of them.

    Args:
        generators: By name.
        names: The generators to ask.
        history: What the user took.
        situation: When and in what context the list is asked for.
        items: Item numbers, each once, shape (candidates,).
    """
    asked = tuple(name for name in generators if name in names)
    widest = max(int(items.max(initial=-1)) + 1, 1)
    scorings = [scoring_of(generators[name], history, situation, widest) for name in asked]
    return _pool(items, np.full(len(items), -1, np.int64), asked, scorings)


def _pool(
    items: NDArray[np.int64], source: NDArray[np.int64], names: tuple[str, ...], scorings: Sequence[Scoring]
) -> Pool:
    scores = np.stack([one.of(items) for one in scorings], axis=1) if names else np.zeros((len(items), 0), np.float32)
    return Pool(items, scores.astype(np.float32), names, source)
