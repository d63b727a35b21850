"""More texts for a student than there are rows: pieces and mixtures of the training rows, which the teacher answers.

What a student learns from is not labels but what its teacher says, and the teacher can be asked about any text: rows
that lost some of their tokens, pieces of rows, the head of one row with the tail of another (Tang et al. 2019,
"Distilling Task-Specific Knowledge from BERT into Simple Neural Networks", section 3.2, on tokens instead of words).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Tokens = list[int]

LOSING, CUTTING = 0.5, 0.8
"""Below the first draw a row loses tokens, below the second it is cut, above both it is joined to another."""

LEAST_LOST, MOST_LOST = 0.05, 0.4


def augmented_rows(rows: Sequence[Tokens], empty: Tokens, count: int, random: np.random.Generator) -> list[Tokens]:
    """Make rows of token ids from others.

    Args:
        rows: Token ids of texts, special tokens included.
        empty: Token ids of the empty text: what stands before and behind every text.
        count: How many to make.
        random: Source of the draws.

    Returns:
        `count` rows between the same special tokens, none longer than the longest given; none where none is given.
    """
    if not rows:
        return []
    head, tail = _frame(rows, empty)
    inner = [row[head : len(row) - tail] for row in rows]
    longest = max(map(len, inner))
    made = []
    for _ in range(count):
        first, second = (inner[i] for i in random.integers(0, len(inner), 2))
        made.append([*empty[:head], *_made(first, second, random)[:longest], *empty[len(empty) - tail :]])
    return made


def _made(first: Tokens, second: Tokens, random: np.random.Generator) -> Tokens:
    way = random.random()
    if way < LOSING:
        lost = random.random(len(first)) < random.uniform(LEAST_LOST, MOST_LOST)
        return [token for token, gone in zip(first, lost, strict=True) if not gone] or first
    if way < CUTTING:
        start, end = sorted(random.integers(0, len(first) + 1, 2).tolist())
        return first[start : end + 1]
    return [*first[: random.integers(0, len(first) + 1)], *second[random.integers(0, len(second) + 1) :]] or first


def _frame(rows: Sequence[Tokens], empty: Tokens) -> tuple[int, int]:
    """Return how many of the empty text's tokens every row begins with, and how many it ends with."""
    head = _shared(rows, empty)
    backwards = [row[head:][::-1] for row in rows]
    return head, _shared(backwards, empty[head:][::-1])


def _shared(rows: Sequence[Tokens], wanted: Tokens) -> int:
    """Return how many of the wanted tokens all rows begin with."""
    shared = 0
    while shared < len(wanted) and all(row[shared : shared + 1] == wanted[shared : shared + 1] for row in rows):
        shared += 1
    return shared
