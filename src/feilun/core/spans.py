"""Spans of a text, and a model's numbers for each token of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """A part of a text and what it is.

    Args:
        start: Its first character, counted from 0.
        end: The character behind its last.
        label: What it is.
    """

    start: int
    end: int
    label: str

    def __str__(self) -> str:
        return f"{self.label} {self.start}–{self.end}"


@dataclass(frozen=True, slots=True)
class PredictedSpan:
    """A span that a model found.

    Args:
        start: Its first character, counted from 0.
        end: The character behind its last.
        label: What it is.
        text: Its characters.
        score: Mean probability of its tokens' tags, 0 to 1.
    """

    start: int
    end: int
    label: str
    text: str
    score: float


@dataclass(frozen=True)
class TokenLogits:
    """A model's numbers for the tokens of one text.

    Args:
        text: The text.
        offsets: First character of each token and the one behind its last, shape (tokens, 2); no token is empty.
        logits: Shape (tokens, tags).
    """

    text: str
    offsets: NDArray[np.int64]
    logits: NDArray[np.float32]


Logits = NDArray[np.float32] | Sequence[TokenLogits]
"""A model's numbers for rows: shape (rows, numbers), or those of each row's tokens."""


def differences(one: Logits, other: Logits) -> NDArray[np.float32]:
    """Return the absolute differences of a model's numbers for the same rows, flat."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        apart: NDArray[np.float32] = np.abs(one - other).ravel()
        return apart
    parts = [np.abs(a.logits - b.logits).ravel() for a, b in zip(list(one), list(other), strict=True)]
    return np.concatenate([np.empty(0, np.float32), *parts])


def reordered(parts: Sequence[Logits], order: NDArray[np.int64]) -> Logits:
    """Put numbers that were computed part by part back into the order of the rows.

    Args:
        parts: The numbers, part by part.
        order: The row of each, shape (rows,).
    """
    places = np.argsort(order)
    if isinstance(parts[0], np.ndarray):
        joined: NDArray[np.float32] = np.concatenate([part for part in parts if isinstance(part, np.ndarray)])[places]
        return joined
    flat = [one for part in parts for one in part]
    return [flat[place] for place in places.tolist()]
