"""Figures of a predictor that gives each text several labels or none, from arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.metrics.arithmetic import SMALLEST_PROBABILITY, Floats, divide, figures_by_label, share_below

RANKED = 5
"""Labels that nDCG looks at."""


@dataclass(frozen=True)
class SetJudgement:
    """Predicted sets of labels beside the true ones.

    Args:
        labels: Label names in class order.
        targets: True labels, shape (rows, labels).
        predicted: Chosen labels, shape (rows, labels).
        probabilities: Scores of all labels, shape (rows, labels).
        confidence: Score of the chosen set, 0 to 1, shape (rows,).
        abstained: Whether the row goes to a person, shape (rows,).
    """

    labels: tuple[str, ...]
    targets: NDArray[np.bool_]
    predicted: NDArray[np.bool_]
    probabilities: Floats
    confidence: Floats
    abstained: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each row's set is exactly the true one, shape (rows,)."""
        same: NDArray[np.bool_] = (self.targets == self.predicted).all(axis=1)
        return same

    @property
    def counts(self) -> NDArray[np.int64]:
        """Of each row and label: hit, true, chosen (0 or 1); shape (rows, 3, labels)."""
        return np.stack([self.targets & self.predicted, self.targets, self.predicted], axis=1).astype(np.int64)


def figures(judgement: SetJudgement) -> dict[str, float]:
    """Compute every figure that is defined on the sample.

    Args:
        judgement: Predictions beside the truth, at least one row.

    Returns:
        By name: micro_f1, macro_f1, subset_accuracy (the whole set is right), hamming_loss (share of wrong decisions
        of row and label), micro_precision, micro_recall, ndcg (of the five best labels, rows without labels left
        out), roc_auc (macro, over labels that occur and do not always), log_loss.
    """
    result = {name: float(value) for name, value in from_counts(judgement.counts.sum(0)).items()}
    result["subset_accuracy"] = float(judgement.correct.mean())
    result["hamming_loss"] = float((judgement.targets != judgement.predicted).mean())
    result["log_loss"] = float(log_losses(judgement).mean())
    gains = ndcg(judgement)
    if len(gains):
        result["ndcg"] = float(gains.mean())
    area = roc_auc(judgement)
    return result if area is None else {**result, "roc_auc": area}


def from_counts(counts: NDArray[np.integer] | Floats) -> dict[str, Floats]:
    """Compute the figures that depend on hits, truths and choices alone.

    Args:
        counts: Hit, true and chosen by label, shape (…, 3, labels).

    Returns:
        micro_f1, macro_f1 (over the labels that occur as truth or as choice), micro_precision and micro_recall, each
        of shape (…); 0 where the denominator is 0.
    """
    hits, actual, chosen = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]
    occurring = (actual + chosen > 0).sum(-1)
    return {
        "micro_f1": divide(2 * hits.sum(-1), (actual + chosen).sum(-1)),
        "macro_f1": divide(divide(2 * hits, actual + chosen).sum(-1), occurring),
        "micro_precision": divide(hits.sum(-1), chosen.sum(-1)),
        "micro_recall": divide(hits.sum(-1), actual.sum(-1)),
    }


def per_label(names: tuple[str, ...], counts: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Compute precision, recall, f1 and support of every label from `counts` of shape (3, labels)."""
    hits, actual, chosen = counts
    return figures_by_label(names, hits, actual, chosen)


def log_losses(judgement: SetJudgement) -> Floats:
    """Return each row's mean negative log-likelihood of its labels' truths in nats, shape (rows,)."""
    right = np.where(judgement.targets, judgement.probabilities, 1 - judgement.probabilities)
    losses: Floats = -np.log(np.clip(right, SMALLEST_PROBABILITY, 1.0)).mean(axis=1)
    return losses


def ndcg(judgement: SetJudgement) -> Floats:
    """Return how well the true labels stand at the top of the ranking (Järvelin and Kekäläinen 2002).

    Args:
        judgement: Predictions beside the truth.

    Returns:
        Discounted gain of the five best labels as a share of the best possible, of the rows that have labels.
    """
    rows = judgement.targets.any(axis=1)
    targets = judgement.targets[rows]
    depth = min(RANKED, len(judgement.labels))
    order = np.argsort(-judgement.probabilities[rows], axis=1, kind="stable")[:, :depth]
    discounts = 1 / np.log2(np.arange(2, depth + 2))
    gained = (np.take_along_axis(targets, order, axis=1) * discounts).sum(axis=1)
    ideal = np.cumsum(discounts)[np.minimum(targets.sum(axis=1), depth) - 1]
    shares: Floats = gained / ideal
    return shares


def roc_auc(judgement: SetJudgement) -> float | None:
    """Return the area under the ROC curve, averaged over labels with rows that have them and rows that do not."""
    areas = []
    for targets, scores in zip(judgement.targets.T, judgement.probabilities.T, strict=True):
        if targets.any() and not targets.all():
            areas.append(float(share_below(np.sort(scores[~targets]), scores[targets]).mean()))
    return float(np.mean(areas)) if areas else None
