"""From a source to the database: read, understood, put into its story, counted; each document with exactly one effect.

A batch is understood first and then written in one transaction: documents, numbers, dead letters and the position of
its source together. A process that is killed has written all of a batch or nothing, and a document that comes again,
from the same source or another worker, changes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from feilun.apps.public_opinion import trends, words
from feilun.apps.public_opinion.document import MOST_CHARACTERS, Document, Form, WrongDocument, parse
from feilun.apps.public_opinion.renaming import unite_regions
from feilun.apps.public_opinion.sources.source import Batch, Source
from feilun.apps.public_opinion.stories import Stories
from feilun.apps.public_opinion.trends import Counted
from feilun.apps.public_opinion.understanding import Analysis, Understanding
from feilun.core.remark import Remark
from feilun.monitoring.redaction import kept
from feilun.storage import opinion, opinion_counts, opinion_retention, opinion_words
from feilun.storage.database import Database
from feilun.storage.opinion_words import Indexed

TOGETHER = 256
"""Documents that are understood and written at once."""

WATERMARK = "watermark"
WIDTH = "width"


@dataclass(frozen=True)
class Taken:
    """What became of records.

    Args:
        new: Documents that were not there before.
        repeated: Documents that were there already.
        dead: Records that are none.
        late: New documents behind the watermark: their bucket is amended.
    """

    new: int = 0
    repeated: int = 0
    dead: int = 0
    late: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(*(getattr(self, name) + getattr(other, name) for name in ("new", "repeated", "dead", "late")))


class Intake:
    """Takes documents in.

    Args:
        database: Keeps them.
        understanding: Reads them.
        width: Seconds of a bucket.
        lateness: Seconds that a document may come after later ones before it counts as late.
        story_seconds: How long after a story's last document another may join it.
        keep_days: Days of documents that are kept, counted back from the watermark; 0 keeps all.
        clock: Gives the time now.
    """

    def __init__(
        self,
        database: Database,
        understanding: Understanding,
        *,
        width: int = 3600,
        lateness: int = 3600,
        story_seconds: float = 3 * 86_400.0,
        keep_days: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self.understanding = understanding
        self.width = width
        self.lateness = lateness
        self.keep_days = keep_days
        self.clock = clock
        self._removed_before: int | None = None
        self._stories = Stories(database, width, story_seconds)
        unite_regions(database)
        with database.write() as connection:
            self.horizon = opinion_retention.horizon(connection)
            if opinion.position(connection, WIDTH) != width:
                trends.recount(connection, width, self.horizon)
                opinion.save_position(connection, WIDTH, width)
            self.watermark: float = opinion.position(connection, WATERMARK) or float("-inf")

    def take(self, source: Source, seconds: float = float("inf")) -> Taken:
        """Read what a source has to give, from its saved position on.

        Args:
            source: The source to read.
            seconds: Read no further batch once so many have passed: a source to which more is always added never ends.

        Raises:
            StorageError: If the database refuses; what was written before stays, and the rest is read the next time.
        """
        with self.database.read() as connection:
            position = opinion.position(connection, source.name)
        total, end = Taken(), time.monotonic() + seconds
        for batch in source.read(position):
            total += self._take_batch(batch, source)
            if time.monotonic() >= end:
                break
        return total

    def replay(self, sources: Sequence[Source] = ()) -> Taken:
        """Try the dead letters again, after what was wrong with them was put right.

        Args:
            sources: Where they came from: their records are read as these read them now, and so have the same keys.
        """
        forms = {source.name[: opinion.LONGEST_SOURCE]: source.form for source in sources}
        with self.database.read() as connection:
            letters = opinion.dead_letters(connection)
        total = Taken()
        for letter in letters:
            if "raw" in letter.record:
                continue  # never was a record
            try:
                document = self._parse(letter.record, letter.source, self.clock(), forms.get(letter.source))
            except WrongDocument:
                total += Taken(dead=1)
                continue
            total += self._write([document], [], letter.source, None, raised=[letter.id])
        return total

    def retain(self) -> int:
        """Remove what is older than it is kept; the numbers of each day stay.

        Returns:
            How many documents were removed.
        """
        if not self.keep_days or self.watermark == float("-inf"):
            return 0
        with self.database.write() as connection:
            self.horizon = opinion_retention.move_horizon(connection, self.watermark - self.keep_days * 86_400)
        removed = 0
        while self._removed_before != self.horizon:
            with self.database.write() as connection:
                part = opinion_retention.remove_before(connection, self.horizon)
                opinion_words.remove(connection, map(words.of_row, part))
            removed += len(part)
            if len(part) < opinion_retention.REMOVED_AT_ONCE:
                self._removed_before = self.horizon
        return removed

    def _parse(self, record: Mapping[str, Any], source: str, now: float, form: Form | None) -> Document:
        document = parse(record, source, now, form)
        if self.horizon is not None and document.published < self.horizon:
            day = time.strftime("%Y-%m-%d", time.gmtime(self.horizon))
            raise WrongDocument(
                Remark(
                    f"The document is older than what is kept: from {day} on.",
                    f"文档早于保留期限：只保留 {day} 起的文档。",
                ),
                Remark("Raise retention.days before it leaves.", "请在文档过期之前调大 retention.days。"),
            )
        return document

    def _take_batch(self, batch: Batch, source: Source) -> Taken:
        dead: list[tuple[str, str, Mapping[str, Any]]] = [
            (letter.place, letter.reason, {"raw": kept(letter.raw[:MOST_CHARACTERS])}) for letter in batch.dead
        ]
        documents: list[Document] = []
        now = self.clock()
        for place, record in batch.records:
            try:
                documents.append(self._parse(record, source.name, now, source.form))
            except WrongDocument as wrong:
                dead.append((place, str(wrong), redacted(record)))
        *pieces, last = [documents[i : i + TOGETHER] for i in range(0, len(documents), TOGETHER)] or [[]]
        total = Taken()
        for piece in pieces:
            total += self._write(piece, [], source.name, None)
        return total + self._write(last, dead, source.name, batch.position)

    def _write(
        self,
        documents: Sequence[Document],
        dead: list[tuple[str, str, Mapping[str, Any]]],
        source: str,
        position: Any,
        raised: Sequence[str] = (),
    ) -> Taken:
        """Understand documents and write all in one transaction."""
        fresh, repeated, changed = self._sift(documents)
        analyses = self.understanding.read(fresh)
        terms = [words.terms(*one) for one in zip(fresh, analyses, strict=True)]
        dead = [*dead, *changed]
        latest = max([self.watermark, *(one.published - self.lateness for one in fresh)])
        self._stories.prepare()
        try:
            with self.database.write() as connection:
                counts = self._add(connection, fresh, analyses, terms)
                opinion.bury(connection, source, dead)
                opinion.raise_dead(connection, raised)
                if position is not None:
                    opinion.save_position(connection, source, position)
                if latest > self.watermark:
                    opinion.save_position(connection, WATERMARK, latest)
        except BaseException:
            self._stories.forget()
            raise
        late = sum(one.published < self.watermark for one in counts)
        self.watermark = latest
        return Taken(len(counts), repeated + len(fresh) - len(counts), len(dead), late)

    def _add(
        self,
        connection: Connection,
        documents: Sequence[Document],
        analyses: Sequence[Analysis],
        terms: Sequence[Sequence[str]],
    ) -> list[Counted]:
        """Write new documents with their stories, words and numbers, and return what was counted."""
        stories = self._stories.place(connection, documents, analyses)
        added = opinion.add(connection, [_row(*one) for one in zip(documents, analyses, stories, strict=True)])
        found = zip(documents, terms, strict=True)
        new = [Indexed(added[one.key], one.published, own) for one, own in found if one.key in added]
        opinion_words.add(connection, new)
        counts = [
            Counted(one.published, one.source, analysis, one.key == story, one.region)
            for one, analysis, story in zip(documents, analyses, stories, strict=True)
            if one.key in added
        ]
        opinion_counts.count(connection, trends.cells(counts, self.width))
        return counts

    def _sift(self, documents: Sequence[Document]) -> tuple[list[Document], int, list[tuple[str, str, dict[str, Any]]]]:
        """Part documents into new ones, a count of repeated ones, and those whose key names another text already."""
        with self.database.read() as connection:
            known = {
                key: content for key, (content, _) in opinion.known(connection, [d.key for d in documents]).items()
            }
        fresh, repeated, changed = [], 0, []
        for document in documents:
            before = known.setdefault(document.key, "")
            if not before:
                known[document.key] = document.content
                fresh.append(document)
            elif before == document.content:
                repeated += 1
            else:
                record = {**asdict(document), "id": f"{document.key}-{document.content[:8]}"}
                changed.append((document.key, "The same id came before with another text; that one stays.", record))
        return fresh, repeated, changed


def redacted(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as it is kept: personal data replaced, also in tables and lists within; NaN becomes a text."""
    return {kept(str(name)): _redacted(value) for name, value in record.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return kept(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number, and PostgreSQL takes none
    if isinstance(value, Mapping):
        return redacted(value)
    return [_redacted(one) for one in value] if isinstance(value, (list, tuple)) else value


def _row(document: Document, analysis: Analysis, story: str) -> dict[str, Any]:
    return {
        **asdict(document), "content": document.content, "story": story, "sentiment": analysis.sentiment,
        "analysis": analysis.to_json(),
    }  # fmt: skip
