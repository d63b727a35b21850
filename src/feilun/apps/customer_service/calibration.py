"""How sure an answer has to be: held-out questions give the weights of what was found, and the thresholds.

A held-out question is a variant that is taken out of the index: asked then, its own entry is right. Asked with its own
entry taken out as well, nothing is right, whatever is found: these are the questions that must be declined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.choice import NOTHING, Choice, Features, fit_choice
from feilun.apps.customer_service.evidence import Evidence, Weighed

FOLDS = 5
"""Parts of the held-out questions; each is judged by weights that were fitted on the others."""

NEVER = 1.01
"""A threshold that no probability reaches."""

NO_CANDIDATES: Features = np.empty((0, 0))


@dataclass(frozen=True)
class Calibration:
    """Weights of evidence, and the probability from which on it answers.

    Args:
        weights: One a feature, then the constant.
        threshold: Lowest probability of an answer.
        first: Share of the answerable held-out questions whose entry comes first.
        answered: Share of the answerable ones that are answered.
        declined: Share of the unanswerable ones that are declined.
        precision: Share of right ones among the answers to answerable questions.
        questions: How many of both kinds were held out.
    """

    weights: tuple[float, ...]
    threshold: float
    first: float
    answered: float
    declined: float
    precision: float
    questions: int

    def weighed(self, evidence: Evidence) -> list[Weighed]:
        """Return the candidates with their probabilities, the most probable first."""
        chances = Choice(np.array(self.weights)).probabilities(evidence.features)
        return [
            Weighed(evidence.ids[place], float(chances[place]), tuple(evidence.features[place].tolist()))
            for place in np.argsort(-chances, kind="stable")
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        return Calibration(tuple(value["weights"]), **{k: v for k, v in value.items() if k != "weights"})


@dataclass(frozen=True)
class Judged:
    """What was answered to held-out questions by weights that had not seen them.

    Args:
        chance: Probability of the first candidate, shape (questions,); 0 where nothing was found.
        right: Whether it is right, shape (questions,).
        answerable: Whether anything was, shape (questions,).
    """

    chance: NDArray[np.float64]
    right: NDArray[np.bool_]
    answerable: NDArray[np.bool_]

    def threshold(self, declined: float, precision: float) -> float:
        """Return the lowest threshold with that share declined and that precision; `NEVER` where there is none."""
        for threshold in np.unique(self.chance):
            given = self.chance >= threshold
            if (
                _share(~given[~self.answerable]) >= declined
                and _share(self.right[given & self.answerable]) >= precision
            ):
                return float(threshold)
        return NEVER


def calibrate(questions: Sequence[tuple[Evidence | None, str]], declined: float, precision: float) -> Calibration:
    """Fit the weights and choose the threshold on questions that the weights had not seen.

    Args:
        questions: What was found for each held-out question, and the id that is right; each counts twice, as it is
            and with the right candidate taken out.
        declined: Share of the unanswerable ones that must be declined.
        precision: Share of the answers to the answerable ones that must be right.

    Returns:
        The calibration, whose figures are cross-fitted; its threshold is never reached where none meets both.
    """
    pairs = [_asked(found, right) for found, right in questions]
    judged = _cross_fitted(pairs)
    threshold = judged.threshold(declined, precision)
    given = judged.chance >= threshold
    return Calibration(
        tuple(_fitted(pairs).weights.tolist()),
        threshold,
        _share(judged.right[judged.answerable]),
        _share(given[judged.answerable]),
        _share(~given[~judged.answerable]),
        _share(judged.right[given & judged.answerable]),
        len(judged.chance),
    )


def _fitted(pairs: Sequence[tuple[_Asked, _Asked]]) -> Choice:
    return fit_choice([(asked.features, asked.right) for pair in pairs for asked in pair])


def _cross_fitted(pairs: Sequence[tuple[_Asked, _Asked]]) -> Judged:
    """Judge each question by weights that were fitted without it."""
    found: list[tuple[float, bool, bool]] = []
    for fold in range(FOLDS):
        choice = _fitted([pair for number, pair in enumerate(pairs) if number % FOLDS != fold])
        found += [asked.judged(choice) for pair in pairs[fold::FOLDS] for asked in pair]
    chance, right, answerable = zip(*found, strict=True)
    return Judged(np.array(chance), np.array(right), np.array(answerable))


def _asked(found: Evidence | None, right: str) -> tuple[_Asked, _Asked]:
    """Return what was found for a question, and the same with its right candidate taken out."""
    if found is None:
        return _Asked(NO_CANDIDATES, NOTHING, True), _Asked(NO_CANDIDATES, NOTHING, False)
    # a right answer that no search proposed is none of the candidates: nothing that was found fits
    place = found.ids.index(right) if right in found.ids else NOTHING
    return _Asked(found.features, place, True), _Asked(found.without(right).features, NOTHING, False)


@dataclass(frozen=True)
class _Asked:
    """Features of a question's candidates, the place of the right one, and whether there is an answer at all."""

    features: Features
    right: int
    answerable: bool

    def judged(self, choice: Choice) -> tuple[float, bool, bool]:
        """Return the first candidate's probability, whether it is right, and whether anything is."""
        if not len(self.features):
            return 0.0, False, self.answerable
        chances = choice.probabilities(self.features)
        first = int(chances.argmax())
        return float(chances[first]), first == self.right, self.answerable


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else 0.0
