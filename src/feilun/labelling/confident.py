"""Confident learning: which labels are probably wrong, from predictions of models that had not seen the rows.

Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70 (2021). A row counts
as one of class j where its probability of j reaches the mean of those rows that carry the label j; the counts of given
against counted classes, made to add up to the rows, estimate how often each label stands for each true one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Suspects:
    """What confident learning says of each row.

    Args:
        suggested: The likeliest class, shape (rows,).
        confidence: Probability of the given label (self-confidence), shape (rows,).
        margin: That, less the highest probability of another class, shape (rows,); -1 to 1.
        wrong: Whether the label is called wrong, shape (rows,).
        joint: Estimated rows by given label and true label, shape (classes, classes); sums to the rows.
    """

    suggested: NDArray[np.int64]
    confidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    joint: NDArray[np.float64]

    def ranked(self) -> NDArray[np.int64]:
        """Return the rows, those called wrong first, and then the lowest margins first."""
        return np.lexsort((self.margin, ~self.wrong))

    def noise(self) -> NDArray[np.float64]:
        """Return the estimated share of wrong labels among the rows that carry each, shape (classes,)."""
        rows = self.joint.sum(axis=1)
        return 1 - self.joint.diagonal() / np.where(rows > 0, rows, 1)

    def missing(self) -> NDArray[np.float64]:
        """Return the estimated share of each true class's rows that carry another label, shape (classes,)."""
        rows = self.joint.sum(axis=0)
        return np.where(rows > 0, 1 - self.joint.diagonal() / np.where(rows > 0, rows, 1), 0.0)


def find_suspects(given: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Suspects:
    """Look for wrong labels.

    Args:
        given: The class that each row carries, shape (rows,); every class has a row.
        probabilities: Out-of-fold, shape (rows, classes).

    Returns:
        What is said of each row. Called wrong are, of each pair of given and true class, as many rows as the joint
        estimates, those with the widest gap between the two probabilities (pruning by noise rate, section 3.2).
    """
    rows = np.arange(len(given))
    own = probabilities[rows, given]
    others = probabilities.copy()
    others[rows, given] = -1
    joint = estimate_joint(given, probabilities)
    return Suspects(
        probabilities.argmax(axis=1), own, own - others.max(axis=1), _prune_by_noise_rate(given, probabilities, joint),
        joint,
    )  # fmt: skip


def estimate_joint(given: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate how many rows carry each label and belong to each class (equations 1 to 3).

    Args:
        given: The class that each row carries, shape (rows,).
        probabilities: Out-of-fold, shape (rows, classes).

    Returns:
        Rows by given and true class, shape (classes, classes); each line sums to the rows that carry its label.
    """
    classes = probabilities.shape[1]
    carrying = np.bincount(given, minlength=classes)
    sums = np.bincount(given, probabilities[np.arange(len(given)), given], classes)
    thresholds = np.where(carrying > 0, sums / np.maximum(carrying, 1), np.inf)  # (classes,)
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    counted = reached.max(axis=1) >= 0
    counts = np.zeros((classes, classes))
    np.add.at(counts, (given[counted], reached.argmax(axis=1)[counted]), 1)
    without = counts.sum(axis=1) == 0  # of a label without a confident row nothing is known: it stands for itself
    counts[without, without] = 1
    joint: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True) * carrying[:, None]
    return joint


def _prune_by_noise_rate(
    given: NDArray[np.int64], probabilities: NDArray[np.float64], joint: NDArray[np.float64]
) -> NDArray[np.bool_]:
    wrong = np.zeros(len(given), bool)
    for label in np.unique(given):
        rows = np.flatnonzero(given == label)
        gaps = probabilities[rows] - probabilities[rows, label][:, None]  # (rows of the label, classes)
        for true in np.flatnonzero(np.round(joint[label]) > 0):
            if true != label:
                widest = np.argsort(-gaps[:, true], kind="stable")[: round(joint[label, true])]
                wrong[rows[widest[gaps[widest, true] > 0]]] = True
    return wrong
