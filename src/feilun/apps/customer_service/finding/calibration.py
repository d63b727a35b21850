"""How sure an answer has to be: held-out questions give the weights of what was found, and the thresholds.

A held-out question is a variant that is taken out of the index: asked then, its own entry is right. Asked with its own
entry taken out as well, nothing is right, whatever is found: these are the questions that must be declined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.finding.choice import NOTHING, Choice, Features, fit_choice, place_of
from feilun.apps.customer_service.finding.evidence import Evidence, Weighed, united
from feilun.apps.customer_service.finding.second_look import case_of, looked_again

FOLDS = 5
"""Parts of the held-out questions; each is judged by weights that were fitted on the others."""

FEWEST_CLOSE = 4 * FOLDS
"""Held-out questions with close candidates, below which no second look is learned."""

NEVER = 1.01
"""A threshold that no probability reaches."""

Case = tuple[Features, int]
"""A question's candidates and the place of the right one, as `fit_choice` takes them."""


@dataclass(frozen=True)
class Calibration:
    """Weights of evidence, and the probability from which on it answers.

    Args:
        weights: One a feature, then the constant.
        threshold: Lowest probability of an answer.
        first: Share of the answerable held-out questions whose entry comes first; None where there was none.
        answered: Share of the answerable ones that are answered; None as above.
        declined: Share of the unanswerable ones that are declined.
        precision: Share of right ones among the answers to answerable questions; None as above.
        questions: How many of both kinds were held out.
        close: Weights of the second look at close candidates; none where there is no model for it.
        left_out: Questions of the FAQ itself, asked without their entry, on which `declined` and the threshold rest
            where the weights are borrowed; 0 where they are the FAQ's own.
    """

    weights: tuple[float, ...]
    threshold: float
    first: float | None
    answered: float | None
    declined: float
    precision: float | None
    questions: int
    close: tuple[float, ...] = ()
    left_out: int = 0

    def weighed(self, evidence: Evidence) -> list[Weighed]:
        """Return the candidates with their probabilities, the most probable first."""
        first = _weighed(evidence, Choice(np.array(self.weights)))
        return looked_again(first, evidence.look, Choice(np.array(self.close))) if self.close else first

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        lists = {name: tuple(value.get(name, ())) for name in ("weights", "close")}
        return Calibration(**{**value, **lists})


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

    @staticmethod
    def of(asked: Sequence[_Asked]) -> Judged:
        """Judge questions by their candidates as they are weighed."""
        firsts = [one.weighed[0] if one.weighed else None for one in asked]
        return Judged(
            np.array([0.0 if first is None else first.probability for first in firsts]),
            np.array([first is not None and first.id == one.right for first, one in zip(firsts, asked, strict=True)]),
            np.array([one.answerable for one in asked]),
        )

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
    asked = [one for found, right in questions for one in _asked(found, right)]
    weights = fit_choice([one.case for one in asked]).weights
    asked = _cross_fitted(asked, lambda one: one.case, _Asked.chosen)
    second = [one.close_case for one in asked]
    close: tuple[float, ...] = ()
    if sum(len(features) > 0 for features, _ in second) >= FEWEST_CLOSE:
        close = tuple(fit_choice(second).weights.tolist())
        asked = _cross_fitted(asked, lambda one: one.close_case, _Asked.chosen_again)
    judged = Judged.of(asked)
    threshold = judged.threshold(declined, precision)
    given = judged.chance >= threshold
    return Calibration(
        tuple(weights.tolist()),
        threshold,
        _share(judged.right[judged.answerable]),
        _share(given[judged.answerable]),
        _share(~given[~judged.answerable]),
        _share(judged.right[given & judged.answerable]),
        len(judged.chance),
        close,
    )


def judged_by(calibration: Calibration, questions: Sequence[tuple[Evidence | None, str]]) -> dict[str, Any]:
    """Return what a calibration does with held-out questions that it has not seen, as fields of a calibration.

    Args:
        calibration: Its weights and threshold.
        questions: As for `calibrate`.
    """
    if not questions:
        return {"first": None, "answered": None, "precision": None, "questions": 0}
    asked = [one for found, right in questions for one in _asked(found, right)]
    weighed = [replace(one, weighed=() if one.found is None else calibration.weighed(one.found)) for one in asked]
    judged = Judged.of(weighed)
    given = (judged.chance >= calibration.threshold) & judged.answerable
    return {
        "first": _share(judged.right[judged.answerable]),
        "answered": _share(given[judged.answerable]),
        "precision": _share(judged.right[given]) if given.any() else None,
        "questions": len(judged.chance),
    }


def _cross_fitted(
    asked: Sequence[_Asked], case: Callable[[_Asked], Case], chosen: Callable[[_Asked, Choice], _Asked]
) -> list[_Asked]:
    """Weigh each question by a choice that was fitted without it, and without the same with its answer taken out."""
    fold_of = [number // 2 % FOLDS for number in range(len(asked))]
    choices = [
        fit_choice([case(one) for one, own in zip(asked, fold_of, strict=True) if own != fold]) for fold in range(FOLDS)
    ]
    return [chosen(one, choices[own]) for one, own in zip(asked, fold_of, strict=True)]


def _asked(found: Evidence | None, right: str) -> tuple[_Asked, _Asked]:
    """Return what was found for a question, and the same with its right candidate taken out.

    Others that give the right answer are taken out of both: they are no wrong ones.
    """
    if found is None:
        return _Asked(None, right, True), _Asked(None, None, False)
    return _Asked(found.alone(right), right, True), _Asked(found.without(right), None, False)


@dataclass(frozen=True)
class _Asked:
    """What was found for a question, which candidate is right, and the candidates as they are weighed so far."""

    found: Evidence | None
    right: str | None
    answerable: bool
    weighed: Sequence[Weighed] = ()

    @property
    def case(self) -> Case:
        """Return what the first choice learns from it."""
        if self.found is None:
            return np.empty((0, 0)), NOTHING
        # a right answer that no search proposed is none of the candidates: nothing that was found fits
        return self.found.features, place_of(self.right, self.found.ids)

    @property
    def close_case(self) -> Case:
        """Return what the second choice learns from it."""
        return case_of(self.weighed, self.right, None if self.found is None else self.found.look)

    def chosen(self, choice: Choice) -> _Asked:
        """Return it with its candidates weighed by the first choice."""
        return replace(self, weighed=() if self.found is None else _weighed(self.found, choice))

    def chosen_again(self, choice: Choice) -> _Asked:
        """Return it with its candidates weighed by the second choice."""
        return replace(self, weighed=looked_again(self.weighed, self.found.look if self.found else None, choice))


def _weighed(evidence: Evidence, choice: Choice) -> list[Weighed]:
    if not evidence.ids:
        return []
    chances = choice.probabilities(evidence.features)
    weighed = [
        Weighed(evidence.ids[place], float(chances[place]), tuple(evidence.features[place].tolist()))
        for place in np.argsort(-chances, kind="stable")
    ]
    return united(weighed, evidence.same)


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else 0.0
