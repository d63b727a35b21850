"""Several labels a row: a JSON array, labels with a separator between them, or a line for each label."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark, said_in
from feilun.data.paths import column_of, shown
from feilun.data.targets import label_set

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

SEPARATORS = ("##", "|", ";", "；", "、", "，", ",")
"""What may stand between labels, where the recipe does not say; the first that a twentieth of the cells hold."""

FEWEST_SEPARATED = 0.05
MOST_LABELS = 2000
MOST_DISTINCT_SHARE = 0.5
LIST_EXAMPLE = Remark(
    'Write a list as ["a", "b"], [] where no label applies, or labels with one separator between them.',
    '列表请写成 ["a", "b"]，没有标签时写 []；或在标签之间用同一个分隔符。',
)


class LabelLists:
    """A target is a tuple of different label names, sorted."""

    lists: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Split the cells into labels and, where `data.gather` names a column, join the lines of a text."""
        cells = loaded.corpus.target or ()
        distinct = set(cells)
        separator = settings.separator if settings.separator != "auto" else find_separator(cells)
        loaded.facts["read_with"] = {} if separator is None else {"separator": separator}
        read: dict[str, tuple[str, ...]] = {}
        for cell in distinct:
            try:
                read[cell] = split(cell, separator)
            except ValueError as error:
                row = loaded.corpus.id[list(cells).index(cell)]
                raise DataError(
                    Remark(
                        f"{shown(loaded.source)}, row {row}: the target {cell[:60]!r} is no list of labels ({error}).",
                        f"{shown(loaded.source)} 第 {row} 行：目标 {cell[:60]!r} 不是标签列表"
                        f"（{said_in('zh', error.args[0])}）。",
                    ),
                    LIST_EXAMPLE,
                ) from error
        loaded.corpus = replace(loaded.corpus, target=[read[cell] for cell in cells])
        if settings.gather is not None:
            gather(loaded, settings.gather)

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return the different labels, and how many rows have several or none.

        Raises:
            DataError: If there is no label at all, or nearly every row has its own.
        """
        targets: Sequence[tuple[str, ...]] = loaded.corpus.target or ()
        counts = Counter(name for target in targets for name in target)
        rows, place = len(targets), column_of(settings.targets[0], loaded.source)
        if not counts:
            raise DataError(
                Remark(
                    f"None of the {rows:,} rows has a label ({place}): there is nothing to learn.",
                    f"{place.chinese}中 {rows:,} 行都没有标签：没有可学的内容。",
                ),
                Remark("Name the column of labels in data.target.", "请在 data.target 中填写标签列。"),
            )
        if len(counts) > max(20, min(MOST_LABELS, MOST_DISTINCT_SHARE * rows)):
            read_with = _read_with(loaded)
            raise DataError(
                Remark(
                    f"The {place} has {len(counts):,} different labels in {rows:,} rows, {read_with}: these cannot be "
                    "learnt.",
                    f"{place.chinese}在 {rows:,} 行中有 {len(counts):,} 个不同的标签（{read_with.chinese}）："
                    "无法学会。",
                ),
                Remark(
                    "Set data.separator to what stands between the labels, or keep only labels with 10 rows and more.",
                    "请把 data.separator 设为标签之间的分隔符，或只保留 10 行以上的标签。",
                ),
            )
        several = sum(len(target) > 1 for target in targets)
        without = sum(not target for target in targets)
        notes: list[str] = [
            Remark(
                f"Of {rows:,} rows, {several:,} have several labels and {without:,} none ({place}).",
                f"{rows:,} 行中，{several:,} 行有多个标签，{without:,} 行没有标签（{place.chinese}）。",
            )
        ]
        if not several and not without:
            notes.append(
                Remark(
                    'Every row has just one label: task = "classify" fits such data better.',
                    '每行恰有一个标签：这样的数据更适合 task = "classify"。',
                )
            )
        everywhere = [name for name, count in counts.items() if count == rows]
        if everywhere:
            notes.append(
                Remark(
                    f"Every row has the label {everywhere[0]!r}: there is nothing to tell apart by it.",
                    f"每行都有标签 {everywhere[0]!r}：它区分不出任何东西。",
                )
            )
        return label_set(counts), notes

    def names(self, target: tuple[str, ...]) -> Sequence[str]:
        """Return the labels."""
        return target

    def strata(self, targets: Sequence[tuple[str, ...]]) -> Sequence[Hashable]:
        """Return each row's rarest label, so that rare labels reach every set (after Sechidis et al. 2011)."""
        counts = Counter(name for target in targets for name in target)
        return [min(target, key=lambda name: (counts[name], name), default="") for target in targets]


