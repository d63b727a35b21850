"""Candidates of several generators as one pool, each generator bringing its quota."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.generator import Generator, Scores, scored
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import History

SAMPLED, FEWEST_SAMPLED = 16, 10_000
"""Every so-manieth score is looked at first, where there are so many."""


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
    all_scores = [padded(scored(generators[name], history, situation), len(allowed)) for name in names]
    found: dict[int, int] = {}
    for number, (name, scores) in enumerate(zip(names, all_scores, strict=True)):
        for item in best(scores, allowed, quotas[name]):
            found.setdefault(int(item), number)
    if len(found) < least:
        for item in np.flatnonzero(allowed):
            if len(found) >= least:
                break
            found.setdefault(int(item), -1)
    for item in also:
        found.setdefault(int(item), -1)
    items, source = np.fromiter(found, np.int64, len(found)), np.fromiter(found.values(), np.int64, len(found))
    return _pool(items, source, names, all_scores)


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
    given = [scored(generators[name], history, situation) for name in asked]
    widest = max([int(items.max(initial=-1)) + 1, *(len(scores) for scores in given)])
    all_scores = [padded(scores, widest) for scores in given]
    return _pool(items, np.full(len(items), -1, np.int64), asked, all_scores)


def _pool(
    items: NDArray[np.int64], source: NDArray[np.int64], names: tuple[str, ...], all_scores: Sequence[Scores]
) -> Pool:
    scores = np.stack([one[items] for one in all_scores], axis=1) if names else np.zeros((len(items), 0), np.float32)
    return Pool(items, scores.astype(np.float32), names, source)


def best(scores: NDArray[np.float32], allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Return the allowed items with the highest scores above 0, best first, shape (at most count,)."""
    if count < 1:
        return np.zeros(0, np.int64)
    promising = np.flatnonzero(allowed & (scores > _floor(scores, count)))
    if len(promising) < count:
        promising = np.flatnonzero(allowed & (scores > 0))
    found = scores[promising]
    if len(promising) > count:
        kept = np.argpartition(-found, count - 1)[:count]
        promising, found = promising[kept], found[kept]
    return promising[np.lexsort((promising, -found))]


def _floor(scores: NDArray[np.float32], count: int) -> float:
    """Guess from a sample a score that a few times `count` items pass: sorting these is ten times as fast as all."""
    sample = np.fmax(scores[::SAMPLED], 0)  # also of NaN
    wanted = 4 * count // SAMPLED + 1
    if len(scores) < FEWEST_SAMPLED or wanted >= len(sample):
        return 0.0
    return max(0.0, float(np.partition(sample, -wanted)[-wanted]))


def padded(scores: NDArray[np.float32], items: int) -> NDArray[np.float32]:
    """Give items that came after a generator had learned no score (NaN): nothing speaks for or against them."""
    missing = items - len(scores)
    return np.pad(scores, (0, missing), constant_values=np.nan) if missing else scores
