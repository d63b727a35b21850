"""How far each rule is to be trusted, learnt from where rules agree, and the label that follows for each text.

The model of Dawid and Skene (1979), with silence as an answer: each rule speaks of the texts of each class with a rate
of its own, independently of the other rules. Rates and shares of the classes are fitted by expectation and
maximisation to texts without any true label. A model with one accuracy for each rule, whether it speaks or not being
left out (Ratner et al. 2016), has a useless best fit where each rule names one class only: all texts in one class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR = 0.8
"""Share of what a rule speaks of that belongs to the class it names, before anything is known."""

WEIGHT = 10.0
"""Texts that the prior counts as."""

ROUNDS = 200
TOLERANCE = 1e-6
LOWEST = 1e-5


@dataclass(frozen=True)
class LabelModel:
    """What was learnt of rules.

    Args:
        classes: The class that each rule names, shape (rules,).
        rates: How often each rule speaks of the texts of each class, shape (rules, classes).
        shares: Share of each class among the texts of which a rule speaks, shape (classes,).
    """

    classes: NDArray[np.int64]
    rates: NDArray[np.float64]
    shares: NDArray[np.float64]

    @property
    def trusted(self) -> NDArray[np.float64]:
        """Return how often the class that each rule names is the right one where it speaks, shape (rules,)."""
        spoken = self.rates * self.shares
        return np.asarray(spoken[np.arange(len(self.classes)), self.classes] / spoken.sum(axis=1), np.float64)

    def probabilities(self, votes: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the probability of each class for each text of which a rule speaks; else the shares.

        Args:
            votes: Which rule speaks of which text, shape (texts, rules).

        Returns:
            Shape (texts, classes).
        """
        silent = np.log1p(-self.rates)
        logits = votes @ (np.log(self.rates) - silent) + silent.sum(axis=0) + np.log(self.shares)
        likelihood = np.exp(logits - logits.max(axis=1, keepdims=True))
        found = likelihood / likelihood.sum(axis=1, keepdims=True)
        return np.where(votes.any(axis=1, keepdims=True), found, self.shares)


def fit_label_model(
    votes: NDArray[np.bool_], classes: NDArray[np.int64], count: int, shares: NDArray[np.float64] | None = None
) -> LabelModel:
    """Learn how far each rule is to be trusted, and how frequent the classes are.

    Args:
        votes: Which rule speaks of which text, shape (texts, rules).
        classes: The class that each rule names, shape (rules,).
        count: How many classes there are.
        shares: Share of each class, shape (classes,), where it is known; it stays as it is then.
    """
    spoken = votes[votes.any(axis=1)].astype(np.float64)  # (texts, rules)
    named = spoken @ np.eye(count)[classes] + 0.1 / count  # (texts, classes)
    likely = named / named.sum(axis=1, keepdims=True)
    model = _maximised(spoken, likely, classes, shares)
    for _ in range(ROUNDS):
        former, likely = likely, model.probabilities(spoken > 0)
        model = _maximised(spoken, likely, classes, shares)
        if np.abs(likely - former).max(initial=0) < TOLERANCE:
            break
    return model


def _maximised(
    spoken: NDArray[np.float64],
    likely: NDArray[np.float64],
    classes: NDArray[np.int64],
    shares: NDArray[np.float64] | None,
) -> LabelModel:
    """Return the model that fits probabilities of the classes, with the prior added as texts.

    Args:
        spoken: Which rule speaks of which text, shape (texts, rules).
        likely: Probability of each class, shape (texts, classes).
        classes: The class that each rule names, shape (rules,).
        shares: Share of each class where it is known, shape (classes,).
    """
    texts, count = likely.shape
    rows = likely.sum(axis=0)  # (classes,)
    if shares is None:
        shares = (rows + 1) / (texts + count)
    prior = np.full((len(classes), count), (1 - PRIOR) / max(count - 1, 1))
    prior[np.arange(len(classes)), classes] = PRIOR
    often = np.maximum(spoken.mean(axis=0), LOWEST) if texts else np.full(len(classes), 0.5)  # (rules,)
    unseen = WEIGHT / often[:, None] * (rows + 1) / (texts + count)  # texts in which a rule would have spoken so often
    rates = (spoken.T @ likely + WEIGHT * prior) / (rows + unseen)
    return LabelModel(classes, np.clip(rates, LOWEST, 1 - 1e-3), shares)


def decide(probabilities: NDArray[np.float64], votes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the likeliest class of each text, shape (texts,); -1 where no rule speaks or two classes are as likely."""
    ordered = np.sort(probabilities, axis=1)
    sure = votes.any(axis=1) & (ordered[:, -1] - ordered[:, -2] > TOLERANCE)
    return np.where(sure, probabilities.argmax(axis=1), -1)


def conflicts(votes: NDArray[np.bool_], classes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say where each rule speaks while another names another class, shape (texts, rules)."""
    count = int(classes.max()) + 1
    named = (votes.astype(np.int64) @ np.eye(count, dtype=np.int64)[classes]) > 0  # (texts, classes)
    return np.asarray(votes & (named.sum(axis=1) > 1)[:, None], bool)
