"""How right the model is: estimated without labels, and counted where people gave the right ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.answers.spans import Spans
from feilun.core.answers.table import ANSWERS
from feilun.core.observation import Observation
from feilun.core.report import Figure
from feilun.evaluation.metrics.arithmetic import Floats, divide
from feilun.evaluation.metrics.label_sets import from_counts
from feilun.evaluation.metrics.ranking import NDCG, gains_of_groups, per_query
from feilun.evaluation.metrics.texts import rouge_l, units
from feilun.evaluation.resampling import intervals_of
from feilun.monitoring.answer_signals import numbers_by_name

Summed = tuple[Floats, Callable[[Floats], Mapping[str, Floats]]]
"""What is summed over rows, shape (rows, …), and how sums, shape (some, …), become figures, each of shape (some,)."""

RESAMPLES = 1000
LEVEL = 0.95
FEWEST_ROWS = 50
"""Windows or references with fewer rows get no estimate."""


def difference_of_confidences(
    reference: NDArray[np.float64], correct: NDArray[np.bool_], scores: NDArray[np.float64]
) -> float:
    """Estimate accuracy as the reference's, moved by the change of the mean score (Guillory et al. 2021).

    Args:
        reference: Scores of rows whose right labels are known, shape (rows,).
        correct: Whether the model was right on them, shape (rows,).
        scores: Scores of the window, shape (other rows,).
    """
    return float(np.clip(correct.mean() + scores.mean() - reference.mean(), 0, 1))


def average_thresholded_confidence(
    reference: NDArray[np.float64], correct: NDArray[np.bool_], scores: NDArray[np.float64]
) -> float:
    """Estimate accuracy as the share of scores above the threshold that gives the reference's (Garg et al. 2022).

    Args:
        reference: Scores of rows whose right labels are known, shape (rows,).
        correct: Whether the model was right on them, shape (rows,).
        scores: Scores of the window, shape (other rows,).
    """
    threshold = np.quantile(reference, 1 - correct.mean(), method="lower")
    return float((scores >= threshold).mean())


def estimated_accuracy(
    reference: NDArray[np.float64], correct: NDArray[np.bool_], scores: NDArray[np.float64]
) -> Figure | None:
    """Estimate the accuracy on a window without labels, by average thresholded confidence.

    It erred least on other review domains (docs/monitoring.md). The interval holds the chance in drawing reference and
    window, and reaches over what the difference of confidences says: where the two disagree, little is known.

    Args:
        reference: Scores of rows whose right labels are known, shape (rows,).
        correct: Whether the model was right on them, shape (rows,).
        scores: Scores of the window, shape (other rows,).

    Returns:
        The estimate with its 95 % interval; None where either side has fewer than `FEWEST_ROWS` rows.
    """
    if min(len(reference), len(scores)) < FEWEST_ROWS:
        return None
    value = average_thresholded_confidence(reference, correct, scores)
    other = difference_of_confidences(reference, correct, scores)
    known = float(correct.mean())
    variance = known * (1 - known) / len(reference) + value * (1 - value) / len(scores)
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * variance**0.5
    return Figure(value, max(0.0, min(value, other) - reach), min(1.0, max(value, other) + reach))


@dataclass(frozen=True)
class Observed:
    """What feedback says of a window.

    Args:
        labelled: Predictions whose right answer is known, nobody disagreeing.
        right: Of these, how many were right.
        refused: Predictions called wrong without the right answer.
        conflicting: Predictions of which people disagree.
        figures: What else the task is judged by, on those whose right answer is known.
    """

    labelled: int
    right: int
    refused: int
    conflicting: int
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def accuracy(self) -> Figure | None:
        """Return the share of right ones among those known to be right or wrong, with Wilson's 95 % interval (1927).

        What is called wrong counts as wrong, also where the right answer was not told. None where nothing is known.
        People give feedback rather on errors: unless all, or random, predictions are looked at, the truth is higher.
        """
        known = self.labelled + self.refused
        return wilson(self.right, known) if known else None


def observed(window: Sequence[Observation]) -> Observed:
    """Count what feedback says of a window; of several tasks answer by answer."""
    answers = [part for one in window for part in one.parts]
    known = [(one, one.known_answer) for one in answers if one.known_answer is not None]
    refused = sum(one.refused and not one.right_answers for one in answers) + sum(map(_refused_as_a_whole, window))
    return Observed(
        len(known),
        sum(one.kind.right(one.prediction, right) for one, right in known),
        refused,
        sum(one.conflicting for one in answers),
        _figures_by_task(known),
    )


def _refused_as_a_whole(one: Observation) -> bool:
    """Say whether several answers were called wrong, and which of them is not known."""
    return len(one.parts) > 1 and any(said.correct is False and said.answer is None for said in one.feedback)


Known = Sequence[tuple[Observation, Any]]
"""Predictions, each with its right answer as a target."""


def _figures_by_task(known: Known) -> dict[str, Figure]:
    """Return what else the predictions are judged by; of several tasks with the task's name before it."""
    found: dict[str, Figure] = {}
    for task in dict.fromkeys(one.task for one, _ in known):
        figures = _figures([(one, right) for one, right in known if one.task == task])
        found |= {f"{task}.{name}" if task else name: figure for name, figure in figures.items()}
    return found


