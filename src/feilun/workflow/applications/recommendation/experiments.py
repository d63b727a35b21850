"""What the experiments of an application came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feilun.apps.recommendation.experiments.interleaving import Preference, preference
from feilun.apps.recommendation.experiments.outcomes import (
    Difference,
    Outcome,
    differences,
    interest_in,
    outcomes,
    shown_by_arm,
)
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.stored_data import StoredData


@dataclass(frozen=True)
class Concluded:
    """All experiments.

    Args:
        arms: By experiment and arm, what lists of one side came to.
        differences: Between the arms of each.
        interleaved: By experiment, which side of mixed lists was taken from.
    """

    arms: Mapping[str, Outcome]
    differences: Sequence[Difference]
    interleaved: Mapping[str, Preference]


def concluded(settings: RecommendationSettings, held: StoredData, resamples: int = 1000) -> Concluded:
    """Count what followed from the lists of all experiments.

    Args:
        settings: Of the application; they say what speaks for interest.
        held: What its database holds.
        resamples: Of the intervals.
    """
    withdrawn = {item.id for item in held.items if item.hidden}
    arms = shown_by_arm(held.rankings, held.events, settings.signals, withdrawn)
    interest = interest_in(held.events, settings.signals)
    mixed = {}
    for name in sorted({ranking.arm for ranking in held.rankings if ranking.sides}):
        found = preference([ranking for ranking in held.rankings if ranking.arm == name], interest, resamples)
        if found is not None:
            mixed[name] = found
    return Concluded(outcomes(arms, len(held.items), resamples), differences(arms, resamples), mixed)
