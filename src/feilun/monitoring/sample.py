"""What drift is looked for in: a few figures of each text and of what was said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.text.language import script_shares


@dataclass(frozen=True)
class Sample:
    """Figures of some predictions, one a row.

    Args:
        labels: Predicted labels.
        scores: Their calibrated probabilities, shape (rows,).
        characters: Lengths of the texts, shape (rows,).
        scripts: The script that most letters of each text are of; `none` where it has no letter.
        unknown: Share of each text's tokens that the model's vocabulary does not hold, shape (rows,); empty where its
            tokenizer has no unknown token.
        states: Pooled states of the model, reduced, shape (some rows, dimensions); None where they are not known.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float64]
    characters: NDArray[np.int64]
    scripts: tuple[str, ...]
    unknown: NDArray[np.float64]
    states: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: NDArray[np.int64]) -> Sample:
        """Return the rows at these indices."""
        return Sample(
            tuple(self.labels[i] for i in rows),
            self.scores[rows],
            self.characters[rows],
            tuple(self.scripts[i] for i in rows),
            self.unknown[rows] if len(self.unknown) else self.unknown,
            None if self.states is None else self.states[rows],
        )


def sample_of(
    texts: Sequence[str],
    labels: Sequence[str],
    scores: Sequence[float],
    unknown: NDArray[np.float64],
    states: NDArray[np.float32] | None = None,
) -> Sample:
    """Take the figures of predictions.

    Args:
        texts: The texts, as they are stored: on both sides of a comparison personal data must be replaced alike.
        labels: Predicted labels.
        scores: Their calibrated probabilities.
        unknown: Shares of unknown tokens, shape (rows,), or empty.
        states: Reduced pooled states, shape (rows, dimensions), or None.
    """
    return Sample(
        tuple(labels),
        np.asarray(scores, np.float64).round(4).astype(np.float64),
        np.fromiter(map(len, texts), np.int64, len(texts)),
        tuple(next(iter(script_shares([text])), "none") for text in texts),
        np.asarray(unknown, np.float64).round(4).astype(np.float64),
        states,
    )
