"""Labels looked at before training: too many, too few, too rare, or written in two ways."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feilun.core.errors import DataError, counted, nearest
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark, joined
from feilun.data.loading import Loaded
from feilun.data.paths import column_of, shown
from feilun.data.split import FEWEST_TO_SPLIT, SET_NAMES_ZH
from feilun.text.clean import remove_control

RARE_ROWS = 10
"""Rows below which a label is named in the report."""

NAMED = 5
MOST_DISTINCT_SHARE = 0.5
WHOLE_NUMBER = re.compile(r"^(-?[0-9]+)\.0+$")

ALL_IN_TRAIN = Remark("all in train", "全在训练集中")
CANNOT_BE_LEARNT = Remark("so it cannot be learnt", "因此学不会")
NOT_KNOWN = Remark("so how well it is predicted is not known", "因此预测得如何无从得知")
ADD_OR_MERGE = Remark("add rows of it, or merge it into another label", "请补充该标签的数据，或并入别的标签")
ADD = Remark("add such rows", "请补充这样的数据")
CORRECT_LABELS = Remark(
    "Correct these labels, or add such rows to the training file.",
    "请改正这些标签，或在训练文件中补充这样的行。",
)
NAME_LABELS = Remark(
    "Name the column of labels in data.target; a label needs several rows, 50 and more to be learnt well.",
    "请在 data.target 中填写标签列；每个标签要有若干行，50 行以上才学得好。",
)
REGRESS = Remark('Numbers are predicted by task = "regress".', '预测数字请用 task = "regress"。')
NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d+)*|\.\d+)(?:[eE][-+]?\d+)?%?")


def label_set(targets: Iterable[str]) -> LabelSet:
    """Return the labels in class order: numbers by value, else by code point."""
    names = set(targets)
    numeric = all(re.fullmatch(r"-?\d{1,15}", name) for name in names)
    return LabelSet(tuple(sorted(names, key=lambda name: (int(name), name) if numeric else (0, name))))


def check_labels(loaded: Loaded, column: str) -> None:
    """Refuse targets that are no labels.

    Raises:
        DataError: If there is one label only, or nearly every row has its own.
    """
    counts = Counter(loaded.corpus.target or ())
    rows = len(loaded.corpus)
    place = column_of(column, loaded.source)
    if len(counts) == 1:
        only = next(iter(counts))
        raise DataError(
            Remark(
                f"All {rows:,} rows have the same label {only!r} ({place}): there is nothing to tell apart.",
                f"{place.chinese}中 {rows:,} 行的标签都是 {only!r}：没有可区分的类别。",
            ),
            Remark(
                "Add rows of other labels, or name another column in data.target.",
                "请补充其他标签的行，或在 data.target 中填写另一列。",
            ),
        )
    if len(counts) > max(20, MOST_DISTINCT_SHARE * rows):
        numbers = all(NUMBER.fullmatch(label.strip()) for label in counts)
        raise DataError(
            Remark(
                f"The {place} has {len(counts):,} different {'numbers' if numbers else 'values'} in {rows:,} rows: "
                "these are no labels.",
                f"{place.chinese}在 {rows:,} 行中有 {len(counts):,} 个不同的{'数字' if numbers else '值'}："
                "这些不是标签。",
            ),
            joined([NAME_LABELS, REGRESS] if numbers else [NAME_LABELS], " ", ""),
        )


def check_texts(loaded: Loaded, column: str) -> str | None:
    """Refuse a column of numbers given as the column of texts.

    Returns:
        A remark where a part of the texts are numbers.

    Raises:
        DataError: If all are.
    """
    texts = loaded.corpus.text
    numbers = sum(len(text) <= 40 and bool(NUMBER.fullmatch(text)) for text in texts)
    if numbers == len(texts):
        raise DataError(
            Remark(
                f"The column {column!r} of {shown(loaded.source)} holds numbers, not texts: {texts[0]!r} and the like.",
                f"{shown(loaded.source)} 的 {column!r} 列是数字，不是文本：如 {texts[0]!r}。",
            ),
            Remark("Name the column of texts in data.text.", "请在 data.text 中填写文本列。"),
        )
    if numbers >= 0.2 * len(texts):
        return Remark(
            f"{numbers:,} of {len(texts):,} texts in {column!r} of {shown(loaded.source)} are bare numbers.",
            f"{shown(loaded.source)} 的 {column!r} 列中，{len(texts):,} 条文本里有 {numbers:,} 条只是数字。",
        )
    return None


def check_known(loaded: Loaded, names: Sequence[Sequence[str]], labels: LabelSet, train: str) -> None:
    """Refuse labels of a validation or test file that training does not have.

    Args:
        loaded: The file.
        names: The labels of each of its rows.
        labels: Those of training.
        train: The training file.

    Raises:
        DataError: Naming each with its rows.
    """
    known = set(labels.names)
    rows: dict[str, list[str]] = defaultdict(list)
    for identity, own in zip(loaded.corpus.id, names, strict=True):
        for label in own:
            if label not in known:
                rows[label].append(identity)
    if rows:
        listed = _listed(rows)
        hint = nearest(next(iter(rows)), known) if len(known) <= 20 else ""
        raise DataError(
            Remark(
                f"{shown(loaded.source)} has {counted(len(rows), 'label')} that {shown(train)} does not have: "
                f"{listed}.",
                f"{shown(loaded.source)} 有 {len(rows):,} 个标签是 {shown(train)} 所没有的：{listed.chinese}。",
            ),
            joined([hint, CORRECT_LABELS], " ", ""),
        )


def _listed(rows: Mapping[str, Sequence[str]]) -> Remark:
    """Name the first labels of some, each with its number of rows and the first of them."""
    named = [
        Remark(
            f"{label!r} ({counted(len(ids), 'row')}, the first is row {ids[0]})",
            f"{label!r}（{len(ids):,} 行，首见于第 {ids[0]} 行）",
        )
        for label, ids in list(rows.items())[:NAMED]
    ]
    more = len(rows) - NAMED
    return joined([*named, Remark(f"and {more} more", f"另有 {more} 个")] if more > 0 else named)


def rare_labels(
    counts: Mapping[str, int], by_set: Mapping[str, Mapping[str, int]], splitting: bool
) -> list[dict[str, Any]]:
    """Name the labels with too few rows and what to do about each.

    Args:
        counts: Rows of each label before the split.
        by_set: Rows of each label by set.
        splitting: Whether sets were split off, so that few rows explain why a set has none.

    Returns:
        `{label, rows, advice}` for each, fewest rows first.
    """
    found = []
    for label, rows in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        without = [name for name, labels in by_set.items() if not labels.get(label)]
        if rows >= RARE_ROWS and not without:
            continue
        all_in_train = splitting and rows < FEWEST_TO_SPLIT and by_set["train"].get(label) == rows
        found.append({"label": label, "rows": rows, "advice": _advice(rows, without, all_in_train)})
    return found


def _advice(rows: int, without: Sequence[str], all_in_train: bool) -> Remark:
    """Say of a rare label in which sets it is missing, what follows, and what to do."""
    missing = "、".join(SET_NAMES_ZH[name] for name in without)
    where = (
        Remark(f"none in {' and '.join(without)}", f"{missing}集中没有")
        if without
        else Remark("in every set", "各集都有")
    )
    clauses = [ALL_IN_TRAIN] * all_in_train + [where]
    if without:
        clauses.append(CANNOT_BE_LEARNT if "train" in without else NOT_KNOWN)
    what = ADD_OR_MERGE if rows < RARE_ROWS else ADD
    return joined([joined(clauses, ", ", "，"), what], ": ", "：")


def similar_labels(counts: Mapping[str, int]) -> list[dict[str, int]]:
    """Find labels that look alike: but for blanks, case, full-width forms, unseen characters or the `.0` of a number.

    They are probably one label; none is merged.

    Returns:
        Rows by label for each set of look-alikes.
    """
    alike: dict[str, dict[str, int]] = defaultdict(dict)
    for label, rows in counts.items():
        form = "".join(unicodedata.normalize("NFKC", remove_control(label)).casefold().split())
        alike[WHOLE_NUMBER.sub(r"\1", form)][label] = rows
    return [labels for labels in alike.values() if len(labels) > 1]


def padded_labels(counts: Mapping[str, int]) -> Sequence[str]:
    """Return the labels with blanks around them."""
    return [label for label in counts if label != label.strip()]
