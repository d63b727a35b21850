"""Spans of each text: a JSON array of tables with `start`, `end` and `label`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.errors import DataError, counted
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark, joined
from feilun.core.spans import Span
from feilun.data.faulty_rows import NAMED, faulty_row, first_few
from feilun.data.paths import shown
from feilun.data.targets import label_set

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

UNITS = (
    (Remark("UTF-8 bytes", "UTF-8 字节"), "utf-8", 1),
    (Remark("UTF-16 units", "UTF-16 单元"), "utf-16-le", 2),
)
"""What places may count beside characters: its name, the encoding, and bytes in each."""

EXAMPLE = Remark(
    'Write [{"start": 0, "end": 2, "label": "name"}]: `start` counts characters (not bytes) from 0, `end` is the one '
    "behind the last; [] where a text has none.",
    '请写成 [{"start": 0, "end": 2, "label": "name"}]：`start` 从 0 起按字符（不是字节）计数，'
    "`end` 是最后一个字符的下一个位置；没有片段的文本写 []。",
)

NAME_SPANS = Remark("Name the column of spans in data.target.", "请在 data.target 中填写片段列。")


class SpanLists:
    """A target is a tuple of spans that do not overlap, in their order."""

    lists: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Read the cells; of spans that overlap the longest is kept, and the others are counted.

        Raises:
            DataError: If a cell is no list of spans, or a span does not lie within its text; the rows are named.
        """
        wrong: list[Remark] = []
        targets: list[tuple[Span, ...]] = []
        overlapping: list[str] = []
        doubtful: list[str] = []
        cells: Sequence[str] = loaded.corpus.target or ()
        for identity, text, cell in zip(loaded.corpus.id, loaded.corpus.text, cells, strict=True):
            try:
                found = read_spans(cell, text)
            except ValueError as error:
                wrong.append(faulty_row(identity, error.args[0]))
                continue
            kept = without_overlaps(found)
            overlapping += [identity] * (len(found) - len(kept))
            doubtful += [identity] * _unsure_of_utf_16(cell, text, found)
            targets.append(kept)
        if wrong:
            listed = first_few(wrong, f"; and {counted(len(wrong) - NAMED, 'row')} more")
            problem = Remark(
                f"{shown(loaded.source)} has spans that cannot be, in {counted(len(wrong), 'row')}: {listed}.",
                f"{shown(loaded.source)} 有 {len(wrong):,} 行的片段不成立：{listed.chinese}。",
            )
            raise DataError(joined([problem, _all_counted(cells, loaded.corpus.text)], "", ""), EXAMPLE)
        notes = []
        if overlapping:
            english, chinese = _rows(overlapping)
            notes.append(
                Remark(
                    f"{counted(len(overlapping), 'span')} overlapping a longer one left out, as a token has one tag: "
                    f"{english}.",
                    f"{len(overlapping):,} 个片段与更长的片段重叠，已略去（一个词元只有一个标记）：{chinese}。",
                )
            )
        if doubtful:
            english, chinese = _rows(doubtful)
            notes.append(
                Remark(
                    f"Behind an emoji or a rare character stand spans that do not repeat their `text` ({english}): "
                    "whether their places count characters cannot be checked. Counted in UTF-16 units, as in Java and "
                    "JavaScript, they are one too high behind each such character.",
                    f"表情符号或生僻字之后有未附 `text` 的片段（{chinese}），无法核对其位置是否按字符计数；"
                    "若按 UTF-16 单元计数（如 Java、JavaScript），每经过一个这样的字符位置就偏大 1。",
                )
            )
        if notes:
            loaded.facts["notes"] = [*loaded.facts.get("notes", []), *notes]
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
                Remark(
                    f"None of the {len(targets):,} rows of {shown(loaded.source)} has a span: there is nothing to "
                    "learn.",
                    f"{shown(loaded.source)} 的 {len(targets):,} 行都没有片段：没有可学的内容。",
                ),
                joined([NAME_SPANS, EXAMPLE], " ", ""),
            )
        having = sum(map(bool, targets))
        found = Remark(
            f"Of {len(targets):,} rows, {having:,} have spans, {counts.total():,} in all.",
            f"{len(targets):,} 行中有 {having:,} 行带片段，共 {counts.total():,} 个。",
        )
        return label_set(counts), [found]

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
        ValueError: If the cell is something else, or a span does not lie within the text; its argument is a remark.
    """
    return sorted({_span(table, text) for table in _tables(cell)})


def _tables(cell: str) -> list[Mapping[str, Any]]:
    try:
        tables = json.loads(cell)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(Remark(f"no JSON: {cell[:40]!r}", f"不是 JSON：{cell[:40]!r}")) from error
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise ValueError(Remark(f"no array of tables: {cell[:40]!r}", f"不是由对象组成的数组：{cell[:40]!r}"))
    return tables


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
        written = json.dumps(table, ensure_ascii=False)[:60]
        raise ValueError(
            Remark(
                f"{written} lacks a whole start or end, or a label",
                f"{written} 缺少整数的 start 或 end，或缺少 label",
            )
        )
    assert isinstance(start, int)  # noqa: S101 - seen above
    assert isinstance(end, int)  # noqa: S101
    said = table.get("text")
    if not 0 <= start < end <= len(text):
        outside = Remark(
            f"{start} to {end} does not lie within the {len(text)} characters of the text",
            f"{start} 至 {end} 不在文本的 {len(text)} 个字符之内",
        )
        raise ValueError(joined([outside, _counted(start, end, said, text)], "", ""))
    if isinstance(said, str) and text[start:end] != said:
        different = Remark(
            f"characters {start} to {end} are {text[start:end]!r}, not {said!r}",
            f"第 {start} 至 {end} 个字符是 {text[start:end]!r}，不是 {said!r}",
        )
        raise ValueError(joined([different, _counted(start, end, said, text)], "", ""))
    return Span(start, end, label.strip())


def _counted(start: int, end: int, said: Any, text: str) -> str:
    """Say how the places were counted, where that makes the span's own text fit."""
    if not isinstance(said, str):
        return ""
    if text[start : end + 1] == said:
        return Remark(
            " (`end` seems to be the last character; it must be the one behind it)",
            "（`end` 似乎写成了最后一个字符，应为它的下一个位置）",
        )
    for name, encoding, unit in UNITS:
        part = text.encode(encoding, "surrogatepass")[start * unit : end * unit]
        if part == said.encode(encoding, "surrogatepass"):
            return Remark(
                f" (they seem to count {name}; count characters)",
                f"（似乎是按{name.chinese}计数的，请按字符计数）",
            )
    return ""


