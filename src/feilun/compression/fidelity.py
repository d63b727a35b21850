"""Whether int8 answers as float32 does: on thousands of texts of every length, alone and in batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.runtime import Runtime
from feilun.core.corpus import Corpus, corpus_of

BATCHES = (1, 8)
SIGNIFICANT = 0.05
"""A loss that chance would bring about less often than this is a loss."""


@dataclass(frozen=True)
class Fidelity:
    """How int8 compares with float32.

    Args:
        texts: Texts compared.
        changed: Share of texts whose label changed, by the batch that int8 saw them in.
        mean_difference: Mean absolute difference of a logit.
        worse: Labelled rows that float32 gets right and int8 wrong.
        better: Labelled rows of which the reverse holds.
        chance: Probability of so many more `worse` than `better` by chance (McNemar's exact test, one-sided).
    """

    texts: int
    changed: dict[int, float]
    mean_difference: float
    worse: int
    better: int
    chance: float

    def objections(self, most_changed: float) -> list[str]:
        """Say what speaks against int8: finished clauses, none where nothing does."""
        found = [
            f"{share:.1%} of the predictions changed in batches of {size} (at most {most_changed:.1%} may)"
            for size, share in self.changed.items()
            if share > most_changed
        ]
        if self.chance < SIGNIFICANT:
            found.append(f"it lost {self.worse} labelled rows and won {self.better} (chance {self.chance:.3f})")
        return found


def judge_fidelity(float32: Runtime, int8: Runtime, texts: Sequence[str], labelled: Corpus) -> Fidelity:
    """Compare int8 with float32; each batch size sees an equal share of the texts.

    Args:
        float32: The model as trained.
        int8: The same in 8 bits.
        texts: Texts to compare on, labelled or not.
        labelled: Rows with targets, for the loss of accuracy.

    Returns:
        The comparison.
    """
    corpus = corpus_of(texts)
    wanted = float32.logits(corpus)
    changed, differences = {}, []
    for start, size in enumerate(BATCHES):
        rows = list(range(start, len(corpus), len(BATCHES)))
        found = np.concatenate([int8.logits(corpus.select(batch)) for batch in _batches(rows, size)])
        changed[size] = float((found.argmax(1) != wanted[rows].argmax(1)).mean())
        differences.append(float(np.abs(found - wanted[rows]).mean()))
    right, still = _right(float32, labelled), _right(int8, labelled)
    worse, better = int((right & ~still).sum()), int((~right & still).sum())
    return Fidelity(len(corpus), changed, float(np.mean(differences)), worse, better, mcnemar(worse, better))


def texts_of_all_lengths(texts: Sequence[str], count: int, seed: int) -> list[str]:
    """Draw texts for a comparison: all there are up to `count`, a quarter of them cut short or joined to long ones.

    Args:
        texts: The texts at hand.
        count: How many are wanted.
        seed: Seeds the draw.

    Returns:
        `count` texts; where there are fewer than that at hand, cut and joined ones make up the number.
    """
    random = np.random.default_rng(seed)
    drawn = [texts[i] for i in random.permutation(len(texts))[: count - count // 4]]
    while len(drawn) < count:
        first, second = (texts[i] for i in random.integers(0, len(texts), 2))
        longer = f"{first} {second}" * int(random.integers(1, 4))
        drawn.append(longer[: int(random.integers(1, len(longer) + 1))])
    return drawn


def mcnemar(worse: int, better: int) -> float:
    """Return the probability of at least `worse` of `worse + better` differing rows by a fair coin (McNemar 1947)."""
    differing = worse + better
    ways = sum(math.comb(differing, k) for k in range(worse, differing + 1))
    return float(ways / 2**differing)


def _batches(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _right(runtime: Runtime, labelled: Corpus) -> NDArray[np.bool_]:
    chosen = runtime.logits(labelled).argmax(1)
    right: NDArray[np.bool_] = chosen == runtime.labels.encode(labelled.target or [])
    return right
