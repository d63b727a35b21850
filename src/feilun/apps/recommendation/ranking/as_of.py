"""A model as it stood at a moment: its moving generators have seen what happened until then, and nothing later."""

from __future__ import annotations

import numpy as np

from feilun.apps.recommendation.candidates.generator import Takes
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.interactions import DAY, Interactions


class AsOf:
    """Moves a copy of a model forward.

    Args:
        model: Has learned from nothing of what comes later.
        later: What comes later, in any order of time.
    """

    def __init__(self, model: Model, later: Interactions) -> None:
        self._model = model.moving_apart()
        self._later = later
        self._order = np.argsort(later.time, kind="stable")
        self._times = later.time[self._order]
        self._seen = 0

    def at(self, moment: float) -> Model:
        """Return the model as of a moment, no earlier than the one asked for before."""
        until = max(self._seen, int(np.searchsorted(self._times, moment)))
        rows, later = self._order[self._seen : until], self._later
        self._seen = until
        # what Popular summed when it was fitted were weights of one moment: these continue the sum
        since = (later.time[rows] - self._model.fitted) / (later.half_life_days * DAY)
        contexts = [later.context.of(row) for row in rows.tolist()]
        self._model.take(Takes(later.item[rows], later.weight[rows] * 0.5**since, later.time[rows], contexts))
        return self._model
