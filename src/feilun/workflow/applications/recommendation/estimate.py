"""What settings would have earned: trained on what came before, shown the lists that were logged after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feilun.apps.recommendation.experiments.off_policy import Estimate, estimate
from feilun.apps.recommendation.experiments.replay import replay, replayable
from feilun.apps.recommendation.experiments.slates import ListEstimate, estimate_lists
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.interactions import read
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.workflow.applications.recommendation.prepared import Prepared, taught
from feilun.workflow.applications.recommendation.wiring import tables_of

if TYPE_CHECKING:
    from feilun.workflow.screen import Screen

LEARNED_SHARE = 0.5
"""Least share of the events, first in time, that the model learns from; the lists of that time are not judged on."""


@dataclass(frozen=True)
class Estimates:
    """What settings would have earned.

    Args:
        places: A place, changed under an unchanged list above.
        lists: The first places of a list, all made by these settings, and ever more of them.
    """

    places: Estimate
    lists: Sequence[ListEstimate]


def estimate_settings(
    settings: RecommendationSettings, prepared: Prepared, resamples: int = 1000, screen: Screen | None = None
) -> Estimates:
    """Estimate what settings would have earned, had they made the lists that were logged.

    The model is trained with the settings on the events before a moment, and asked about the lists after it: one
    trained on what followed from a list would know the answer.

    Args:
        settings: Of the application, as they would be.
        prepared: Its data.
        resamples: Of the intervals.
        screen: What the user sees where an interest model is trained for it.

    Raises:
        DataError: If no list tells something, or nothing came before the lists.
    """
    lists = [ranking for ranking in prepared.held.rankings if replayable(ranking)]
    if not lists:
        raise DataError(
            Remark(
                f"None of the {len(prepared.held.rankings):,} lists was logged with the chances of its places.",
                f"{len(prepared.held.rankings):,} 个列表中，没有一个记录了各位置的概率。",
            ),
            Remark(
                "Serve the application; lists from elsewhere tell nothing of their chances.",
                "请先提供服务；来自别处的列表不说明概率。",
            ),
        )
    moment = _moment(prepared, min(ranking.time for ranking in lists))
    before = [event for event in prepared.held.events if event.time < moment]
    catalogue = prepared.catalogue
    known = read(
        before, catalogue.index, settings.signals, moment, len(catalogue), prepared.contexts, settings.context.segment
    ).positive
    judged = [ranking for ranking in lists if ranking.time >= moment]
    if not len(known) or not judged:
        raise DataError(
            Remark(
                f"Of {len(prepared.held.events):,} events and {len(lists):,} lists too little is there to learn from "
                "the first and to judge on the last.",
                f"{len(prepared.held.events):,} 个事件和 {len(lists):,} 个列表太少，不够用前面的学习、用后面的评估。",
            ),
            Remark("Import earlier events, or serve for longer.", "请导入更早的事件，或服务更长时间。"),
        )
    prepared = taught(settings, prepared, known, screen)
    catalogue = prepared.catalogue
    model = fit(known, catalogue, settings, moment, [one for one in prepared.held.rankings if one.time < moment])
    recommender = Recommender(
        model, settings, prepared.embedder, "estimated", settings.seed, prepared.contexts, tables_of(settings)
    )
    replayed = replay(recommender, judged, prepared.held.events)
    if not len(replayed.users):
        raise DataError(
            Remark("The catalogue knows no item of the lists.", "目录不认识列表中的任何商品。"),
            Remark("Is this the application that was served?", "这是当时提供服务的那个应用吗？"),
        )
    return Estimates(estimate(replayed, resamples), estimate_lists(replayed, resamples))


def _moment(prepared: Prepared, first_list: float) -> float:
    times = np.array([event.time for event in prepared.held.events])
    return max(first_list, float(np.quantile(times, LEARNED_SHARE))) if len(times) else first_list
