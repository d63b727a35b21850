"""What is asked of stored documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from feilun.apps.public_opinion.understanding import Analysis
from feilun.apps.public_opinion.words import wanted
from feilun.storage import opinion, opinion_words


@dataclass(frozen=True)
class Question:
    """Which documents are wanted; what is empty or None wants all.

    Args:
        words: Words and parts of Chinese texts that their title or body holds, all of them, in any case and, in
            Chinese, in either script.
        entity: Whom they name.
        topic: What they are about.
        sentiment: negative, neutral or positive: for the entity, where one is wanted, as its numbers count it.
        source: Who published them.
        region: Where they are from.
        since: From this second on.
        until: Before this one.
    """

    words: str = ""
    entity: str = ""
    topic: str = ""
    sentiment: str = ""
    source: str = ""
    region: str = ""
    since: float | None = None
    until: float | None = None


def search(connection: Connection, question: Question, limit: int | None) -> list[dict[str, Any]]:
    """Return the documents that are wanted, the latest first, as JSON holds them.

    Args:
        connection: A transaction.
        question: What is asked for.
        limit: At most so many; None takes all.
    """
    return list(islice(_found(connection, question), limit))


def document_json(row: Any) -> dict[str, Any]:
    """Return a stored document as JSON holds it."""
    analysis = Analysis.from_json(row.analysis)
    return {
        "key": row.key, "published": datetime.fromtimestamp(row.published, UTC).isoformat(), "source": row.source,
        "url": row.url, "author": row.author, "language": row.language, "region": row.region,
        "sentiment": row.sentiment, "topics": list(analysis.topics), "entities": dict(analysis.entities),
        "story": row.story, "title": row.title, "body": row.body,
    }  # fmt: skip


def _found(connection: Connection, question: Question) -> Iterator[dict[str, Any]]:
    asked = wanted(
        question.words, question.entity, question.topic, question.sentiment, question.source, question.region
    )
    if asked is None:
        return
    if not asked:
        rows = opinion.latest(connection, since=question.since, until=question.until)
    else:
        numbers = opinion_words.find(connection, asked, question.since, question.until)
        rows = opinion.in_order(connection, numbers)
    yield from map(document_json, rows)
