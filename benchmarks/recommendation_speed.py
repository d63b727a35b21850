"""How fast lists are made of a large catalogue, and what retraining costs: made-up items and users, one process.

    python benchmarks/recommendation_speed.py --items 100000 --users 100000 --interactions 1000000
    python benchmarks/recommendation_speed.py --items 20000 --interactions 1000000 --heavy 1000000 --database

Prints the processor's seconds of training both stages, and of a list of 20 with final ranking the median and 99th
percentile. With --database the interactions lie in a database, as those of an application do, and are read and trained
on as `feilun recommendation train` does. One user has --heavy interactions beside the others. The peak of the memory
is that of the process that reads and trains; another one makes the rows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.records.interactions import Interactions, Read, made
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core.corpus import Corpus
from feilun.storage import recommendation as storage
from feilun.storage.database import open_database
from feilun.workflow.applications.recommendation.prepared import prepare

WIDTH = 64
CATEGORIES = 50
NOW = 1_772_000_000.0


class MadeTexts:
    """Reads of a text its category alone, the rest is noise."""

    def embed(self, corpus: Corpus) -> np.ndarray:
        """Return vectors that cluster by category, shape (rows, width)."""
        source = np.random.default_rng(7)
        centres, noise = source.normal(size=(CATEGORIES + 1, WIDTH)), source.normal(size=(len(corpus), WIDTH))
        named = [text.rpartition(" c")[2] for text in corpus.text]
        return (centres[[int(n) if n.isdigit() else CATEGORIES for n in named]] + noise).astype(np.float32)


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


def with_heavy(interactions: Interactions, count: int, source: np.random.Generator) -> Interactions:
    """Return interactions with those of one more user, who took very many things."""
    if not count:
        return interactions
    item = source.integers(0, interactions.items, count)
    user = np.full(count, len(interactions.users))
    columns = (
        np.concatenate(both)
        for both in (
            (interactions.user, user), (interactions.item, item), (interactions.weight, np.ones(count)),
            (interactions.time, NOW - source.uniform(0, 60 * 86_400, count)),
        )
    )  # fmt: skip
    return made([*interactions.users, "heavy"], *columns, interactions.items)


def fill(url: str, catalogue: Catalogue, interactions: Interactions) -> None:
    """Write made-up items and interactions into a database."""
    database, columns = open_database(url), (interactions.user, interactions.item, interactions.time)
    with database.write() as connection:
        storage.put_items(connection, "made", {item.id: asdict(item) for item in catalogue.items})
        for start in range(0, len(interactions), 50_000):
            part = zip(*(column[start : start + 50_000].tolist() for column in columns), strict=True)
            storage.add_interactions(connection, "made", [
                {"id": f"e{start + n}", "user": interactions.users[user], "item": str(item), "type": "click",
                 "value": 1.0, "time": moment, "ranking": None}
                for n, (user, item, moment) in enumerate(part)
            ])  # fmt: skip
    database.close()


def through_database(catalogue: Catalogue, interactions: Interactions) -> tuple[Catalogue, Interactions]:
    """Write into a database in a process of its own, read in this one, and say what reading took."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'made.db'}"
        writer = multiprocessing.get_context("spawn").Process(target=fill, args=(url, catalogue, interactions))
        writer.start()
        writer.join()
        database, began = open_database(url), time.process_time()
        prepared = prepare(RecommendationSettings(application="recommendation", name="made"), database, MadeTexts())
        print(f"reading: {time.process_time() - began:.0f} s of processor, {memory()}, {counts(prepared.read)}")
        database.close()
    return prepared.catalogue, prepared.read.positive


def counts(read: Read) -> str:
    """Return what came of the events."""
    return f"{len(read.positive):,} interactions, {read.bots:,} of programs, {read.repeats:,} repeats"


def memory() -> str:
    """Return the most memory so far."""
    return f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def took_very_much(recommender: Recommender, interactions: Interactions) -> None:
    """Say what taking in the events of the heavy user costs, the newest first, and a list for that user."""
    mine = np.flatnonzero(interactions.user == interactions.users.index("heavy"))
    items, began = recommender.model.catalogue.items, time.process_time()
    recommender.observe(
        Interaction(str(r), "heavy", items[interactions.item[r]].id, "click", 1.0, interactions.time[r])
        for r in mine[::-1].tolist()
    )
    print(f"{len(mine):,} events of one user, the newest first: {time.process_time() - began:.1f} s of processor")
    began = time.process_time()
    for _ in range(20):
        recommender.recommend("heavy", 20, now=NOW)
    print(f"a list for that user: {(time.process_time() - began) * 50:.1f} ms of processor")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=1_000_000)
    parser.add_argument("--heavy", type=int, default=0, help="interactions of one more user")
    parser.add_argument("--database", action="store_true", help="read the interactions from a database")
    parser.add_argument("--lists", type=int, default=300)
    chosen = parser.parse_args()
    source = np.random.default_rng(13)
    catalogue = catalogue_of(chosen.items, source)
    interactions = interactions_of(chosen.users, chosen.items, chosen.interactions, source)
    interactions = with_heavy(interactions, chosen.heavy, source)
    print(f"made: {memory()}", flush=True)
    if chosen.database:
        catalogue, interactions = through_database(catalogue, interactions)
    settings, began = RecommendationSettings(application="recommendation"), time.process_time()
    model = fit(interactions, catalogue, settings, NOW)
    ranked = f"final ranking: {model.trees is not None}, weight of the visit: {model.session.weight}"
    print(f"training, two stages: {time.process_time() - began:.0f} s of processor, {memory()}, {ranked}", flush=True)
    recommender = Recommender(model, settings, MadeTexts(), "made", seed=0)
    rows = range(min(len(interactions), 200_000))
    recommender.observe(
        Interaction(str(r), interactions.users[user], catalogue.items[item].id, "click", 1.0, moment)
        for r, user, item, moment in zip(rows, interactions.user, interactions.item, interactions.time, strict=False)
    )
    seconds = []
    for user in source.integers(0, interactions.user[rows[-1]] + 1, chosen.lists).tolist():
        began = time.perf_counter()
        recommender.recommend(interactions.users[user], 20, now=NOW)
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
    if chosen.heavy:
        took_very_much(recommender, interactions)
    print(memory())


if __name__ == "__main__":
    main()
