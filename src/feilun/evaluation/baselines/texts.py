"""What a model that writes summaries or titles has to beat: the beginning of the text itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feilun.core.corpus import Corpus
from feilun.core.prediction import Prediction
from feilun.evaluation.metrics.texts import UNITS


@dataclass(frozen=True)
class Lead:
    """Answers with the beginning of the prompt; a Predictor.

    Args:
        units: How many Chinese characters and other words of it.
    """

    units: int

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return [Prediction.of_text(beginning(text, self.units), 1.0) for text in corpus.text]


def fit_lead(answers: Sequence[str]) -> Lead:
    """Return the baseline whose answers are as long as half of the training answers."""
    return Lead(max(1, int(np.median([len(UNITS.findall(answer)) for answer in answers] or [1]))))


def beginning(text: str, count: int) -> str:
    """Return a text up to the end of its unit number `count`, counted from 1."""
    for number, unit in enumerate(UNITS.finditer(text), start=1):
        if number == count:
            return text[: unit.end()]
    return text
