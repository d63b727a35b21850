"""What `feilun insight` finds in a table of texts, from the topics to what goes with a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.remark import Remark
from feilun.evaluation.associations import FEWEST_ROWS, Association, with_groups, with_numbers
from feilun.knowledge.outliers import strangeness
from feilun.knowledge.topics import Phrases, Topics, find_topics, read_phrases
from feilun.text.near_duplicates import near_duplicate_groups
from feilun.workflow.insight.sentiment import sentiment_model, sentiments
from feilun.workflow.insight.table import SideColumn, TextTable, read_text_table, side_column

WIDTHS = (3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400)
MOST_BUCKETS = 90
LATER, EARLIER = Remark("later half", "后半段"), Remark("earlier half", "前半段")

SHOWN_TEXTS = 3
NO_SENTIMENT = Remark(
    "Sentiment is absent: no registered model tells positive from negative texts of this language.",
    "没有情感分析：没有登记过能区分这种语言正负面文本的模型。",
)
SHOWN_OUTLIERS = 10
SHOWN_COPIES = 10
LONGEST_SHOWN = 280


@dataclass(frozen=True)
class Drivers:
    """What goes with a column.

    Args:
        column: The column.
        found: What was found, the surest first.
        tested: Out of how many pairs.
    """

    column: SideColumn
    found: tuple[Association, ...]
    tested: int


@dataclass(frozen=True)
class Trends:
    """How many texts there are over time, and of what.

    Args:
        width: Seconds of a bucket.
        buckets: The first second of each.
        texts: Texts in each bucket.
        topics: Texts of each topic in each bucket, shape (topics, buckets).
        found: Marks whose share differs between the later and the earlier half of the texts, the surest first.
    """

    width: int
    buckets: tuple[int, ...]
    texts: tuple[int, ...]
    topics: NDArray[np.int64]
    found: tuple[Association, ...]


@dataclass(frozen=True)
class Insight:
    """All that was found.

    Args:
        table: The texts.
        topics: Their topics.
        marks: What each number of a mark stands for: topics first, then labels of sentiment, then phrases.
        sentiment: The label of each text; None where no model fits.
        model: The name and version of the model of sentiment; empty where none fits.
        trends: Over time; None without times.
        drivers: By column.
        copies: Rows of each group of near duplicates, the largest first.
        outliers: Rows of the texts that are least like any other, with how unlike they are, the strangest first.
        remarks: What could not be done, as sentences.
    """

    table: TextTable
    topics: Topics
    marks: tuple[str, ...]
    sentiment: tuple[str, ...] | None
    model: str
    trends: Trends | None
    drivers: tuple[Drivers, ...]
    copies: tuple[tuple[int, ...], ...]
    outliers: tuple[tuple[int, float], ...]
    remarks: tuple[str, ...]

    def shown(self, row: int) -> dict[str, str]:
        """Return a text as it is shown, with the number of its row."""
        text = self.table.corpus.text[row]
        cut = text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
        return {"row": self.table.corpus.id[row], "text": cut}

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        shares = Counter(self.sentiment) if self.sentiment is not None else None
        return {
            "source": self.table.source, "rows": self.table.rows, "texts": len(self.table.corpus),
            "topics": [
                {
                    "number": one.number, "title": one.title, "phrases": list(one.phrases), "texts": one.texts,
                    "typical": [self.shown(row) for row in typical_rows(self, one.number)],
                }
                for one in self.topics.found
            ],
            "without_topic": int((self.topics.topic_of < 0).sum()),
            "coherence": {str(count): value for count, value in self.topics.coherence.items()},
            "sentiment": None if shares is None else {"model": self.model, "texts": dict(shares.most_common())},
            "trends": None if self.trends is None else self._trends(self.trends),
            "drivers": [
                {
                    "column": one.column.name, "groups": list(one.column.groups), "tested": one.tested,
                    "found": [self._association(link) for link in one.found],
                }
                for one in self.drivers
            ],
            "near_duplicates": {
                "groups": len(self.copies), "texts": sum(len(rows) for rows in self.copies),
                "largest": [
                    {"texts": len(rows), **self.shown(rows[0])} for rows in self.copies[:SHOWN_COPIES]
                ],
            },
            "outliers": [{**self.shown(row), "unlike": value} for row, value in self.outliers],
            "remarks": list(self.remarks),
        }  # fmt: skip

    def _trends(self, trends: Trends) -> dict[str, Any]:
        return {
            "seconds": trends.width,
            "buckets": [datetime.fromtimestamp(one, UTC).isoformat() for one in trends.buckets],
            "texts": list(trends.texts), "topics": trends.topics.tolist(),
            "found": [self._association(link) for link in trends.found],
        }  # fmt: skip

    def _association(self, link: Association) -> dict[str, Any]:
        return {**asdict(link), "mark": self.marks[link.mark]}


def find_insight(
    source: str,
    text: str,
    *,
    time: str | None = None,
    by: Sequence[str] = (),
    topics: int | None = None,
    model: str | None = None,
    query: str | None = None,
) -> Insight:
    """Look into a table of texts.

    Args:
        source: A file, or the URL of a database.
        text: Its column of texts.
        time: Its column of times.
        by: Columns to compare texts by.
        topics: How many topics; None chooses.
        model: A bundle of sentiment; None takes a registered one that fits.
        query: The SQL query of a database.

    Returns:
        What was found.

    Raises:
        UsageError: If a column or the model is not as it must be.
        DataError: If the table cannot be read or has no text.
        MissingExtra: If a package of the extra `data` is not installed.
    """
    table = read_text_table(source, text, time, by, query)
    texts = table.corpus.text
    remarks = list(table.remarks)
    phrases = read_phrases(texts)
    found = find_topics(phrases, topics)
    if not found.found:
        remarks.append(
            Remark(
                f"{len(texts):,} texts are too few, or share too few phrases, for topics.",
                f"{len(texts):,} 条文本太少，或者共有的短语太少，分不出话题。",
            )
        )
    bundle = sentiment_model(model, texts)
    if bundle is None:
        remarks.append(NO_SENTIMENT)
    feeling = None if bundle is None else tuple(sentiments(bundle, texts))
    groups = near_duplicate_groups(texts)
    first = groups == np.arange(len(texts))  # copies count once in every comparison
    marks, held = _marks(found, feeling, phrases)
    drivers = []
    for name in by:
        column = side_column(name, table.corpus.features[name])
        if isinstance(column, str):
            remarks.append(column)
        else:
            drivers.append(_drivers(column, held, first))
    return Insight(
        table, found, marks, feeling, "" if bundle is None else f"{bundle.name}@{bundle.version}",
        None if table.times is None else _trends(table.times, found, held, first),
        tuple(drivers), _copies(groups), _outliers(found, first), tuple(remarks),
    )  # fmt: skip


def typical_rows(insight: Insight, topic: int, count: int = SHOWN_TEXTS) -> list[int]:
    """Return the most typical rows of a topic, of equal texts only the first."""
    seen: dict[str, int] = {}
    for row in insight.topics.found[topic].typical:
        seen.setdefault(insight.table.corpus.text[row], row)
    return list(seen.values())[:count]


def _marks(topics: Topics, feeling: Sequence[str] | None, phrases: Phrases) -> tuple[tuple[str, ...], Any]:
    """Return the names of what texts are compared by, and which text carries which, sparse, (rows, marks)."""
    from scipy.sparse import csr_matrix, hstack

    rows = len(topics.topic_of)
    frequent = np.flatnonzero(np.asarray(phrases.held.sum(axis=0)).ravel() >= FEWEST_ROWS)
    names: list[str] = [Remark(f"topic: {one.title}", f"话题：{one.title}") for one in topics.found]
    parts = [csr_matrix(topics.topic_of[:, None] == np.arange(len(names))[None, :], dtype=np.float64)]
    if feeling is not None:
        labels = sorted(set(feeling))
        said = np.array(feeling, dtype=object)
        parts.append(csr_matrix(said[:, None] == np.array(labels, dtype=object)[None, :], dtype=np.float64))
        names += [Remark(f"sentiment: {label}", f"情感：{label}") for label in labels]
    names += [phrases.names[index] for index in frequent]
    parts = [*parts, phrases.held[:, frequent]]
    return tuple(names), hstack([part for part in parts if part.shape[1]] or [csr_matrix((rows, 0))]).tocsr()


def _drivers(column: SideColumn, held: Any, first: NDArray[np.bool_]) -> Drivers:
    rows = np.flatnonzero(first)
    values = [column.values[row] for row in rows.tolist()]
    found, tested = (
        with_groups(held[rows], values, column.groups) if column.groups else with_numbers(held[rows], values)
    )
    return Drivers(column, tuple(found), tested)


def _trends(times: NDArray[np.float64], topics: Topics, held: Any, first: NDArray[np.bool_]) -> Trends:
    known = np.flatnonzero(~np.isnan(times))
    begin, end = float(times[known].min()), float(times[known].max())
    width = next((width for width in WIDTHS if (end - begin) / width < MOST_BUCKETS), WIDTHS[-1])
    start = int(begin // width) * width
    bucket = ((times[known] - start) // width).astype(np.int64)
    size = int(bucket.max()) + 1
    counts = np.zeros((len(topics.found), size), dtype=np.int64)
    of_topic = topics.topic_of[known]
    np.add.at(counts, (of_topic[of_topic >= 0], bucket[of_topic >= 0]), 1)
    once = known[first[known]]
    half = float(np.median(times[once]))
    values = [LATER if time > half else EARLIER for time in times[once]]
    found, _ = with_groups(held[once], values, [LATER])
    return Trends(
        width, tuple(start + width * number for number in range(size)),
        tuple(np.bincount(bucket, minlength=size).tolist()), counts, tuple(found),
    )  # fmt: skip


def _copies(groups: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(row)
    several = [tuple(rows) for rows in members.values() if len(rows) > 1]
    return tuple(sorted(several, key=lambda rows: (-len(rows), rows[0])))


def _outliers(topics: Topics, first: NDArray[np.bool_]) -> tuple[tuple[int, float], ...]:
    if not topics.found:
        return ()
    unlike = np.where(first, strangeness(topics.places), 0.0)
    chosen = np.argsort(-unlike, kind="stable")[:SHOWN_OUTLIERS]
    return tuple((int(row), float(unlike[row])) for row in chosen if unlike[row] > 0)
