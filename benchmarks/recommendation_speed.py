"""How fast lists are made of a large catalogue: made-up items and users, one process, no network.

    python benchmarks/recommendation_speed.py --items 100000 --users 100000 --interactions 1000000

Prints seconds of training the generators, and the median and 99th percentile of a list of 20 with final ranking.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from feilun.apps.recommendation.catalogue import Catalogue
from feilun.apps.recommendation.events import Interaction, Item
from feilun.apps.recommendation.interactions import Interactions, made
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.training import fit
from feilun.core.corpus import Corpus

WIDTH = 64
CATEGORIES = 50
NOW = 1_772_000_000.0


class NoTexts:
    """Reads nothing of a text; the made-up items bring their vectors."""

    def embed(self, corpus: Corpus) -> np.ndarray:
        """Return zeros, shape (rows, width)."""
        return np.zeros((len(corpus), WIDTH), np.float32)


def catalogue_of(count: int, source: np.random.Generator) -> Catalogue:
    """Return made-up items whose vectors cluster by category."""
    category = source.integers(0, CATEGORIES, count)
    vectors = source.normal(size=(CATEGORIES, WIDTH))[category] + source.normal(size=(count, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"c{i}" for i in range(CATEGORIES)]
    items = [
        Item(str(i), f"item {i}", categories=(names[c],), creator=f"m{i % 997}", price=float(i % 90 + 1),
             published=NOW - i % 365 * 86_400.0)
        for i, c in enumerate(category.tolist())
    ]  # fmt: skip
    index = {item.id: i for i, item in enumerate(items)}
    return Catalogue(items, index, vectors.astype(np.float32), [(int(c),) for c in category], names)


def interactions_of(users: int, items: int, count: int, source: np.random.Generator) -> Interactions:
    """Return made-up interactions with a long tail."""
    item = np.minimum((items * source.random(count) ** 3).astype(np.int64), items - 1)
    user = source.integers(0, users, count)
    time_of = NOW - source.uniform(0, 60 * 86_400, count)
    return made([f"u{i}" for i in range(users)], user, item, np.ones(count), time_of, items)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=1_000_000)
    parser.add_argument("--lists", type=int, default=300)
    chosen = parser.parse_args()
    source = np.random.default_rng(13)
    catalogue = catalogue_of(chosen.items, source)
    interactions = interactions_of(chosen.users, chosen.items, chosen.interactions, source)
    settings = RecommendationSettings(application="recommendation")
    began = time.perf_counter()
    model = fit(interactions, catalogue, settings, NOW)
    print(f"training, two stages: {time.perf_counter() - began:.0f} s, final ranking: {model.trees is not None}")
    recommender = Recommender(model, settings, NoTexts(), "made", seed=0)
    rows = range(min(chosen.interactions, 200_000))
    recommender.observe(
        Interaction(str(r), f"u{interactions.user[r]}", str(interactions.item[r]), "click", 1.0, interactions.time[r])
        for r in rows
    )
    seconds = []
    for user in source.integers(0, interactions.user[rows[-1]] + 1, chosen.lists).tolist():
        began = time.perf_counter()
        recommender.recommend(f"u{user}", 20, now=NOW)
        seconds.append(time.perf_counter() - began)
    p50, p99 = np.percentile(np.array(seconds) * 1000, [50, 99])
    print(f"a list of 20 from {chosen.items:,} items: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    moments = {"an item put in": lambda: recommender.put([Item("new", "fresh", published=NOW)], NOW),
               "an item withdrawn": lambda: recommender.withdraw("17"),
               "the first search, which reads all items": lambda: recommender.search("item 4711"),
               "a search in a user's order": lambda: recommender.search("item 4711", "u7", now=NOW)}  # fmt: skip
    for name, do in moments.items():
        began = time.perf_counter()
        do()
        print(f"{name}: {(time.perf_counter() - began) * 1000:,.0f} ms")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
