"""Whether int8 answers as float32 does: on thousands of texts of every length, alone and in batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.runtime import Runtime
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.remark import Remark
from feilun.core.spans import differences, reordered
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.quality import QUALITIES
from feilun.text.tokens import TokenEncoder

Indices = NDArray[np.int64]

BATCHES = (1, 8)
"""Sizes of the batches in which int8 sees every text."""

SIGNIFICANT = 0.05
"""A loss that chance would bring about less often than this is a loss."""

MADE_TOKENS = 16_384
"""Most tokens of the texts that are made to have a text of every length; 512 tokens thus come in steps of 8."""

PIECES, LETTERS_OF_A_PIECE = 1_000, 2_000
"""Texts that are joined, and how much of each, before texts of every length are cut out."""

MOST_LABELLED = 4_000
"""Labelled rows compared; of more, the comparison would take longer than it is worth."""

SWAPS, SWAPS_AT_ONCE = 2_000, 100


@dataclass(frozen=True)
class Fidelity:
    """How int8 compares with float32.

    Args:
        texts: Texts compared.
        shortest: Tokens of the shortest of them.
        longest: Tokens of the longest, as the model reads it.
        changed: Share of the texts whose answer changed, by the size of the batches that int8 saw them in.
        changed_between: Share of the texts whose int8 answer depends on the size of the batch.
        largest_difference: Largest absolute difference of a logit.
        mean_difference: Mean absolute difference of a logit.
        worse: Labelled rows that float32 gets right and int8 wrong.
        better: Labelled rows of which the reverse holds.
        chance: Probability of so many more `worse` than `better` by chance (McNemar's exact test, one-sided).
        quality: The task's first figure of float32 and of int8, on the labelled rows.
        quality_chance: Probability of such a loss by chance (randomisation test, one-sided).
        metric: Name of that figure.
    """

    texts: int
    shortest: int
    longest: int
    changed: dict[int, float]
    changed_between: float
    largest_difference: float
    mean_difference: float
    worse: int
    better: int
    chance: float
    quality: tuple[float, float]
    quality_chance: float
    metric: str = "macro-F1"

    def objections(self, most_changed: float) -> list[Remark]:
        """Say what speaks against int8: finished clauses, none where nothing does."""
        found = [
            Remark(
                f"{share:.1%} of the predictions changed in batches of {size} (at most {most_changed:.1%} may)",
                f"批大小为 {size} 时 {share:.1%} 的预测变了（最多可变 {most_changed:.1%}）",
            )
            for size, share in self.changed.items()
            if not share <= most_changed
        ]
        if not math.isfinite(self.largest_difference):
            found.append(Remark("it gave scores that are not finite", "它给出了非有限的分数"))
        if self.chance < SIGNIFICANT:
            found.append(
                Remark(
                    f"it lost {self.worse} labelled rows and won {self.better} (chance {self.chance:.3f})",
                    f"它失去 {self.worse} 条有标签的行，赢得 {self.better} 条（偶然的概率 {self.chance:.3f}）",
                )
            )
        if self.quality_chance < SIGNIFICANT:
            before, after = self.quality
            found.append(
                Remark(
                    f"{self.metric} fell from {before:.4f} to {after:.4f} (chance {self.quality_chance:.3f})",
                    f"{self.metric} 从 {before:.4f} 降到 {after:.4f}（偶然的概率 {self.quality_chance:.3f}）",
                )
            )
        return found


def judge_fidelity(float32: Runtime, int8: Runtime, texts: Sequence[str], labelled: Corpus, seed: int = 13) -> Fidelity:
    """Compare int8 with float32; it sees every text in batches of each size of `BATCHES`.

    Args:
        float32: The model as trained.
        int8: The same in 8 bits.
        texts: Texts to compare on beside the labelled ones.
        labelled: Rows with targets, for the loss of right rows and of the task's first figure; of very many,
            `MOST_LABELLED` are drawn.
        seed: Seeds the draws.

    Returns:
        The comparison.
    """
    random = np.random.default_rng(seed)
    if len(labelled) > MOST_LABELLED:
        labelled = labelled.select(random.permutation(len(labelled))[:MOST_LABELLED].tolist())
    corpus = _joined(labelled, texts)
    lengths = float32.lengths(corpus)
    wanted = float32.logits(corpus)
    found = [_in_batches(int8, corpus, lengths, size, random) for size in BATCHES]
    apart = np.concatenate([differences(wanted, logits) for logits in found])
    labels, undecided = float32.labels, float32.decision
    quality = QUALITIES[undecided.task]
    decision = JUDGES[undecided.task].calibrate(wanted[: len(labelled)], labelled, labels, undecided, None)
    changed = np.stack([decision.changed(wanted, logits, labels.names) for logits in found])  # (sizes, texts)
    between = np.stack([decision.changed(found[0], logits, labels.names) for logits in found]).any(0)  # (texts,)
    (right, before), (still, after) = (
        quality.rows(logits[: len(labelled)], labelled, labels, decision) for logits in (wanted, found[-1])
    )
    worse, better = int((right & ~still).sum()), int((~right & still).sum())
    figures, chance = loss_by_chance(before, after, quality.figure, seed)
    return Fidelity(
        texts=len(corpus),
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        changed=dict(zip(BATCHES, changed.mean(1).tolist(), strict=True)),
        changed_between=float(between.mean()),
        largest_difference=float(apart.max(initial=0)),
        mean_difference=float(apart.mean()) if len(apart) else 0.0,
        worse=worse,
        better=better,
        chance=exact_mcnemar(worse, better),
        quality=figures,
        quality_chance=chance,
        metric=quality.metric,
    )


def texts_of_all_lengths(texts: Sequence[str], encoder: TokenEncoder, count: int, seed: int) -> list[str]:
    """Draw texts for a comparison, and make more so that every length is there and their number suffices.

    Args:
        texts: The texts at hand, at least one.
        encoder: Says how many tokens a text has.
        count: How many are wanted.
        seed: Seeds the draw.

    Returns:
        `count` texts: different ones of those at hand, and pieces of them joined and cut to about every length from
        one token to the longest that the model reads. Where few are at hand, more are made.
    """
    random = np.random.default_rng(seed)
    distinct = list(dict.fromkeys(texts))
    lengths = lengths_to_make(encoder.max_tokens)
    kept = min(len(distinct), max(count - len(lengths), count // 2))
    drawn = [distinct[i] for i in random.permutation(len(distinct))[:kept]]
    pieces = [distinct[i][:LETTERS_OF_A_PIECE] for i in random.integers(0, len(distinct), PIECES)]
    joined, places = " ".join(pieces), _places(" ".join(pieces), encoder)
    special = int(encoder.count([""])[0])
    for i in range(count - kept):
        wanted = lengths[i % len(lengths)] - special
        first = int(random.integers(0, max(1, len(places) - wanted)))
        inside = places[first : first + max(1, wanted)]
        drawn.append(joined[inside[0][0] : inside[-1][1]] if inside else "")
    return drawn


def _places(text: str, encoder: TokenEncoder) -> list[tuple[int, int]]:
    """Return where in a text each of its tokens starts and ends."""
    encoder.tokenizer.no_truncation()
    places: list[tuple[int, int]] = encoder.tokenizer.encode(text, add_special_tokens=False).offsets
    return places


def lengths_to_make(longest: int) -> list[int]:
    """Return lengths from 1 to `longest`, both included, evenly spread, of at most about `MADE_TOKENS` in sum."""
    count = min(longest, max(2, 2 * MADE_TOKENS // longest))
    return [int(length) for length in np.unique(np.linspace(1, longest, count).round())]


def exact_mcnemar(worse: int, better: int) -> float:
    """Return the probability of at least `worse` of `worse + better` differing rows by a fair coin (McNemar 1947)."""
    differing = worse + better
    ways = total = math.comb(differing, worse)
    for rows in range(worse, differing):
        ways = ways * (differing - rows) // (rows + 1)
        total += ways
    return float(total / 2**differing)


def loss_by_chance(
    before: NDArray[Any], after: NDArray[Any], figure: Callable[[Floats], Floats], seed: int
) -> tuple[tuple[float, float], float]:
    """Test the loss of a figure by randomisation (Noreen 1989; Yeh 2000): would swapped answers lose as much?

    Args:
        before: What the figure needs of each row's first answer, shape (rows, …).
        after: Of its second answer, of the same shape.
        figure: Computes the figure from sums over rows.
        seed: Seeds the swaps.

    Returns:
        Both figures, and the share of random swaps of the two models' answers that lose at least as much.
    """
    if len(before) == 0:
        return (0.0, 0.0), 1.0
    rows, shape = len(before), before.shape[1:]
    first, second = (array.reshape(rows, -1).astype(np.float64) for array in (before, after))
    total = first.sum(0) + second.sum(0)
    figures = [float(figure(array.sum(0).reshape(shape))) for array in (first, second)]
    loss = figures[0] - figures[1]
    if not loss > 0:
        return (figures[0], figures[1]), 1.0
    random = np.random.default_rng(seed)
    moved = second - first  # what swapping a row takes from one model to the other
    moved = moved[moved.any(1)]
    as_much = 0
    for _ in range(SWAPS // SWAPS_AT_ONCE):
        swap = random.random((SWAPS_AT_ONCE, len(moved))) < 0.5
        sums = first.sum(0) + swap @ moved  # (swaps, …)
        mine, theirs = (figure(part.reshape(-1, *shape)) for part in (sums, total - sums))
        as_much += int((mine - theirs >= loss - 1e-12).sum())
    return (figures[0], figures[1]), (as_much + 1) / (SWAPS + 1)


def _joined(labelled: Corpus, texts: Sequence[str]) -> Corpus:
    """Put texts behind labelled rows; each gets a second text and features of one of these, where they have some."""
    corpus = corpus_of([*labelled.text, *texts])
    if len(labelled) == 0:
        return corpus
    rows = [i % len(labelled) for i in range(len(corpus))]
    taken = labelled.select(rows)
    return replace(corpus, pair=taken.pair, features=taken.features)


def _in_batches(runtime: Runtime, corpus: Corpus, lengths: Indices, size: int, random: np.random.Generator) -> Any:
    """Run a model over batches of `size` texts of nearly, but not quite, the same length, one batch on each core."""
    order = np.argsort(lengths + random.uniform(0, 8, len(lengths)), kind="stable")
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    alone = runtime.like(runtime.model, threads=1)
    with ThreadPoolExecutor(runtime.threads) as pool:
        parts = list(pool.map(lambda batch: alone.logits(corpus.select(batch.tolist())), batches))
    return reordered(parts, order)
