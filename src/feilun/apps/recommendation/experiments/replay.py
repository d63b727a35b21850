"""Logged lists shown again to another recommender: how likely it would have chosen what was shown at each place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.answering.finder import LONGEST_LIST
from feilun.apps.recommendation.answering.rerank import Building
from feilun.apps.recommendation.answering.scored_candidates import ScoredCandidates
from feilun.apps.recommendation.experiments.arms import HOLDOUT
from feilun.apps.recommendation.experiments.off_policy import Replayed
from feilun.apps.recommendation.experiments.outcomes import interest_in
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.events import Interaction, Ranking


def replayable(ranking: Ranking) -> bool:
    """Return whether a list tells something: a user's own, of one policy, with the chance of every place."""
    chances = ranking.propensities
    whole = 0 < len(chances) == len(ranking.items) <= LONGEST_LIST and all(0 < chance <= 1 for chance in chances)
    return whole and bool(ranking.user) and not ranking.sides and not ranking.arm.endswith(f":{HOLDOUT}")


def replay(recommender: Recommender, rankings: Sequence[Ranking], events: Sequence[Interaction]) -> Replayed:
    """Ask a recommender what it would have shown in the place of logged lists.

    At each place it is given the list above as it was logged. It knows of each user what happened before the list, and
    only items that were published by then.

    Args:
        recommender: Whose model learned nothing from after the first of the lists; it observes the events.
        rankings: Lists that are `replayable`.
        events: All, in any order.

    Returns:
        The places of the lists, those with unknown items left out.
    """
    interest = interest_in(events, recommender.settings.signals)
    waiting = sorted(events, key=lambda event: event.time)
    users: dict[str, int] = {}
    places: list[tuple[int, int, int, bool, float, float, float]] = []
    pools: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    observed, learned = 0, sum(event.time < recommender.model.fitted for event in waiting)
    for number, ranking in enumerate(sorted(rankings, key=lambda one: one.time)):
        before = observed
        while observed < len(waiting) and waiting[observed].time < ranking.time:
            observed += 1
        recommender.observe(waiting[before : min(observed, learned)], learned=True)
        recommender.observe(waiting[max(before, learned) : observed])
        user = users.setdefault(ranking.user, len(users))
        found = _places(recommender, ranking)
        whole = number if len(found) == len(ranking.items) else -1
        for rank, chance, wanted, score, scores, chances in found:
            acted = (ranking.id, ranking.items[rank - 1]) in interest
            places.append((whole, user, rank, acted, chance, wanted, score))
            pools.append((scores, chances))
    return _columns(places, pools)


def _places(
    recommender: Recommender, ranking: Ranking
) -> list[tuple[int, float, float, float, NDArray[np.float64], NDArray[np.float64]]]:
    """Return rank, logged chance, wanted chance and score of each place, with the scores and chances of the pool."""
    facts, index = recommender.model.facts, recommender.model.catalogue.index
    considered = recommender.considered(ranking.user, len(ranking.items), context=ranking.context, now=ranking.time)
    building = _building(recommender, considered)
    place_of = {item: place for place, item in enumerate(considered.pool.items.tolist())}
    found = []
    for rank, (item, chance) in enumerate(zip(ranking.items, ranking.propensities, strict=True), 1):
        number = index.get(item)
        if number is None:
            continue
        chances, place = building.chances(), place_of.get(number)
        wanted = 0.0 if place is None else float(chances[place])
        score = float("nan") if place is None else float(considered.scores[place])
        likely = chances > 0
        found.append((rank, chance, wanted, score, considered.scores[likely], chances[likely]))
        if place is None:
            building.follow(facts.vectors[number], int(facts.creator[number]))
        else:
            building.put(place)
    return found


def _building(recommender: Recommender, considered: ScoredCandidates) -> Building:
    facts, items = considered.model.facts, considered.pool.items
    return Building(considered.lifted, facts.vectors[items], facts.creator[items], recommender.settings.list)


def _columns(
    places: Sequence[tuple[int, int, int, bool, float, float, float]],
    pools: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> Replayed:
    lists, users, ranks, acted, logged, wanted, scores = zip(*places, strict=True) if places else [()] * 7
    nothing = [np.zeros(0)]
    return Replayed(
        np.array(users, np.int64), np.array(ranks, np.int64), np.array(acted, np.float64),
        np.array(logged, np.float64), np.array(wanted, np.float64), np.array(scores, np.float64),
        np.concatenate([scores for scores, _ in pools] or nothing),
        np.concatenate([chances for _, chances in pools] or nothing),
        np.repeat(np.arange(len(pools)), [len(chances) for _, chances in pools]),
        np.array(lists, np.int64),
    )  # fmt: skip
