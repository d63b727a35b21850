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
        """Return the rows, those called wrong first, and then the least self-confident first."""
        return np.lexsort((self.confidence, ~self.wrong))

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
        What is said of each row. Called wrong are, of each label, as many rows as the joint estimates, those with the
        lowest self-confidence (pruning by class, section 3.2), where another class is likelier. With 77 classes this
        finds more than the widest gaps between two classes do: the likeliest class is often a look-alike of the true
        one, but a wrong label has next to no probability.
    """
    rows = np.arange(len(given))
    own = probabilities[rows, given]
    others = probabilities.copy()
    others[rows, given] = -1
    joint = estimate_joint(given, probabilities)
    margin = own - others.max(axis=1)
    return Suspects(probabilities.argmax(axis=1), own, margin, _prune_by_class(given, own, margin, joint), joint)


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


def _prune_by_class(
    given: NDArray[np.int64], own: NDArray[np.float64], margin: NDArray[np.float64], joint: NDArray[np.float64]
) -> NDArray[np.bool_]:
    wrong = np.zeros(len(given), bool)
    for label, count in enumerate(np.round(joint.sum(axis=1) - joint.diagonal()).astype(int).tolist()):
        rows = np.flatnonzero(given == label)
        wrong[rows[np.argsort(own[rows], kind="stable")[:count]]] = True
    return wrong & (margin < 0)
