"""A source's rows as cleaned columns, every row either kept or dropped for a named reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError, UnknownEncoding
from feilun.core.features import verbalised
from feilun.core.remark import Remark, joined, said_in
from feilun.data.named_columns import check_columns, columns_hint
from feilun.data.paths import shown
from feilun.data.readers.sources import open_source
from feilun.data.readers.tables import texts_of
from feilun.data.settings import DataSettings
from feilun.text.clean import Cleaning
from feilun.text.times import read_time

if TYPE_CHECKING:
    from feilun.data.target_kinds.table import TargetKind

EMPTY_TEXT, NO_LABEL = Remark("empty text", "文本为空"), Remark("no label", "没有标签")
EXAMPLES = 20
"""Ids of dropped rows that are kept by reason; the counts are of all."""


@dataclass
class Loaded:
    """A source's kept rows and what became of the others.

    Args:
        source: Where they came from.
        corpus: The kept rows; an id is the number of the row, the first below the header being 1.
        rows: Rows read.
        dropped: Dropped rows by reason.
        examples: Ids of some of them by reason.
        cleaned: Rows changed, by cleaning step.
        facts: How the source was read.
        gathered_by: Of each row, which text it is a line of, where `data.gather` names a column.
        leaks: Rows whose text or group stands in a later file too, dropped or not.
    """

    source: str
    corpus: Corpus
    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    cleaned: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)
    leaks: Counter[str] = field(default_factory=Counter)
    gathered_by: Sequence[str | None] = ()

    def drop(self, reason: str, kept: NDArray[np.bool_]) -> None:
        """Drop the rows for which `kept`, of shape (rows,), is false, and count them."""
        lost = np.flatnonzero(~kept)
        if len(lost):
            self.dropped[reason] += len(lost)
            self.examples[reason] += [self.corpus.id[i] for i in lost[:EXAMPLES].tolist()]
            self.corpus = take(self.corpus, np.flatnonzero(kept))


class RowNumbers(Sequence[str]):
    """Row numbers as ids, eight bytes each."""

    def __init__(self, numbers: NDArray[np.int64]) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> RowNumbers: ...
    def __getitem__(self, index: int | slice) -> str | RowNumbers:
        if isinstance(index, slice):
            return RowNumbers(self.numbers[index])
        return str(self.numbers[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def take(corpus: Corpus, indices: NDArray[np.int64]) -> Corpus:
    """Return the rows at `indices`, shape (rows,); row numbers stay small."""
    ids = corpus.id
    taken = corpus.select(indices.tolist())
    if not isinstance(ids, RowNumbers):
        return taken
    object.__setattr__(taken, "id", RowNumbers(ids.numbers[indices]))
    return taken


def load(
    source: str, settings: DataSettings, *, key: str, target: TargetKind | None, cleaning: Cleaning | None
) -> Loaded:
    """Read a source's rows.

    Args:
        source: A path or database URL.
        settings: Which columns to read.
        key: The setting that named the source, for messages.
        target: How targets are read; None where rows need none.
        cleaning: The cleaning of texts; None leaves them, and keeps rows of empty text.

    Returns:
        The rows, rows without text or target dropped and counted.

    Raises:
        DataError: If the source cannot be read, lacks a column, has no usable row, or its texts are numbers.
    """
    query = settings.query if "://" in source else None
    try:
        opened = open_source(source, query=query, encoding=settings.encoding)
    except UnknownEncoding as error:
        remedy = Remark(
            "Save it as UTF-8, or name its encoding in data.encoding.",
            "请另存为 UTF-8，或在 data.encoding 中写明编码。",
        )
        raise DataError(error.problem, remedy) from error
    wanted = settings.columns(target=target is not None)
    check_columns(source, opened.columns, wanted)
    reader = _Reader(settings, target is not None, cleaning)
    for frame in opened.frames(list(dict.fromkeys(wanted.values()))):
        reader.read({name: texts_of(frame, name) for name in frame.columns})
    loaded = reader.loaded(source, opened.facts())
    if loaded.rows == 0:
        raise DataError(
            Remark(
                f"{shown(source)} has a header ({', '.join(opened.columns)}) but no rows.",
                f"{shown(source)} 只有表头（{'、'.join(opened.columns)}），没有数据行。",
            ),
            Remark(f"Give a table with rows as {key}.", f"请为 {said_in('zh', key)} 给出有数据行的表格。"),
        )
    if not len(loaded.corpus):
        raise DataError(_none_usable(loaded), columns_hint(wanted))
    if target is not None:
        target.read(loaded, settings)
    return loaded


class _Reader:
    """Gathers columns piece by piece."""

    def __init__(self, settings: DataSettings, target: bool, cleaning: Cleaning | None) -> None:
        self.settings = settings
        self.target = target
        self.cleaning = cleaning
        self.rows = 0
        self.numbers: list[NDArray[np.int64]] = []
        self.columns: dict[str, list[Any]] = defaultdict(list)
        self.dropped: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = defaultdict(list)
        self.cleaned: Counter[str] = Counter()

    def read(self, cells: dict[str, list[str | None]]) -> None:
        """Take in the cells of a piece, by column name."""
        settings = self.settings
        texts = self._clean(self._texts(cells))
        pairs = self._clean(cells[settings.pair]) if settings.pair else None
        targets = _targets(cells, settings.targets) if self.target and settings.targets else None
        kept = []
        for i, text in enumerate(texts):
            if self.cleaning is not None and not settings.features and not text:
                self._drop(EMPTY_TEXT, i)
            elif targets is not None and _blank(targets[i]):
                self._drop(NO_LABEL, i)
            else:
                kept.append(i)
        if len(kept) == len(texts):
            self.numbers.append(np.arange(self.rows + 1, self.rows + 1 + len(texts)))
        else:
            self.numbers.append(np.array(kept, dtype=np.int64) + self.rows + 1)
        self._keep("text", texts, kept)
        if pairs is not None:
            self._keep("pair", pairs, kept)
        if targets is not None:
            self._keep("target", [intern(value) if isinstance(value, str) else value for value in targets], kept)
        for name in ("time", "group"):
            if column := getattr(settings, name):
                self._keep(name, [value or "" for value in cells[column]], kept)
        if targets is not None and settings.gather:
            self._keep("gather", cells[settings.gather], kept)
        for column in settings.further:
            self._keep(f"features.{column}", [intern(value) if value else None for value in cells[column]], kept)
        self.rows += len(texts)

    def loaded(self, source: str, facts: dict[str, Any]) -> Loaded:
        """Return what was gathered."""
        columns = self.columns
        plain = {name: columns[name] for name in ("pair", "target", "time", "group") if name in columns}
        if "time" in plain:
            plain["time"] = [_iso(value) for value in plain["time"]]
        corpus = Corpus(
            id=RowNumbers(np.concatenate([np.empty(0, np.int64), *self.numbers])),
            text=columns["text"],
            features={name: self._cells(name) for name in self.settings.further},
            **plain,
        )
        return Loaded(
            source, corpus, self.rows, self.dropped, self.examples, self.cleaned, facts, gathered_by=columns["gather"]
        )

    def _cells(self, name: str) -> list[Any]:
        """Return a further column, as numbers where it is one of them."""
        cells = self.columns[f"features.{name}"]
        return cells if name in self.settings.raw else _numbers_or_text(cells)

    def _keep(self, name: str, values: Sequence[Any], kept: Sequence[int]) -> None:
        self.columns[name] += values if len(kept) == len(values) else [values[i] for i in kept]

    def _drop(self, reason: str, row: int) -> None:
        self.dropped[reason] += 1
        if len(self.examples[reason]) < EXAMPLES:
            self.examples[reason].append(str(self.rows + row + 1))

    def _texts(self, cells: dict[str, list[str | None]]) -> list[str | None]:
        """Return the cells of the texts; where features are to be written into them, with these."""
        settings = self.settings
        rows = len(next(iter(cells.values())))
        texts: list[str | None] = cells[settings.text] if settings.text else [None for _ in range(rows)]
        if not settings.verbalise:
            return texts
        told = zip(*(cells[name] for name in settings.features), strict=True)
        return [verbalised(settings.features, own, text or "") for own, text in zip(told, texts, strict=True)]

    def _clean(self, texts: Sequence[str | None]) -> list[str]:
        if self.cleaning is None:
            return [text or "" for text in texts]
        result = []
        for text in texts:
            clean, steps = self.cleaning.apply_counted(text or "")
            self.cleaned.update(steps)
            result.append(clean)
        return result


def _targets(cells: dict[str, list[str | None]], columns: Sequence[str]) -> Sequence[str | tuple[Any, ...] | None]:
    """Return the cells of the target column, or of several as tuples."""
    return cells[columns[0]] if len(columns) == 1 else list(zip(*(cells[name] for name in columns), strict=True))


def _blank(target: str | tuple[Any, ...] | None) -> bool:
    return any(not (cell or "").strip() for cell in (target if isinstance(target, tuple) else (target,)))


def _none_usable(loaded: Loaded) -> Remark:
    reasons = joined([Remark(f"{r}: {n}", f"{said_in('zh', r)}：{n}") for r, n in loaded.dropped.items()], ", ", "，")
    return Remark(
        f"None of the {loaded.rows:,} rows of {shown(loaded.source)} can be used ({reasons}).",
        f"{shown(loaded.source)} 的 {loaded.rows:,} 行都不能用（{said_in('zh', reasons)}）。",
    )


def _iso(value: str) -> str:
    moment = read_time(value)
    return "" if moment is None else moment.isoformat()


def _numbers_or_text(values: list[str | None]) -> list[Any]:
    """Return a column as numbers where all its values are, codes such as 007 apart."""
    known = [value for value in values if value is not None]
    if not known or any(len(value) > 1 and value[0] == "0" and value[1] != "." for value in set(known)):
        return values
    try:
        return [None if value is None else float(value) for value in values]
    except ValueError:
        return values
