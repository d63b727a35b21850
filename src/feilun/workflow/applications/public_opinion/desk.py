"""What an operator does: acts on incidents, looks at their documents, and puts right what these were found to say."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection

from feilun.apps.public_opinion import trends, words
from feilun.apps.public_opinion.incidents import ACTIONS, Incident, acted_on
from feilun.apps.public_opinion.queries import document_json
from feilun.apps.public_opinion.report import incident_documents
from feilun.apps.public_opinion.understanding import Analysis
from feilun.apps.public_opinion.wording import SENTIMENTS
from feilun.core.errors import NotFound, UsageError, nearest
from feilun.core.remark import Remark
from feilun.storage import opinion, opinion_counts, opinion_words
from feilun.storage.opinion_words import Indexed
from feilun.workflow.applications.public_opinion.wiring import Application


def listed(application: Application) -> list[Incident]:
    """Return all incidents, the earliest first."""
    with application.database.read() as connection:
        return [Incident.from_json(row.facts) for row in opinion.incidents(connection)]


def act(application: Application, identity: str, action: str, actor: str) -> Incident:
    """Acknowledge, mute, close or reopen an incident.

    Raises:
        NotFound: If there is no such incident.
        UsageError: If there is no such action.
    """
    if action not in ACTIONS:
        raise UsageError(
            Remark(f"Nobody can {action!r} an incident.", f"不能对事件 {action!r}。"), nearest(action, ACTIONS)
        )
    with application.database.write() as connection:
        changed = acted_on(_incident(connection, identity), action, actor, time.time())
        opinion.save_incident(connection, identity, changed.state, changed.opened, changed.to_json())
    return changed


def counted_by(application: Application, identity: str) -> list[dict[str, Any]]:
    """Return the documents that an incident counts, the latest first, as JSON holds them.

    Raises:
        NotFound: If there is no such incident.
    """
    with application.database.read() as connection:
        rows = incident_documents(connection, _incident(connection, identity), application.width)
    return [document_json(row) for row in reversed(rows)]


def _incident(connection: Connection, identity: str) -> Incident:
    stored = {row.id: Incident.from_json(row.facts) for row in opinion.incidents(connection)}
    if identity not in stored:
        known = nearest(identity, stored) if stored else Remark("There is none at all.", "目前一个也没有。")
        raise NotFound(Remark(f"There is no incident {identity!r}.", f"没有事件 {identity!r}。"), known)
    return stored[identity]


@dataclass(frozen=True)
class Correction:
    """What a document says in truth; what is None stays.

    Args:
        sentiment: negative, neutral or positive.
        topics: Names of the scheme.
        entities: Whom it names; each keeps the sentiment that it had, else it takes the document's.
        story: Key of a document whose story it belongs to; its own key parts it from its story.
    """

    sentiment: str | None = None
    topics: Sequence[str] | None = None
    entities: Sequence[str] | None = None
    story: str | None = None

    def check(self, topics: Sequence[str], entities: Sequence[str]) -> None:
        """Raise what is wrong with it.

        Args:
            topics: Those of the scheme.
            entities: Those that are looked for, and those that were found in the document.

        Raises:
            UsageError: If nothing is to be changed, or a name is unknown.
        """
        if self == Correction():
            raise UsageError(
                Remark("Nothing is to be corrected.", "没有要更正的内容。"),
                Remark(
                    "Give --sentiment, --topic, --entity or --story.",
                    "请给出 --sentiment、--topic、--entity 或 --story。",
                ),
            )
        given = (
            (Remark("sentiment", "情感"), [self.sentiment] if self.sentiment is not None else [], SENTIMENTS),
            (Remark("topic", "话题"), self.topics or (), topics),
            (Remark("entity", "实体"), self.entities or (), entities),
        )
        for kind, names, known in given:
            for name in names:
                if name not in known:
                    raise UsageError(
                        Remark(f"There is no {kind} {name!r}.", f"没有{kind.chinese} {name!r}。"), nearest(name, known)
                    )

    def applied(self, said: Analysis) -> Analysis:
        """Return what a document says in truth, from what it was found to say."""
        told = said.sentiment if self.sentiment is None else self.sentiment
        before = dict(said.entities)
        names = list(before if self.entities is None else dict.fromkeys(self.entities))
        # where one entity is named, the document's sentiment is its own
        by_entity = {name: told if len(names) == 1 and self.sentiment else before.get(name, told) for name in names}
        changed = replace(
            said, sentiment=told, entities=tuple(by_entity.items()),
            unlisted=tuple((name, kind) for name, kind in said.unlisted if name in by_entity),
            topics=said.topics if self.topics is None else tuple(dict.fromkeys(self.topics)),
        )  # fmt: skip
        return said if changed == said else replace(changed, score=1.0)


def correct(application: Application, key: str, correction: Correction, actor: str) -> dict[str, Any]:
    """Put right what a document says and which story it belongs to; the numbers follow in the same transaction.

    A document that began its story takes the whole story with it. What is right already changes nothing.

    Args:
        application: The wired application.
        key: The document's key.
        correction: What is right.
        actor: Who says so.

    Returns:
        The document's key with what was said before and is said now, and how many documents moved to another story.

    Raises:
        UsageError: If there is no such document, sentiment, topic, entity or story, or nothing is to be changed.
    """
    listed = [entity.name for entity in application.gazetteer.entities]
    with application.database.write() as connection:
        row = _document(connection, key)
        said = trends.counted(row).analysis
        correction.check(application.scheme.names, [*listed, *dict(said.entities)])
        after = correction.applied(said)
        story = row.story if correction.story is None else _story(connection, row, correction.story)
        moved = [row]
        if story != row.story and row.key == row.story:
            moved = list(opinion.documents(connection, story=row.story, lock=True))
        for one in moved:
            own = after if one.key == row.key else trends.counted(one).analysis
            if story != one.story or own != said:
                _write(connection, application.width, one, own, story, actor)
    return {
        "document": row.key, "before": {**asdict(said), "story": row.story}, "after": {**asdict(after), "story": story},
        "moved": len(moved) if story != row.story else 0,
    }  # fmt: skip


def _document(connection: Connection, key: str) -> Any:
    rows = list(opinion.documents(connection, keys=[key], lock=True))
    if not rows:
        raise NotFound(
            Remark(f"There is no document {key!r}.", f"没有文章 {key!r}。"),
            Remark(
                "`feilun public-opinion documents` and the report name the keys.",
                "`feilun public-opinion documents` 和报告里有各篇的键。",
            ),
        )
    return rows[0]


def _story(connection: Connection, row: Any, key: str) -> str:
    """Return the story that a document is to belong to."""
    if key != row.key:
        return str(_document(connection, key).story)
    others = sum(one.key != row.key for one in opinion.documents(connection, story=row.key, limit=2))
    if others:
        raise UsageError(
            Remark(
                f"The document {key!r} began its story, so it cannot be parted from it.",
                f"文章 {key!r} 是它所在报道的第一篇，不能从中分出来。",
            ),
            Remark(
                "Part those from it that do not belong to it, or name a document of the story that it belongs to.",
                "请把不属于它的文章分出去，或者指明它所属报道里的一篇文章。",
            ),
        )
    return key


def _write(connection: Connection, width: int, row: Any, analysis: Analysis, story: str, actor: str) -> None:
    before = trends.counted(row)
    opinion.correct(connection, row.key, analysis.to_json(), story, actor)
    if analysis != before.analysis:
        opinion_words.remove(connection, [words.of_row(row)])
        opinion_words.add(connection, [Indexed(row.sequence, row.published, words.terms(row, analysis))])
    opinion_counts.count(connection, trends.cells([before], width, sign=-1))
    opinion_counts.count(connection, trends.cells([replace(before, analysis=analysis, first=row.key == story)], width))
