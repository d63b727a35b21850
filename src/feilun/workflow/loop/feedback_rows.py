"""Rows of a recipe, and rows whose right answers people told, as one table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from feilun.core.answers.table import ANSWERS, AnswerKind
from feilun.core.corpus import Corpus
from feilun.core.features import FeatureColumns
from feilun.core.observation import Observation, asked_about, row_key
from feilun.core.row_columns import RowColumns
from feilun.data.leaks import told_apart
from feilun.data.settings import DataSettings
from feilun.data.target_kinds.table import TARGET_KINDS, TargetKind
from feilun.monitoring.redaction import holds_placeholder
from feilun.monitoring.reviewed import Reason, Row

LABEL = "label of the pair"
"""Column of the labels where a recipe has none, as every pair of its rows says the same."""


@dataclass(frozen=True)
class FeedbackRows:
    """How rows stand in the table of the next training.

    Args:
        data: The recipe's table `[data]`.
        task: What its model does.
    """

    data: DataSettings
    task: str

    @property
    def answers(self) -> AnswerKind:
        """Return what right answers are."""
        return ANSWERS[self.task]

    @property
    def kind(self) -> TargetKind:
        """Return what stands in the target column."""
        return TARGET_KINDS[self.task]

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the columns of targets."""
        return self.data.targets or (LABEL,)

    @property
    def files(self) -> DataSettings:
        """Return the settings that read what is written; the files are still to be named."""
        data = self.data
        return replace(data, query=None, encoding="auto", gather=None, most_rows=None, target=data.target or LABEL)

    def unfit(self, one: Observation, target: Any, labels: Collection[str]) -> Reason | None:
        """Say why an observation is no row to learn from; None where it is one.

        Args:
            one: It; a text may have come without the columns that are written into it, or within a conversation.
            target: Its right answer.
            labels: What of it the model may have learned.
        """
        if one.turns > 1:
            return "conversation"
        if self.data.verbalise and not one.features:
            return "without_columns"
        if self.answers.free_text and holds_placeholder(target):
            return "personal_data"
        return None if set(labels).issuperset(self.kind.names(target)) else "unknown_label"

    def judges(self, row: Row) -> bool:
        """Say whether models can be compared by a row: of a text that a thumb called right others may be as good."""
        return row.named or not self.answers.free_text

    def corpus(self, rows: Sequence[Row]) -> Corpus:
        """Return rows told by people as the model reads them, with their targets."""
        data = self.data
        columns = RowColumns(data.text, data.pair, data.features, data.verbalise)
        return replace(asked_about([row.last for row in rows], columns), target=[row.target for row in rows])

    def keys(self, corpus: Corpus, columns: FeatureColumns | None) -> Iterator[str]:
        """Yield what tells each row apart: equal for rows that must not be both learned from and judged by."""
        apart, names = told_apart(corpus, self.kind), self.data.read_features
        cells = {} if columns is None else columns.plain({name: corpus.features[name] for name in names})
        for i, text in enumerate(apart.text):
            pair = None if apart.pair is None else apart.pair[i]
            yield row_key(text, pair, {name: column[i] for name, column in cells.items()})

    def of_corpus(self, corpus: Corpus) -> list[dict[str, Any]]:
        """Return rows of the recipe as cells by column."""
        data = self.data
        columns = {data.text: corpus.text, data.pair: corpus.pair, data.group: corpus.group, data.time: corpus.time}
        given = {name: column for name, column in columns.items() if name and column is not None}
        given |= corpus.features
        targets = corpus.target or ()
        return [
            {name: column[i] for name, column in given.items()} | self._told(targets[i]) for i in range(len(corpus))
        ]

    def of_told(self, row: Row, groups: Mapping[str, str]) -> dict[str, Any]:
        """Return a row told by a person as cells by column; what no observation has, such as slices, is empty.

        Args:
            row: It.
            groups: The group of each known query: its further candidates are of the same list.
        """
        data, last = self.data, row.last
        time = datetime.fromtimestamp(last.time, UTC).isoformat(timespec="seconds")
        group = groups.get(last.text, last.text) if self.kind.lists else last.id
        filled = {data.text: last.text, data.pair: last.pair, data.group: group, data.time: time}
        known = {**(last.features or {}), **{name: value for name, value in filled.items() if name}}
        return {**dict.fromkeys(data.kept), **known, **self._told(row.target)}

    def _told(self, target: Any) -> dict[str, Any]:
        return dict(zip(self.targets, self.answers.cells(target), strict=True))
