"""Emergent themes: what documents that no topic of the scheme took have in common, and whether it grows.

One text a story is clustered (`knowledge/topics.py`) over the days that are asked for and as many days before. Left out
are names of companies, and phrases that stand as often in documents with a topic: they are the trade's manner of
speaking. A theme grows where its share of all stories is larger in the later days than chance explains: given
the stories of both times, those of the later one are binomial (the conditional test of two Poisson rates: Przyborowski,
Wilenski 1940). Many themes are tested, so the false-discovery rate over those that are told is controlled (Benjamini,
Hochberg 1995).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from feilun.apps.public_opinion.regions import region_name
from feilun.apps.public_opinion.understanding import WHOLE, Analysis
from feilun.knowledge.topics import Phrases, Topic, Topics, find_topics, read_phrases
from feilun.storage import opinion

DAY = 86_400.0
FEWEST_STORIES = 5
"""A theme of fewer stories in the days that are asked for is not told."""

FALSE_DISCOVERIES = 0.01
"""Share of the themes that are said to grow which may grow by luck."""

OWN = 2.0
"""How many times as often as in documents with a topic a phrase must stand in those without to tell a theme."""

STORIES_A_THEME = 12
"""Of few stories as many clusters are made as keep this many each, on average."""

FEW = 120
"""Stories from which on the number of clusters is chosen by the coherence of their phrases."""

TYPICAL = 5
MOST_READ = 10_000
"""Stories with and without a topic that are read, the latest of each."""


@dataclass(frozen=True)
class Theme:
    """What several documents without a topic say.

    Args:
        phrases: Its words, the most telling first.
        documents: Documents in the days that are asked for.
        stories: Stories of them.
        stories_before: Stories in as many days before.
        p_value: Chance that so large a part of its stories is in the later days, corrected for the number of themes.
        grows: Whether that is too small for luck.
        typical: Its most typical documents: key, source, title.
    """

    phrases: tuple[str, ...]
    documents: int
    stories: int
    stories_before: int
    p_value: float
    grows: bool
    typical: tuple[dict[str, str], ...]

    @property
    def title(self) -> str:
        """Return its first phrases as a name."""
        return " · ".join(self.phrases[:3])

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"title": self.title, **asdict(self)}


@dataclass(frozen=True)
class Emergent:
    """The themes of some days.

    Args:
        since: The first second of these days.
        until: The second behind their last one.
        documents: Documents in them that no topic took.
        themes: Those that grow first, then the larger first.
    """

    since: float
    until: float
    documents: int
    themes: tuple[Theme, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {**asdict(self), "themes": [one.to_json() for one in self.themes]}


def find_emergent(
    connection: Connection, days: float, until: float | None = None, source: str = "", region: str = ""
) -> Emergent:
    """Find what is spoken of beside the topics of the scheme.

    Args:
        connection: A transaction.
        days: How many days, counted back.
        until: Their end, seconds since 1970; None takes the last document's.
        source: Of this source alone; empty takes all.
        region: Of this region alone, likewise.

    Returns:
        The themes; none where fewer than 30 stories have no topic.

    Raises:
        MissingExtra: If a library that clusters is not installed.
    """
    end = until if until is not None else (opinion.span(connection)[1] or 0.0) + 1
    since = end - days * DAY
    everything: Counter[bool] = Counter()
    taken: list[str] = []
    left: dict[str, list[Any]] = {}
    scope: dict[str, Any] = {"source": source or None, "region": region_name(region) or None}
    for row in opinion.documents(connection, since=since - days * DAY, until=end, **scope):
        first = row.key == row.story
        everything[row.published >= since] += first
        if not row.analysis["topics"]:
            left.setdefault(row.story, []).append(row)
        elif first:
            taken.append(_nameless(row))
    stories = list(left.values())[-MOST_READ:]
    found = _clustered([_nameless(rows[0]) for rows in stories], taken[-MOST_READ:])
    share = everything[True] / max(1, everything.total())
    themes = [_theme(topic, stories, found.topic_of, since, share) for topic in found.found]
    told = _corrected([one for one in themes if one.stories >= FEWEST_STORIES])
    recent = sum(row.published >= since for rows in left.values() for row in rows)
    return Emergent(since, end, recent, tuple(sorted(told, key=lambda one: (not one.grows, -one.stories))))


def _clustered(texts: Sequence[str], others: Sequence[str]) -> Topics:
    """Cluster texts by the phrases that they have before others."""
    phrases = read_phrases([*texts, *others])
    inside, outside = phrases.held[: len(texts)], phrases.held[len(texts) :]
    many, elsewhere = (np.asarray(held.sum(axis=0)).ravel() for held in (inside, outside))
    own = np.flatnonzero((many >= 2) & (many * (len(others) + 1) >= OWN * elsewhere * (len(texts) + 1)))
    count = None if len(texts) >= FEW else max(2, len(texts) // STORIES_A_THEME)
    return find_topics(Phrases(tuple(phrases.names[index] for index in own), inside[:, own]), count)


def _theme(
    topic: Topic, stories: Sequence[list[Any]], topic_of: NDArray[np.int64], since: float, share: float
) -> Theme:
    """Count a theme's stories; `share` is the part of all stories that the later days have."""
    from scipy.stats import binomtest

    own = [rows for rows, number in zip(stories, topic_of, strict=True) if number == topic.number]
    late = sum(rows[0].published >= since for rows in own)
    documents = sum(row.published >= since for rows in own for row in rows)
    p_value = float(binomtest(late, len(own), share, alternative="greater").pvalue)
    shown = [stories[row][0] for row in topic.typical if stories[row][0].published >= since][:TYPICAL]
    return Theme(
        topic.phrases, documents, late, len(own) - late, p_value, False,
        tuple({"key": row.key, "source": row.source, "title": row.title or row.body[:80]} for row in shown),
    )  # fmt: skip


def _corrected(themes: Sequence[Theme]) -> list[Theme]:
    """Correct the chances of themes for how many there are, and say which grow."""
    from scipy.stats import false_discovery_control

    chances = false_discovery_control([one.p_value for one in themes]).tolist() if themes else []
    return [
        replace(one, p_value=chance, grows=chance < FALSE_DISCOVERIES)
        for one, chance in zip(themes, chances, strict=True)
    ]


def _nameless(row: Any) -> str:
    """Return a document's text without the companies it names, which would else make each a theme."""
    names = [name for name, _ in Analysis.from_json(row.analysis).entities]
    text = "\n".join(part for part in (row.title, row.body) if part)[:WHOLE]
    return re.sub("|".join(map(re.escape, names)), " ", text) if names else text