def find_separator(cells: Sequence[str]) -> str | None:
    """Return what stands between labels: the first separator that enough cells hold, or None."""
    plain = [cell for cell in cells if not cell.lstrip().startswith("[")]
    needed = max(1, FEWEST_SEPARATED * len(plain))
    return next((one for one in SEPARATORS if sum(one in cell for cell in plain) >= needed), None)


def split(cell: str, separator: str | None) -> tuple[str, ...]:
    """Return the different labels of a cell, sorted.

    Args:
        cell: A JSON array of texts or numbers, or labels with a separator between them.
        separator: What stands between labels; None where a cell holds a single one.

    Raises:
        ValueError: If the cell starts as a JSON array and is none, or holds something else than texts and numbers.
    """
    if cell.lstrip().startswith("["):
        return tuple(sorted({_label(value) for value in _array(cell)}))
    parts = [cell] if separator is None else cell.split(separator)
    return tuple(sorted({part.strip() for part in parts if part.strip()}))


def gather(loaded: Loaded, column: str) -> None:
    """Join the rows of equal value in a column to one row that has all their labels."""
    keys = loaded.gathered_by
    firsts: dict[str, int] = {}
    labels: dict[int, set[str]] = {}
    for row, (key, target) in enumerate(zip(keys, loaded.corpus.target or (), strict=True)):
        first = row if key is None else firsts.setdefault(key, row)
        labels.setdefault(first, set()).update(target)
        if loaded.corpus.text[first] != loaded.corpus.text[row]:
            raise DataError(
                Remark(
                    f"{shown(loaded.source)}: rows {loaded.corpus.id[first]} and {loaded.corpus.id[row]} have the same "
                    f"{column!r} ({key}) but different texts.",
                    f"{shown(loaded.source)}：第 {loaded.corpus.id[first]} 行和第 {loaded.corpus.id[row]} 行的 "
                    f"{column!r} "
                    f"相同（{key}），文本却不同。",
                ),
                Remark(
                    "data.gather names the column whose value is the same for all labels of one text.",
                    "data.gather 应是这样的列：同一文本的所有标签在该列的值都相同。",
                ),
            )
    targets = list(loaded.corpus.target or ())
    for first, names in labels.items():
        targets[first] = tuple(sorted(names))
    loaded.corpus = replace(loaded.corpus, target=targets)
    kept = np.zeros(len(targets), dtype=bool)
    kept[list(labels)] = True
    joined = Remark(f"label joined to an earlier row of the same {column}", f"标签并入 {column} 相同的前面某行")
    loaded.drop(joined, kept)


def _read_with(loaded: Loaded) -> Remark:
    separator = loaded.facts["read_with"].get("separator")
    if separator is None:
        return Remark("no separator found", "没有找到分隔符")
    return Remark(f"read with the separator {separator!r}", f"按分隔符 {separator!r} 读取")


def _array(cell: str) -> list[Any]:
    value = json.loads(cell)
    if not isinstance(value, list):
        raise ValueError(Remark("it is no JSON array", "不是 JSON 数组"))
    return value


def _label(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not str(value).strip():
        raise ValueError(Remark(f"{value!r} is no label", f"{value!r} 不是标签"))
    return str(value).strip()
