"""Makes scores mean what they say, and picks the score below which a person should decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import DataError, UsageError
from feilun.core.remark import Remark
from feilun.evaluation.metrics.arithmetic import Floats

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0

REVIEW_ALL = math.nextafter(1.0, 2.0)
"""The threshold that no score reaches, so that every row goes to a person."""

FEWEST_ROWS_OF_A_LABEL = 20
"""A label with fewer validation rows gets no threshold of its own."""

Policy = Literal["threshold", "decide all", "review all"]

ChooseThreshold = Callable[[NDArray[np.floating], NDArray[np.bool_]], float]
"""Picks the score below which a person decides, from the scores of rows and whether each is right."""


@dataclass(frozen=True)
class Abstention:
    """How the score is picked below which a person decides.

    Args:
        choose: Picks it from validation rows.
        by_label: Whether each label gets a score of its own, where it has rows enough.
    """

    choose: ChooseThreshold
    by_label: bool = False


@dataclass(frozen=True)
class Threshold:
    """A score below which a person decides, and what it would have done on the rows it was chosen on.

    Args:
        value: Predictions with a lower score go to a person; 0 sends none, `REVIEW_ALL` sends all.
        n: Rows that it was chosen on.
        decided: Rows that the machine decides.
        wrong: Decided rows on which it errs.
        policy: `threshold`, or which of the two simple policies is the best there is.
        cost_error: Cost of one wrong decision; None where costs were not asked about.
        cost_review: Cost of one row read by a person, who is taken to make no error.
        cost_decide_all: Cost of the rows if the machine decided all of them.
        cost_review_all: Cost of the rows if a person read all of them.
        cost: Cost of the rows with this threshold.
    """

    value: float
    n: int
    decided: int
    wrong: int
    policy: Policy = "threshold"
    cost_error: float | None = None
    cost_review: float | None = None
    cost_decide_all: float = 0.0
    cost_review_all: float = 0.0
    cost: float = 0.0

    @property
    def accuracy(self) -> float:
        """Share of the decided rows that are right; 1 where none is decided."""
        return 1 - self.wrong / self.decided if self.decided else 1.0

    @property
    def saving(self) -> float:
        """What the threshold saves against the cheaper of deciding all and reviewing all; never negative."""
        return min(self.cost_decide_all, self.cost_review_all) - self.cost


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.integer]) -> float:
    """Find the temperature that makes the scores as likely as can be (Guo et al. 2017, section 4.2).

    The loss is convex in 1/T, so its slope is bisected. The targets are smoothed by 1/(rows + 2), as Platt (1999) does,
    so that the answer stays finite where every row is right, and means something where rows are few.

    Args:
        logits: Of validation rows, before calibration, shape (rows, labels); finite.
        targets: True class of each row, shape (rows,).

    Returns:
        The temperature, between 0.05 and 20; 1 where no other lowers the loss.

    Raises:
        ValueError: If a logit is not finite.
    """
    if not np.isfinite(logits).all():
        raise ValueError("temperature calibration needs finite logits")
    if len(logits) == 0:
        return 1.0
    values = logits.astype(np.float64)
    values -= values.max(axis=1, keepdims=True)
    smoothing = 1 / (len(values) + 2)
    true = values[np.arange(len(values)), targets]
    wanted = float(((1 - smoothing) * true + smoothing * values.mean(axis=1)).mean())
    low, high = math.log(1 / HIGHEST_TEMPERATURE), math.log(1 / LOWEST_TEMPERATURE)
    for _ in range(40):
        middle = (low + high) / 2
        if _expected_logit(values, math.exp(middle)) < wanted:
            low = middle
        else:
            high = middle
    temperature = math.exp(-(low + high) / 2)
    lowers = negative_log_likelihood(values, targets, temperature) < negative_log_likelihood(values, targets, 1.0)
    return temperature if lowers else 1.0


def negative_log_likelihood(
    logits: NDArray[np.floating], targets: NDArray[np.integer], temperature: float = 1.0
) -> float:
    """Return the mean negative log-likelihood of the true classes in nats.

    Args:
        logits: Shape (rows, labels).
        targets: True class of each row, shape (rows,).
        temperature: Divides the logits.
    """
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    true = scaled[np.arange(len(scaled)), targets]
    return float((np.log(np.exp(scaled).sum(axis=1)) - true).mean())


def cheapest_threshold(
    scores: NDArray[np.floating], correct: NDArray[np.bool_], cost_error: float, cost_review: float
) -> Threshold:
    """Pick the threshold under which wrong decisions and readings by a person together cost the least.

    Args:
        scores: Score of each row's chosen label, shape (rows,).
        correct: Whether it is the true label, shape (rows,).
        cost_error: Cost of one wrong decision, 0 or more, in any currency.
        cost_review: Cost of one row read by a person, 0 or more, in the same currency.

    Returns:
        The threshold with its costs; of equally cheap ones, that which decides the most.

    Raises:
        DataError: If there are no rows.
        UsageError: If a cost is negative or not a number.
    """
    for name, cost in ((Remark("an error", "一次错误"), cost_error), (Remark("a review", "一次人工复核"), cost_review)):
        if not math.isfinite(cost) or cost < 0:
            raise UsageError(
                Remark(
                    f"The cost of {name} must be a number of at least 0, not {cost}.",
                    f"{name.chinese}的代价应为不小于 0 的数字，而不是 {cost}。",
                )
            )
    values, decided, wrong = _policies(scores, correct)
    rows = len(scores)
    costs = wrong * cost_error + (rows - decided) * cost_review
    best = int(len(costs) - 1 - np.argmin(costs[::-1]))
    return Threshold(
        value=float(values[best]),
        n=rows,
        decided=int(decided[best]),
        wrong=int(wrong[best]),
        policy=_policy(int(decided[best]), rows),
        cost_error=cost_error,
        cost_review=cost_review,
        cost_decide_all=float(costs[-1]),
        cost_review_all=float(costs[0]),
        cost=float(costs[best]),
    )


def threshold_for_accuracy(
    scores: NDArray[np.floating], correct: NDArray[np.bool_], accuracy: float, confidence: float = 0.5
) -> Threshold:
    """Pick the threshold that decides the most rows while those decided are as accurate as wanted.

    Args:
        scores: Score of each row's chosen label, shape (rows,).
        correct: Whether it is the true label, shape (rows,).
        accuracy: Wanted accuracy of the decided rows, above 0 and at most 1.
        confidence: How sure to be that new rows reach it too: the lower end of Wilson's one-sided interval has to.
            0.5 looks at the accuracy on these rows alone.

    Returns:
        The threshold; its policy is `review all` where none reaches the accuracy.

    Raises:
        DataError: If there are no rows.
        UsageError: If the accuracy or the confidence cannot be met by any rows.
    """
    if not 0 < accuracy <= 1:
        raise UsageError(
            Remark(
                f"The wanted accuracy must be above 0 and at most 1, not {accuracy}.",
                f"要求的准确率应大于 0 且不大于 1，而不是 {accuracy}。",
            )
        )
    if not 0.5 <= confidence < 1:
        raise UsageError(
            Remark(
                f"The confidence must be at least 0.5 and below 1, not {confidence}.",
                f"置信水平应不小于 0.5 且小于 1，而不是 {confidence}。",
            )
        )
    values, decided, wrong = _policies(scores, correct)
    rows = len(scores)
    z = NormalDist().inv_cdf(confidence)
    counts = np.maximum(decided, 1)
    share = 1 - wrong / counts
    reach = z * np.sqrt(share * (1 - share) / counts + z * z / (4 * counts**2))
    bound = (share + z * z / (2 * counts) - reach) / (1 + z * z / counts)
    good = np.flatnonzero((bound >= accuracy - 1e-12) & (decided > 0))
    best = int(good[-1]) if len(good) else 0
    count = int(decided[best])
    return Threshold(float(values[best]), rows, count, int(wrong[best]), _policy(count, rows))


def label_thresholds(
    scores: NDArray[np.floating],
    correct: NDArray[np.bool_],
    predicted: NDArray[np.integer],
    names: Sequence[str],
    choose: ChooseThreshold,
) -> tuple[tuple[str, float], ...]:
    """Pick a threshold for each predicted label from the rows that got it.

    Args:
        scores: Score of each row's chosen label, shape (rows,).
        correct: Whether it is the true label, shape (rows,).
        predicted: Class index of the chosen label, shape (rows,).
        names: Label names in class order.
        choose: Picks a threshold from the scores of rows and whether each is right.

    Returns:
        Name and threshold, for `Decision.label_thresholds`; labels predicted on fewer than 20 rows have none.
    """
    found = []
    for index, name in enumerate(names):
        own = predicted == index
        if own.sum() >= FEWEST_ROWS_OF_A_LABEL:
            found.append((name, choose(scores[own], correct[own])))
    return tuple(found)


def _policies(
    scores: NDArray[np.floating], correct: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """List every threshold that makes a difference, with the rows that it decides and errs on; strictest first."""
    if len(scores) == 0:
        raise DataError(
            Remark("A threshold needs at least one row with a known label.", "选定阈值至少需要一行已知标签的数据。"),
            Remark("Give validation rows with targets.", "请给出带目标的验证行。"),
        )
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # rows of equal score are decided together
    wrong = np.cumsum(~correct[order])[ends]
    between = (ranked[ends[:-1]] + ranked[ends[:-1] + 1]) / 2  # halfway to the next score: kinder to new rows
    values = np.concatenate([[REVIEW_ALL], between, [0.0]])
    return values, np.concatenate([[0], ends + 1]), np.concatenate([[0], wrong])


def _policy(decided: int, rows: int) -> Policy:
    if decided == rows:
        return "decide all"
    return "threshold" if decided else "review all"


def _expected_logit(values: Floats, inverse: float) -> float:
    """Return the mean over rows of the logit expected under the softmax of `inverse` × `values`."""
    exponentials = np.exp(values * inverse)
    return float(((exponentials * values).sum(axis=1) / exponentials.sum(axis=1)).mean())
