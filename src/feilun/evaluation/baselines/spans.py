"""What a model of spans has to beat: the mentions of the training rows, looked up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from feilun.core.corpus import Corpus
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction, Ranking
from feilun.core.spans import PredictedSpan, Span

MENTIONS = "mentions of the training rows"


class MentionDictionary:
    """Finds the mentions that the training rows mark, longest first; a Predictor.

    Args:
        labels: By mention, the label that it has most often.
        names: Labels in class order.
    """

    def __init__(self, labels: dict[str, str], names: tuple[str, ...]) -> None:
        self.labels = labels
        self.names = names
        longest_first = sorted(labels, key=lambda mention: (-len(mention), mention))
        self._pattern = re.compile("|".join(map(_alone, longest_first)) or r"(?!)")

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return [self._predict(text) for text in corpus.text]

    def _predict(self, text: str) -> Prediction:
        spans = tuple(
            PredictedSpan(found.start(), found.end(), self.labels[found[0]], found[0], 1.0)
            for found in self._pattern.finditer(text)
        )
        label = " | ".join(f"{span.text} [{span.label}]" for span in spans)
        return Prediction(label, 1.0, Ranking(self.names, np.zeros(len(self.names), np.float32)), spans=spans)


def fit_span_baselines(
    train: Corpus, targets: Sequence[Sequence[Span]], names: tuple[str, ...]
) -> dict[str, Predictor]:
    """Fit the baseline that every report of spans shows beside the model.

    Args:
        train: Training rows.
        targets: Their spans.
        names: Labels in class order.

    Returns:
        By name: the dictionary of those mentions that are marked more often than not where they occur.
    """
    marked: dict[str, Counter[str]] = {}
    for text, spans in zip(train.text, targets, strict=True):
        for span in spans:
            marked.setdefault(text[span.start : span.end], Counter())[span.label] += 1
    everything = MentionDictionary({mention: found.most_common(1)[0][0] for mention, found in marked.items()}, names)
    occurring = Counter(span.text for prediction in everything.predict(train) for span in prediction.spans or ())
    kept = {
        mention: label
        for mention, label in everything.labels.items()
        if 2 * marked[mention].total() > occurring[mention]
    }
    return {MENTIONS: MentionDictionary(kept, names)}


def _alone(mention: str) -> str:
    """Return a pattern for a mention; one that begins or ends with a Latin letter or digit is no part of a word."""
    before = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", mention) else ""
    behind = r"(?![A-Za-z0-9])" if re.search(r"[A-Za-z0-9]\Z", mention) else ""
    return before + re.escape(mention) + behind
