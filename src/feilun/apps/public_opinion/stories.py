"""Which story each document belongs to: as the texts of the last while tell it, and as people put it right.

A copy may come before its original, and a chain of edited copies before what links them: the later document shows that
two stories are one. They are merged in the transaction that writes it: all documents of the story that began later
belong to the earlier one, the numbers follow, and which story each belonged to is kept with the corrections. Stories
that an operator parted are never merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.document import Document
from feilun.apps.public_opinion.understanding import Analysis
from feilun.storage import opinion, opinion_counts
from feilun.storage.database import Database
from feilun.text.story_index import StoryIndex


class Stories:
    """The stories of the last while.

    Args:
        database: Holds them.
        width: Seconds of a bucket.
        window_seconds: How long after a story's last document another may join it.
    """

    def __init__(self, database: Database, width: int, window_seconds: float) -> None:
        self.database = database
        self.width = width
        self.window_seconds = window_seconds
        self._index = StoryIndex(window_seconds)
        self._known = False
        self._followed = 0

    def prepare(self) -> None:
        """Take the stories of the last while from the database, where they are not known yet."""
        if not self._known:
            with self.database.read() as connection:
                self._index, self._followed = self._remembered(connection), 0
            self._known = True

    def forget(self) -> None:
        """Forget what was told, as it was not written."""
        self._known = False

    def place(
        self, connection: Connection, documents: Sequence[Document], analyses: Sequence[Analysis]
    ) -> tuple[str, ...]:
        """Return the story of each new document, and merge those that they show to be one.

        Args:
            connection: The transaction that writes them.
            documents: They.
            analyses: What each says.
        """
        self._follow(connection)
        placed = self._index.add(
            [one.key for one in documents], [one.text for one in documents], [one.published for one in documents],
            [_named(analysis) for analysis in analyses],
        )  # fmt: skip
        self._merge(connection, placed.merged)
        return placed.stories

    def _merge(self, connection: Connection, merged: Mapping[str, str]) -> None:
        for story, into in merged.items():
            first = opinion.merge(connection, story, into)
            if first is not None:
                counted = trends.counted(first)
                opinion_counts.count(connection, trends.cells([counted], self.width, sign=-1))
                opinion_counts.count(connection, trends.cells([replace(counted, first=False)], self.width))

    def _follow(self, connection: Connection) -> None:
        """Let the index know what people put right since."""
        rows = [
            row for row in opinion.corrections(connection, self._followed) if row.before["story"] != row.after["story"]
        ]
        self._followed = opinion.last_correction(connection)
        named = [name for row in rows for name in (row.document, row.before["story"], row.after["story"])]
        # what began a story may have left by its age
        now = {key: story for key, (_, story) in opinion.known(connection, list(dict.fromkeys(named))).items()}
        began = opinion.begun(connection, list(dict.fromkeys(now.values())))
        for row in rows:
            story = now[row.document]
            self._index.move(row.document, story, began.get(story, row.time))
            before, after = (change["story"] for change in (row.before, row.after))
            self._index.part(now.get(before, before), now.get(after, after))

    def _remembered(self, connection: Connection) -> StoryIndex:
        index = StoryIndex(self.window_seconds)
        last = opinion.span(connection)[1]
        rows = [] if last is None else list(opinion.documents(connection, since=last - self.window_seconds))
        began = opinion.begun(connection, list({row.story for row in rows}))
        index.remember(
            [row.key for row in rows], ["\n".join(part for part in (row.title, row.body) if part) for row in rows],
            [row.published for row in rows], [_named(Analysis.from_json(row.analysis)) for row in rows],
            [row.story for row in rows], [began.get(row.story, row.published) for row in rows],
        )  # fmt: skip
        return index


def _named(analysis: Analysis) -> frozenset[str]:
    return frozenset(name for name, _ in analysis.entities)
