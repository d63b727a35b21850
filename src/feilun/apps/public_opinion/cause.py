"""Why numbers rose: the stories, companies, topics, sources and phrases of the documents that are in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from feilun.storage import opinion
from feilun.text.phrases import phrase_counts, telling_phrases

MOST = 5
BACKGROUND_SECONDS = 14 * 86_400
BACKGROUND_DOCUMENTS = 2_000


def documents_of(
    connection: Connection, since: float, until: float, topic: str, entity: str, negative: bool,
    source: str = "", region: str = "",
) -> list[Any]:  # fmt: skip
    """Return the documents that a series counts within a time.

    Args:
        connection: A transaction.
        since: From this second on.
        until: Before this one.
        topic: Of this topic; empty for all.
        entity: About this entity; empty for all.
        negative: Only those that are negative, for the entity where there is one.
        source: Of this source; empty for all.
        region: Of this region; empty for all.
    """
    found = []
    for row in opinion.documents(connection, since=since, until=until, source=source or None, region=region or None):
        entities = dict(row.analysis["entities"])
        if (topic and topic not in row.analysis["topics"]) or (entity and entity not in entities):
            continue
        sentiment = entities[entity] if entity else row.sentiment
        if not negative or sentiment == "negative":
            found.append(row)
    return found


def leading_entity(rows: Sequence[Any]) -> str:
    """Return whom more than half of the documents name; empty where there is nobody."""
    named = Counter(name for row in rows for name, _ in row.analysis["entities"])
    name, count = named.most_common(1)[0] if named else ("", 0)
    return name if 2 * count > len(rows) else ""


class Backgrounds:
    """The phrases of what was said before a moment; where many alarms begin at one, its documents are read once.

    Args:
        connection: A transaction.
        aliases: The other names of entities, by name: neither are phrases.
    """

    def __init__(self, connection: Connection, aliases: Mapping[str, Sequence[str]] | None = None) -> None:
        self.connection = connection
        self.aliases = aliases or {}
        self._counted: dict[float, Counter[str]] = {}

    def before(self, moment: float) -> Counter[str]:
        """Return in how many of the documents of the last while each phrase stood."""
        if moment not in self._counted:
            rows = opinion.documents(
                self.connection, since=moment - BACKGROUND_SECONDS, until=moment, limit=BACKGROUND_DOCUMENTS
            )
            self._counted[moment] = phrase_counts(_text(row) for row in rows)
        return self._counted[moment]


def cause(
    connection: Connection, rows: Sequence[Any], before: float, backgrounds: Backgrounds | None = None
) -> dict[str, Any]:
    """Say what documents tell, with the documents themselves as proof.

    Args:
        connection: A transaction.
        rows: The documents that were counted.
        before: The second at which the rise began; what was said until then is the background of the phrases.
        backgrounds: Those that were read before.

    Returns:
        Stories by how often they were told, entities, topics, sources, phrases, each with counts.
    """
    backgrounds = backgrounds or Backgrounds(connection)
    return {
        "stories": [_story(connection, key, count) for key, count in _most(row.story for row in rows)],
        "entities": _most(name for row in rows for name, _ in row.analysis["entities"]),
        "topics": _most(name for row in rows for name in row.analysis["topics"]),
        "sources": _most(row.source for row in rows),
        "phrases": _phrases(rows, backgrounds.before(before), backgrounds.aliases),
    }


def _phrases(
    rows: Sequence[Any], background: Counter[str], aliases: Mapping[str, Sequence[str]]
) -> list[tuple[str, int]]:
    """Return what the documents say that was not said before; names of companies are told apart already."""
    said = [_text(row) for row in rows]
    found = telling_phrases(said, background, 3 * MOST)
    named = {name for row in rows for name, _ in row.analysis["entities"]}
    names = "\n".join(called for name in named for called in (name, *aliases.get(name, ()))).lower()
    return [(phrase, count) for phrase, count in found if phrase not in names][:MOST]


def _most(names: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))[:MOST]


def _story(connection: Connection, key: str, count: int) -> dict[str, Any]:
    """Return a story by its earliest document, which is its first source."""
    first = next(opinion.documents(connection, story=key, limit=1))
    return {
        "story": key, "told": count, "title": first.title or first.body[:80], "source": first.source,
        "url": first.url, "published": first.published, "document": first.key, "evidence": first.analysis["evidence"],
    }  # fmt: skip


def _text(row: Any) -> str:
    return f"{row.title}\n{row.body}"
