"""What training makes: fitted generators, the final ranking, and what serving needs to know of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.als import AlternatingLeastSquares
from feilun.apps.recommendation.candidates.fusion import Pool
from feilun.apps.recommendation.candidates.generator import Generator, Moving, OfContent, Takes
from feilun.apps.recommendation.candidates.table import GENERATORS
from feilun.apps.recommendation.candidates.text_neighbours import TextNeighbours, centred, common
from feilun.apps.recommendation.ranking.click_probability import ClickCurve
from feilun.apps.recommendation.ranking.features import FEATURES, ItemFacts, Table, facts_of, table_of
from feilun.apps.recommendation.ranking.trees import Trees
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import History, Interactions
from feilun.apps.recommendation.records.sessions import Session


@dataclass(frozen=True)
class Model:
    """A fitted recommender without any user in it.

    Args:
        catalogue: The items.
        generators: Fitted, by name.
        facts: Columns of the items.
        interactions: What it learned from, without users, for the counts that a changed catalogue needs.
        fitted: When, seconds since 1970.
        names: The features of the final ranking.
        weights: Of the generators' standardised scores, from which the trees begin; empty weighs all alike.
        trees: The final ranking; None where there was too little to learn it from.
        clicks: Turns its scores into probabilities; None where there was too little to learn them from.
        session: How much the visit that goes on counts.
    """

    catalogue: Catalogue
    generators: Mapping[str, Generator]
    facts: ItemFacts
    interactions: Interactions
    fitted: float
    names: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    trees: Trees | None = None
    clicks: ClickCurve | None = None
    session: Session = field(default_factory=Session)

    def looked_at(self, history: History, moment: float) -> History:
        """Return what of a history a request looks at: the latest part, with the visit weighed as training chose."""
        return self.session.within(history.latest(), moment)

    def table(self, pool: Pool, history: History, situation: Situation) -> Table:
        """Return the features that the final ranking reads, shape (candidates, names)."""
        return table_of(pool, history, self.facts, situation, self.names or FEATURES)

    def scores(self, pool: Pool, history: History, situation: Situation) -> NDArray[np.float64]:
        """Return the final score of each candidate: the weighted generators, corrected by the trees; (candidates,)."""
        begun = fused(pool, self.weights)
        return begun if self.trees is None else begun + self.trees.scores(self.table(pool, history, situation))

    def contributions(self, pool: Pool, history: History, situation: Situation) -> Table:
        """Return what each feature adds to the final scores, shape (candidates, names)."""
        found = np.zeros((len(pool), len(self.names))) if self.trees is None else (
            self.trees.contributions(self.table(pool, history, situation))
        )  # fmt: skip
        for column, name in enumerate(pool.names):
            if name in self.names and self.weights:
                found[:, self.names.index(name)] += pool.standardised[:, column] * self.weights.get(name, 0.0)
        return found

    def moving_apart(self) -> Model:
        """Return the model with moving generators of its own: what moves them leaves this one as it is."""
        apart = {name: deepcopy(one) for name, one in self.generators.items() if isinstance(one, Moving)}
        return replace(self, generators={**self.generators, **apart})

    def take(self, takes: Takes) -> None:
        """Let what was taken move the generators that move."""
        if len(takes):
            for one in self.generators.values():
                if isinstance(one, Moving):
                    one.take(takes)

    def with_catalogue(self, catalogue: Catalogue, now: float) -> Model:
        """Return the model with further or changed items, which keep their numbers; nothing is trained."""
        wider = replace(self.interactions, items=len(catalogue))
        again = {
            name: deepcopy(one).again(wider, catalogue, now)
            for name, one in self.generators.items()
            if isinstance(one, OfContent)
        }
        facts = _facts(catalogue, wider)
        return replace(
            self, catalogue=catalogue, interactions=wider, facts=facts, generators={**self.generators, **again}
        )


def fit_generators(
    interactions: Interactions,
    catalogue: Catalogue,
    names: Mapping[str, int],
    now: float,
    made: Mapping[str, Callable[[], Generator]] = GENERATORS,
) -> Model:
    """Fit the candidate generators.

    Args:
        interactions: What users took.
        catalogue: The items.
        names: The generators wanted; the numbers are not looked at.
        now: Seconds since 1970.
        made: Makes each by name.

    Returns:
        The model, without a final ranking.
    """
    fitted: dict[str, Generator] = {}
    for name in sorted(names, key=lambda name: name == "text"):  # what it maps texts to may be there by then
        one, factors = made[name](), fitted.get("als")
        if isinstance(one, TextNeighbours) and isinstance(factors, AlternatingLeastSquares):
            one.learned = factors
        fitted[name] = one.fit(interactions, catalogue, now)
    generators = {name: fitted[name] for name in names}
    return Model(catalogue, generators, _facts(catalogue, interactions), interactions.anonymous(), now)


def fused(pool: Pool, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the weighted generators' standardised scores, or their mean without weights, shape (candidates,)."""
    if not pool.names:
        return np.zeros(len(pool))
    given = np.array([weights.get(name, 0.0) for name in pool.names]) if weights else 1 / len(pool.names)
    total: NDArray[np.float64] = (pool.standardised * given).sum(1).astype(np.float64)
    return total


def _facts(catalogue: Catalogue, interactions: Interactions) -> ItemFacts:
    return facts_of(catalogue, interactions, centred(catalogue.vectors, common(catalogue.vectors)))