def _all_counted(cells: Sequence[str], texts: Sequence[str]) -> str:
    """Say how the places of a file were counted, where one way fits all its spans: these need no text of their own."""
    try:
        spans = [
            (text, table["start"], table["end"])
            for cell, text in zip(cells, texts, strict=True)
            for table in _tables(cell)
        ]
        for name, encoding, unit in UNITS:
            if all(_fits(text.encode(encoding), start * unit, end * unit, encoding) for text, start, end in spans):
                return Remark(
                    f" Counted in {name}, all {len(spans):,} spans of the file lie within their texts: count "
                    "characters.",
                    f"若按{name.chinese}计数，文件中全部 {len(spans):,} 个片段都在各自的文本之内：请改为按字符计数。",
                )
    except (KeyError, TypeError, ValueError):  # places that are no numbers, or texts that are no Unicode
        return ""
    return ""


def _fits(text: bytes, start: int, end: int, encoding: str) -> bool:
    """Say whether a part of an encoded text lies within it and holds whole characters."""
    try:
        text[start:end].decode(encoding)
    except UnicodeDecodeError:
        return False
    return 0 <= start < end <= len(text)


def _unsure_of_utf_16(cell: str, text: str, spans: Sequence[Span]) -> bool:
    """Say whether a span stands behind a character of two UTF-16 units and does not tell its text."""
    if not spans or text.isascii() or max(text) <= "\uffff":
        return False
    first = next(place for place, character in enumerate(text) if character > "\uffff")
    return any(table["end"] > first and not isinstance(table.get("text"), str) for table in _tables(cell))


def _rows(identities: Sequence[str]) -> tuple[str, str]:
    """Name the first rows of some, in English and in Chinese."""
    different = list(dict.fromkeys(identities))
    listed, others = ", ".join(different[:NAMED]), len(different) > NAMED
    return f"rows {listed}{' and others' if others else ''}", f"第 {listed} 行{'等' if others else ''}"
