"""A small real shop in a real database, from the simulated shoppers."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.catalogue import build_catalogue
from feilun.apps.recommendation.records.interactions import read
from feilun.apps.recommendation.records.words import WordVectors
from feilun.apps.recommendation.sample.shop import simulate
from feilun.apps.recommendation.settings import ListSettings, RecommendationSettings
from feilun.apps.recommendation.shop import Shop
from feilun.storage import recommendation as storage

SETTINGS = RecommendationSettings(
    application="recommendation", name="tiny", list=ListSettings(exploration=0.0, diversity=0.1)
)


@cache
def trained():
    """Return the sample, its words and a model of it, made once."""
    sample = simulate(shoppers=150, sessions=6)
    words = WordVectors([item.text for item in sample.items], 32)
    catalogue = build_catalogue(sample.items, words)
    interactions = read(sample.events, catalogue.index, SETTINGS.signals, sample.now, len(catalogue)).positive
    return sample, words, fit(interactions, catalogue, SETTINGS, sample.now, sample.rankings)


def made_recommender(**changes):
    """Return a recommender that knows the sample's events."""
    sample, words, model = trained()
    settings = replace(SETTINGS, **changes)
    recommender = Recommender(model, settings, words, "tiny", seed=0)
    recommender.observe(sample.events, learned=True)
    return recommender


def made_shop(database, **changes):
    """Return a shop in a database that holds its items."""
    recommender = made_recommender(**changes)
    with database.write() as connection:
        storage.put_items(connection, "tiny", {item.id: asdict(item) for item in trained()[0].items})
    return Shop(recommender, database, "tiny")
