"""Numbers over time: every document counts once in each cell of topic, entity, source and region that it belongs to.

Only whole numbers are added up, so that any order of documents gives the same figures to the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from feilun.apps.public_opinion.regions import region_name
from feilun.apps.public_opinion.understanding import Analysis
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.storage import opinion, opinion_counts
from feilun.storage.opinion_counts import DAY, FIGURES, MONDAY, WEEK, Cell

FINE_DAYS = 14
"""Days up to which a series is told by buckets; longer ones by days."""

Side = Literal["entity", "topic", "source", "region"]
SIDES: tuple[Side, ...] = ("entity", "topic", "source", "region")
"""What documents are counted by."""

Name = tuple[str, str, str, str]
"""Topic, entity, source and region of a series; an empty one stands for all together."""

MOST_COMPARED = 20

LONG_DAYS = 182
"""Days from which on it is told by weeks, where that is enough."""


@dataclass(frozen=True)
class Counted:
    """What of a document is counted.

    Args:
        published: Seconds since 1970.
        source: Who published it.
        analysis: What it says.
        first: Whether it began its story.
        region: Where it is from; empty where not known.
    """

    published: float
    source: str
    analysis: Analysis
    first: bool
    region: str = ""


def bucket_of(published: float, width: int) -> int:
    """Return the second at which the bucket of a moment begins."""
    return int(published // width) * width


def cells(documents: Iterable[Counted], width: int, sign: int = 1) -> dict[Cell, list[int]]:
    """Return what documents add to each cell.

    In the row of an entity its own sentiment counts, elsewhere the document's.

    Args:
        documents: They.
        width: Seconds of a bucket.
        sign: -1 takes them out again.
    """
    added: dict[Cell, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for document in documents:
        bucket = bucket_of(document.published, width)
        analysis = document.analysis
        places = list(product(("", *analysis.topics), ("", document.source), {"", document.region}))
        for entity, sentiment in (("", analysis.sentiment), *analysis.entities):
            for topic, source, region in places:
                numbers = added[bucket, topic, entity, source, region]
                numbers[0] += sign
                numbers[1] += sign * (sentiment == "positive")
                numbers[2] += sign * (sentiment == "negative")
                numbers[3] += sign * document.first
    return dict(added)


@dataclass(frozen=True)
class Trend:
    """A series of numbers by bucket, without gaps.

    Args:
        topic: Its topic; empty for all.
        entity: Its entity; empty for all.
        source: Its source; empty for all.
        region: Its region; empty for all.
        seconds: Length of a bucket.
        buckets: Seconds at which they begin, shape (buckets,).
        documents: Documents in each, the same shape; likewise the others.
        positive: Of them, the positive ones.
        negative: The negative ones.
        stories: How many began a story.
    """

    topic: str
    entity: str
    source: str
    region: str
    seconds: int
    buckets: NDArray[np.int64]
    documents: NDArray[np.int64]
    positive: NDArray[np.int64]
    negative: NDArray[np.int64]
    stories: NDArray[np.int64]

    @property
    def name(self) -> Name:
        """Return what it is of."""
        return self.topic, self.entity, self.source, self.region

    @property
    def negative_share(self) -> float:
        """Return the share of negative documents of all; 0 without any."""
        return float(self.negative.sum() / max(1, self.documents.sum()))

    @property
    def sentiment_index(self) -> float:
        """Return positive less negative as a share of all, from -1 to 1."""
        return float((self.positive.sum() - self.negative.sum()) / max(1, self.documents.sum()))

    @property
    def heat(self) -> float:
        """Return how often a story was told, on average."""
        return float(self.documents.sum() / max(1, self.stories.sum()))

    @property
    def momentum(self) -> float:
        """Return the change of volume from the first half of the time to the second, as a share of the first."""
        half = len(self.documents) // 2
        before = self.documents[:half].sum()
        return float((self.documents[-half:].sum() - before) / max(1, before)) if half else 0.0

    def summary(self, all_documents: int) -> dict[str, Any]:
        """Return its figures by name.

        Args:
            all_documents: Documents of everybody in the same time, for the share of voice.
        """
        return {
            "topic": self.topic, "entity": self.entity, "source": self.source, "region": self.region,
            "documents": int(self.documents.sum()),
            "negative": int(self.negative.sum()), "positive": int(self.positive.sum()),
            "negative_share": round(self.negative_share, 4), "sentiment_index": round(self.sentiment_index, 4),
            "heat": round(self.heat, 3), "momentum": round(self.momentum, 4),
            "share_of_voice": round(int(self.documents.sum()) / max(1, all_documents), 4),
        }  # fmt: skip


def trends(
    connection: Connection, width: int, *, since: float | None = None, until: float | None = None,
    topic: str | None = None, entity: str | None = None, source: str = "", region: str = "", weeks: bool = False,
) -> list[Trend]:  # fmt: skip
    """Return the series of a time, one for each topic and entity that was spoken of; of a long time by days, UTC.

    Args:
        connection: A transaction.
        width: Seconds of a bucket, as they were counted.
        since: From this second on, at most from the first day on; else from the first document.
        until: Before this one.
        topic: Only this topic; "" are all together, None each.
        entity: Likewise.
        source: Only of this source; "" are all together.
        region: Likewise, by any of its names; documents that have none count with all together.
        weeks: Tell times of half a year and more by weeks, from Monday on.
    """
    if since is not None:  # buckets of a time from before everything would be zeros without end
        since = max(since, float(opinion_counts.earliest_day(connection) or 0))
    which: dict[str, Any] = {"since": since, "until": until, "topic": topic, "entity": entity}
    which |= {"source": source, "region": region_name(region)}
    length = _length(connection, since, until)
    if length <= FINE_DAYS * DAY:
        seconds, rows = width, opinion_counts.counts(connection, **which)
    else:
        long = weeks and length >= LONG_DAYS * DAY
        seconds, rows = WEEK if long else DAY, opinion_counts.daily_counts(connection, **which, weeks=long)
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    counted = np.array(columns[0], dtype=np.int64)
    begin = int(counted.min()) if since is None else since
    offset = MONDAY if seconds == WEEK else 0
    buckets = np.arange(bucket_of(begin - offset, seconds) + offset, counted.max() + 1, seconds, dtype=np.int64)
    numbers: dict[tuple[str, str], int] = {}
    series = np.array([numbers.setdefault(name, len(numbers)) for name in zip(columns[1], columns[2], strict=True)])
    table = np.zeros((len(numbers), len(buckets), len(FIGURES)), dtype=np.int64)
    np.add.at(table, (series, (counted - buckets[0]) // seconds), np.array(columns[3:], dtype=np.int64).T)
    return [
        Trend(*name, source, region_name(region), seconds, buckets, *table[number].T)
        for name, number in sorted(numbers.items())
    ]


def trends_by(connection: Connection, width: int, by: Side, **which: Any) -> list[Trend]:
    """Return a series for each entity, topic, source or region of which something is told, the largest first.

    Args:
        connection: A transaction.
        width: Seconds of a bucket, as they were counted.
        by: What each series is of; where `which` names one of these, that one alone.
        which: What `trends` takes; of the other sides empty ones are all together.
    """
    asked: dict[str, Any] = dict.fromkeys(SIDES, "") | which
    if by in ("topic", "entity"):
        found = [one for one in trends(connection, width, **{**asked, by: asked[by] or None}) if getattr(one, by)]
    else:
        known = opinion_counts.sources if by == "source" else opinion_counts.regions
        names = [asked[by]] if asked[by] else known(connection)
        found = [one for name in names for one in trends(connection, width, **{**asked, by: name})]
    return momentous(found)


def compared(
    connection: Connection, width: int, sides: Mapping[Side, Sequence[str]], **time: Any
) -> tuple[list[Trend], list[str]]:  # fmt: skip
    """Return the series of each combination of names, in the order in which they are given, and unknown names.

    Args:
        connection: A transaction.
        width: Seconds of a bucket, as they were counted.
        sides: Names of entities, topics, sources and regions; none stands for all together.
        time: What `trends` takes of time.

    Raises:
        UsageError: If there are more than 20 combinations, or less than two.
    """
    asked: list[dict[str, Any]] = [
        dict(zip(sides, names, strict=True)) for names in product(*(given or ("",) for given in sides.values()))
    ]
    if not 2 <= len(asked) <= MOST_COMPARED:
        raise UsageError(
            Remark(f"{len(asked)} series cannot be compared.", f"{len(asked)} 个序列无法比较。"),
            Remark(
                f"Name 2 to {MOST_COMPARED} in all: companies, or one company in several regions or sources.",
                f"合计给出 2 至 {MOST_COMPARED} 个：几家公司，或一家公司的几个地区、几个来源。",
            ),
        )
    found = [one for names in asked for one in trends(connection, width, **{"entity": "", "topic": ""} | names | time)]
    told = {part for one in found for part in one.name}
    given = [(side, name) for side, names in sides.items() for name in names]
    return found, sorted(name for side, name in given if (region_name(name) if side == "region" else name) not in told)


def _length(connection: Connection, since: float | None, until: float | None) -> float:
    """Return how many seconds are asked for."""
    first, last = opinion.span(connection)
    if first is None or last is None:
        return 0.0
    return (last if until is None else min(until, last)) - (first if since is None else max(since, first))


def recount(connection: Connection, width: int, since: int | None = None) -> None:
    """Count all documents anew, for buckets of another width or after corrections.

    Args:
        connection: A transaction.
        width: Seconds of a bucket.
        since: Only from this second on, at which a day begins: documents from before are not kept.
    """
    opinion_counts.forget_counts(connection, since)
    piece: list[Counted] = []
    for row in opinion.documents(connection, since=since, written=True):
        piece.append(counted(row))
        if len(piece) == 5_000:
            opinion_counts.count(connection, cells(piece, width))
            piece = []
    opinion_counts.count(connection, cells(piece, width))


def counted(row: Any) -> Counted:
    """Return what of a stored document is counted."""
    return Counted(row.published, row.source, Analysis.from_json(row.analysis), row.key == row.story, row.region)


def momentous(found: Sequence[Trend], count: int | None = None) -> list[Trend]:
    """Return the `count` series with the most documents, or all, the largest first."""
    return sorted(found, key=lambda one: (-int(one.documents.sum()), one.name))[:count]
