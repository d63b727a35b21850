"""Whether probabilities are what they say: beside what happened to exposures that they were not fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feilun.apps.recommendation.ranking.click_probability import Basis, ClickCurve
from feilun.apps.recommendation.ranking.exposures import Exposures
from feilun.evaluation.metrics.clicks import area_under_curve, log_loss
from feilun.evaluation.metrics.confidence import expected_calibration_error


@dataclass(frozen=True)
class Reliability:
    """How probabilities agree with what happened.

    Args:
        basis: What the probabilities are of.
        rows: How many were judged.
        base_rate: Share that was taken.
        predicted: Mean probability.
        expected_calibration_error: Mean gap between probability and share, over 15 equal bins (Guo et al. 2017).
        log_loss: Mean negative log-likelihood.
        log_loss_of_base_rate: The same of one who always says the base rate.
        area_under_curve: How well they order; NaN where all rows are of one kind.
    """

    basis: Basis
    rows: int
    base_rate: float
    predicted: float
    expected_calibration_error: float
    log_loss: float
    log_loss_of_base_rate: float
    area_under_curve: float


def reliability(curve: ClickCurve, exposures: Exposures) -> Reliability | None:
    """Judge probabilities on exposures after those that they were fitted to; None where there are none."""
    if not len(exposures):
        return None
    likely, taken = curve.probabilities(exposures.scores, exposures.places), exposures.taken
    rate = float(taken.mean())
    return Reliability(
        exposures.basis, len(taken), rate, float(likely.mean()), expected_calibration_error(likely, taken),
        log_loss(likely, taken), log_loss(np.full(len(taken), rate), taken), area_under_curve(likely, taken),
    )  # fmt: skip
