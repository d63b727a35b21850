"""Spans of each text: a JSON array of tables with `start`, `end` and `label`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.core.spans import Span
from feilun.data.paths import shown
from feilun.data.targets import label_set

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

NAMED = 5
EXAMPLE = (
    'Write [{"start": 0, "end": 2, "label": "name"}]: `start` counts characters (not bytes) from 0, `end` is the one '
    "behind the last; [] where a text has none."
)


class SpanLists:
    """A target is a tuple of spans that do not overlap, in their order."""

    lists: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Read the cells; of spans that overlap the longest is kept, and the others are counted.

        Raises:
            DataError: If a cell is no list of spans, or a span does not lie within its text; the rows are named.
        """
        wrong: list[str] = []
        targets: list[tuple[Span, ...]] = []
        overlapping: list[str] = []
        rows = zip(loaded.corpus.id, loaded.corpus.text, loaded.corpus.target or (), strict=True)
        for identity, text, cell in rows:
            try:
                found = read_spans(cell, text)
            except ValueError as error:
                wrong.append(f"row {identity}: {error}")
                continue
            kept = without_overlaps(found)
            overlapping += [identity] * (len(found) - len(kept))
            targets.append(kept)
        if wrong:
            more = f"; and {len(wrong) - NAMED:,} rows more" if len(wrong) > NAMED else ""
            raise DataError(
                f"{len(wrong):,} rows of {shown(loaded.source)} have spans that cannot be: "
                f"{'; '.join(wrong[:NAMED])}{more}.",
                EXAMPLE,
            )
        if overlapping:
            listed, others = ", ".join(dict.fromkeys(overlapping[:NAMED])), len(overlapping) > NAMED
            note = Remark(
                f"{len(overlapping):,} spans overlap a longer one and are left out, as a token has one tag: rows "
                f"{listed}{' and others' if others else ''}.",
                f"{len(overlapping):,} 个片段与更长的片段重叠，已略去（一个词元只有一个标记）："
                f"第 {listed} 行{'等' if others else ''}。",
            )
            loaded.facts["notes"] = [*loaded.facts.get("notes", []), note]
        loaded.corpus = replace(loaded.corpus, target=targets)

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return the different labels, and how many rows have spans.

        Raises:
            DataError: If no row has a span.
        """
        targets: Sequence[tuple[Span, ...]] = loaded.corpus.target or ()
        counts = Counter(span.label for target in targets for span in target)
        if not counts:
            raise DataError(
                f"None of the {len(targets):,} rows of {shown(loaded.source)} has a span: there is nothing to learn.",
                f"Name the column of spans in data.target. {EXAMPLE}",
            )
        having = sum(map(bool, targets))
        return label_set(counts), [f"Of {len(targets):,} rows, {having:,} have spans, {counts.total():,} in all."]

    def names(self, target: tuple[Span, ...]) -> Sequence[str]:
        """Return the label of each span."""
        return [span.label for span in target]

    def strata(self, targets: Sequence[tuple[Span, ...]]) -> Sequence[Hashable]:
        """Return each row's rarest label, so that rare labels reach every set."""
        counts = Counter(span.label for target in targets for span in target)
        return [
            min((span.label for span in target), key=lambda name: (counts[name], name), default="")
            for target in targets
        ]


def read_spans(cell: str, text: str) -> list[Span]:
    """Read the spans of a text.

    Args:
        cell: A JSON array of tables; where a table has `text`, it is compared with the characters.
        text: The text.

    Returns:
        The spans, by where they start.

    Raises:
        ValueError: If the cell is something else, or a span does not lie within the text.
    """
    try:
        tables = json.loads(cell)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {cell[:40]!r}") from error
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise ValueError(f"no array of tables: {cell[:40]!r}")
    return sorted({_span(table, text) for table in tables})


def without_overlaps(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return spans of which none overlaps another, longer ones (of equal ones the earlier) first chosen."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start - one.end, one)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return tuple(sorted(kept))


def _span(table: Mapping[str, Any], text: str) -> Span:
    start, end, label = table.get("start"), table.get("end"), table.get("label")
    whole = all(isinstance(place, int) and not isinstance(place, bool) for place in (start, end))
    if not whole or not isinstance(label, str) or not label.strip():
        raise ValueError(f"{json.dumps(table, ensure_ascii=False)[:60]} lacks a whole start or end, or a label")
    assert isinstance(start, int)  # noqa: S101 - seen above
    assert isinstance(end, int)  # noqa: S101
    said = table.get("text")
    if not 0 <= start < end <= len(text):
        raise ValueError(
            f"{start} to {end} does not lie within the {len(text)} characters of the text"
            f"{_counted(start, end, said, text)}"
        )
    if isinstance(said, str) and text[start:end] != said:
        raise ValueError(
            f"characters {start} to {end} are {text[start:end]!r}, not {said!r}{_counted(start, end, said, text)}"
        )
    return Span(start, end, label.strip())


def _counted(start: int, end: int, said: Any, text: str) -> str:
    """Say how the places were counted, where that makes the span's own text fit."""
    if not isinstance(said, str):
        return ""
    if text[start : end + 1] == said:
        return " (`end` seems to be the last character; it must be the one behind it)"
    for encoding, name in (("utf-8", "UTF-8 bytes"), ("utf-16-le", "UTF-16 units")):
        unit = 2 if encoding == "utf-16-le" else 1
        part = text.encode(encoding, "surrogatepass")[start * unit : end * unit]
        if part == said.encode(encoding, "surrogatepass"):
            return f" (they seem to count {name}; count characters)"
    return ""