def _figures(known: Known) -> dict[str, Figure]:
    """Return what else the task of the predictions is judged by, with 95 % bootstrap intervals."""
    field = known[0][0].kind.field
    if field not in FURTHER:
        return {}
    sums, figures = FURTHER[field](known)
    if not len(sums):
        return {}
    ends = intervals_of(sums, figures, RESAMPLES, seed=0)
    values = {name: float(value[0]) for name, value in figures(sums.sum(0)[None]).items()}
    return {name: Figure(value, *(float(end) for end in ends.get(name, ()))) for name, value in values.items()}


def _of_labels(known: Known) -> Summed:
    """Return hits, right and chosen labels of each prediction, shape (rows, 3)."""
    counts = _counts([(set(one.prediction["labels"]), set(right)) for one, right in known])
    return counts, lambda sums: {"micro_f1": from_counts(sums[..., None])["micro_f1"]}


def _of_spans(known: Known) -> Summed:
    """Return hits, right and found spans of each prediction, shape (rows, 3)."""
    counts = _counts([(set(Spans().target(one.prediction["spans"])), set(right)) for one, right in known])
    return counts, lambda sums: {"entity_f1": from_counts(sums[..., None])["micro_f1"]}


def _counts(sets: Sequence[tuple[set[Any], set[Any]]]) -> Floats:
    return np.array([(len(found & right), len(right), len(found)) for found, right in sets], dtype=np.float64)


def _of_value(known: Known) -> Summed:
    """Return of each number one, its absolute error and its error, shape (rows, numbers, 3)."""
    names = [name.removeprefix("value") for name in numbers_by_name([one.prediction["value"] for one, _ in known])]
    kind = ANSWERS["regress"]
    errors = np.array([kind.target(one.prediction["value"]) for one, _ in known]) - np.array(
        [right for _, right in known]
    )
    sums = np.stack([np.ones_like(errors), np.abs(errors), errors], axis=-1)

    def figures(sums: Floats) -> dict[str, Floats]:
        means = sums[..., 1:] / sums[..., :1]
        return {
            f"{figure}{name}": means[:, i, j] for i, name in enumerate(names) for j, figure in enumerate(OF_NUMBERS)
        }

    return sums, figures


def _of_lists(known: Known) -> Summed:
    """Return NDCG of each query's candidates, as far as people graded them, and one, shape (queries, 2)."""
    graded = {one.row: (one, right) for one, right in known}.values()  # a candidate counts once
    _, groups = np.unique([one.text for one, _ in graded], return_inverse=True)
    scores = np.array([one.prediction["relevance"] for one, _ in graded], dtype=np.float64)
    gains = gains_of_groups(scores, np.array([right for _, right in graded], dtype=np.float64), groups)
    found = per_query(*gains)[NDCG]
    found = found[~np.isnan(found)]
    return np.stack([found, np.ones_like(found)], axis=1), lambda sums: {NDCG: divide(sums[:, 0], sums[:, 1])}


def _of_texts(known: Known) -> Summed:
    """Return of each text its nearness to the one that a person told, and one, shape (rows, 2)."""
    near = [rouge_l(one.prediction["text"], right, units) for one, right in known]
    return np.stack([np.array(near), np.ones(len(near))], axis=1), lambda sums: {
        "rouge_l": divide(sums[:, 0], sums[:, 1])
    }


OF_NUMBERS = ("mae", "bias")
"""Mean absolute error, and mean error: above 0 where too much is predicted."""

FURTHER: Mapping[str, Callable[[Known], Summed]] = {
    "answer": _of_texts,
    "labels": _of_labels,
    "relevance": _of_lists,
    "spans": _of_spans,
    "value": _of_value,
}


def wilson(successes: int, trials: int) -> Figure:
    """Return a share with Wilson's 95 % interval."""
    share, z = successes / trials, NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    reach = z / (1 + z**2 / trials) * float(np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)))
    return Figure(share, max(0.0, middle - reach), min(1.0, middle + reach))
