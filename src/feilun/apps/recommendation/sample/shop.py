"""A fictional bilingual shop and its shoppers, drawn from a stated model of taste.

Each shopper likes few departments (Dirichlet, 0.25), has a taste for styles (normal), minds prices (half-normal), and
reads one language better. The worth of an item to a shopper is

    2.6 × own share of the department (standardised) + 0.9 × taste for its style + quality − price × minding + 0.5 if it
    is in the better language

In a session eight items are shown: by popularity so far, at random, and from departments liked, in equal parts. One at
place p is clicked with the probability logistic(worth − 2.2 − 0.35 × log p); a click is read for some seconds, the more
the better the item is liked, and may end in a purchase. Nothing of this is known to the recommender but the events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.records.events import Interaction, Item, Ranking
from feilun.apps.recommendation.sample.products import DEPARTMENTS, MAKERS

START = 1_767_225_600.0
"""2026-01-01 in UTC, in seconds since 1970."""

DAY = 86_400.0
DAYS = 60
SHOPPERS = 900
SESSIONS = 9
SHOWN = 8


@dataclass(frozen=True)
class Sample:
    """The shop with what happened in it.

    Args:
        items: What it sells.
        events: What shoppers did.
        rankings: What they were shown.
        now: The end, seconds since 1970.
    """

    items: list[Item]
    events: list[Interaction]
    rankings: list[Ranking]
    now: float


def catalogue(seed: int = 13) -> list[Item]:
    """Return the 420 items; every second one is described in Chinese."""
    source = np.random.default_rng(seed)
    found = []
    for department in DEPARTMENTS:
        for kind, (en, zh, note_en, note_zh, price) in enumerate(department.kinds):
            for number, maker in enumerate(MAKERS):
                chinese = (kind + number) % 2 == 0
                old = source.random() < 0.85
                day = source.uniform(-200, 0) if old else source.uniform(0, DAYS - 6)
                found.append(
                    Item(
                        id=f"{department.en}-{kind + 1}{chr(97 + number)}",
                        title=f"{maker.zh} {zh}" if chinese else f"{maker.en} {en}",
                        description=f"{note_zh}。{maker.says_zh}" if chinese else f"{note_en}. {maker.says_en}",
                        categories=(department.en,),
                        tags=(maker.style,),
                        creator=maker.en,
                        price=round(price * maker.factor * float(source.uniform(0.9, 1.1)), 1),
                        published=START + day * DAY,
                    )
                )
    return found


class Shoppers:
    """Simulated people.

    Args:
        items: What can be shown to them.
        seed: Of their tastes and doings.
        count: How many.
    """

    def __init__(self, items: list[Item], seed: int = 13, count: int = SHOPPERS) -> None:
        self.items = items
        self.source = np.random.default_rng(seed + 1)
        departments = sorted({item.categories[0] for item in items})
        styles = sorted({item.tags[0] for item in items})
        self.department = np.array([departments.index(item.categories[0]) for item in items])
        style = np.array([styles.index(item.tags[0]) for item in items])
        chinese = np.array(["\u4e00" <= item.title[-1] <= "\u9fff" for item in items])
        price = np.log(np.array([item.price or 1.0 for item in items]))
        price = (price - price.mean()) / price.std()
        self.published = np.array([item.published or 0.0 for item in items])
        self.shares = self.source.dirichlet(np.full(len(departments), 0.25), count)
        spread = (self.shares - self.shares.mean()) / self.shares.std()
        taste = self.source.normal(size=(count, len(styles)))
        minding = np.abs(self.source.normal(0, 0.5, count))
        better = self.source.random(count) < 0.5
        quality = self.source.normal(0, 0.6, len(items))
        self.worth: NDArray[np.float64] = (
            2.6 * np.clip(spread[:, self.department], -1, 2)
            + 0.9 * taste[:, style]
            + quality
            - minding[:, None] * price
            + 0.5 * (better[:, None] == chinese)
        )

    def chance(self, shopper: int, item: int, place: int) -> float:
        """Return how likely a shopper clicks on an item at a place, from 1."""
        return float(1 / (1 + np.exp(-(self.worth[shopper, item] - 2.2 - 0.35 * np.log(place)))))

    def click(self, shopper: int, item: int, place: int) -> bool:
        """Return whether a shopper clicks on an item at a place, from 1."""
        return bool(self.source.random() < self.chance(shopper, item, place))

    def session(self, shopper: int, moment: float, counts: NDArray[np.float64]) -> list[int]:
        """Return what a shopper is shown: popular, random and liked items, each once."""
        there = np.flatnonzero(self.published <= moment)
        popular = counts[there] + 0.5
        liked = self.shares[shopper, self.department[there]] + 1e-4
        even = np.ones(len(there))
        mixed = sum(chances / chances.sum() for chances in (popular, liked, even)) / 3
        return list(self.source.choice(there, SHOWN, replace=False, p=mixed))


def simulate(seed: int = 13, shoppers: int = SHOPPERS, sessions: int = SESSIONS) -> Sample:
    """Let shoppers visit the shop for sixty days.

    Args:
        seed: Of everything.
        shoppers: How many.
        sessions: Mean visits of each.

    Returns:
        The shop and what happened.
    """
    items = catalogue(seed)
    people = Shoppers(items, seed, shoppers)
    source = people.source
    visits = np.repeat(np.arange(shoppers), source.poisson(sessions, shoppers))
    moments = START + source.uniform(0, DAYS * DAY, len(visits))
    counts = np.zeros(len(items))
    events: list[Interaction] = []
    rankings: list[Ranking] = []
    for number in np.argsort(moments):
        shopper, moment = int(visits[number]), float(moments[number])
        shown = people.session(shopper, moment, counts)
        name, ranking = f"shopper-{shopper:04d}", f"r{number:06d}"
        rankings.append(Ranking(ranking, name, tuple(items[i].id for i in shown), moment, "simulated"))
        for place, item in enumerate(shown, 1):
            if people.click(shopper, int(item), place):
                counts[item] += 1
                events += _click(people, name, shopper, int(item), moment + 20.0 * place, ranking)
    return Sample(items, events, rankings, START + DAYS * DAY)


def _click(people: Shoppers, name: str, shopper: int, item: int, moment: float, ranking: str) -> list[Interaction]:
    """Return a click and what follows from it."""
    source, worth, identity = people.source, people.worth[shopper, item], people.items[item].id
    done = [("click", 1.0), ("read", round(float(source.exponential(12 + 8 * max(0.0, worth))), 1))]
    if source.random() < 1 / (1 + np.exp(3.5 - 0.8 * worth)):
        done.append(("buy", 1.0))
    return [
        Interaction(f"{ranking}-{identity}-{kind}", name, identity, kind, value, moment + 5.0 * i, ranking)
        for i, (kind, value) in enumerate(done)
    ]
