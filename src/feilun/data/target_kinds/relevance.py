"""How relevant the second text of a row, a candidate, is to the first, a query: 0 or 1, or grades."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.data.faulty_rows import NAMED, faulty_row, first_few
from feilun.data.paths import shown
from feilun.data.target_kinds.numbers import number
from feilun.data.target_kinds.pair_label import drop_empty_pairs

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings


class Relevance:
    """A target is a number from 0, where the candidate is not relevant; rows of one query are a group."""

    lists: ClassVar[bool] = True
    pairs: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Read the cells as numbers; where no column names the query, its text does.

        Raises:
            DataError: If a cell is no number from 0; the rows are named.
        """
        drop_empty_pairs(loaded, settings)
        read: list[float] = []
        wrong: list[Remark] = []
        for identity, cell in zip(loaded.corpus.id, loaded.corpus.target or (), strict=True):
            try:
                read.append(number(cell))
                if read[-1] < 0:
                    wrong.append(faulty_row(identity, f"{read[-1]:g}"))
            except ValueError as error:
                wrong.append(faulty_row(identity, error.args[0]))
        if wrong:
            listed = first_few(wrong, f" and {len(wrong) - NAMED:,} more")
            raise DataError(
                Remark(
                    f"{len(wrong):,} relevances of {shown(loaded.source)} are no numbers from 0 ({listed}).",
                    f"{shown(loaded.source)} 有 {len(wrong):,} 个相关度不是 0 以上的数字（{listed.chinese}）。",
                ),
                Remark(
                    "Write 0 where a candidate is not relevant, and 1 or a higher grade where it is.",
                    "候选不相关时写 0，相关时写 1 或更高的等级。",
                ),
            )
        loaded.corpus = replace(loaded.corpus, target=read, group=_queries(loaded, settings))

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return the column's name, and how the lists of candidates are made up.

        Raises:
            DataError: If no query has both relevant candidates and others.
        """
        lists: dict[str, list[float]] = defaultdict(list)
        for query, relevance in zip(loaded.corpus.group or (), loaded.corpus.target or (), strict=True):
            lists[query].append(relevance)
        place = f"{len(lists):,} queries of {shown(loaded.source)}"
        teaching = sum(min(own) < max(own) for own in lists.values())
        if not teaching:
            raise DataError(
                Remark(
                    f"None of the {place} has candidates of different relevance: there is nothing to tell apart.",
                    f"{shown(loaded.source)} 的 {len(lists):,} 个查询中，没有一个的候选在相关度上有差别："
                    "没有可区分的内容。",
                ),
                Remark(
                    "Give several candidates with each query; name the query's column in data.group.",
                    "请为每个查询给出多个候选，并在 data.group 中填写查询所在的列。",
                ),
            )
        mean = len(loaded.corpus) / len(lists)
        notes: list[str] = [
            Remark(
                f"The {place} have {mean:.1f} candidates on average.",
                f"{shown(loaded.source)} 的 {len(lists):,} 个查询平均各有 {mean:.1f} 个候选。",
            )
        ]
        if teaching < len(lists):
            without = sum(max(own) == 0 for own in lists.values())
            notes.append(
                Remark(
                    f"Of them {len(lists) - teaching:,} teach nothing, as their candidates are all alike "
                    f"({without:,} have no relevant one).",
                    f"其中 {len(lists) - teaching:,} 个的候选全无差别，学不到东西（{without:,} 个没有相关候选）。",
                )
            )
        return LabelSet(settings.targets), notes

    def names(self, target: float) -> Sequence[str]:
        """Return no labels."""
        return ()

    def strata(self, targets: Sequence[float]) -> Sequence[Hashable]:
        """Return the same for all rows: whole queries are drawn."""
        return [0] * len(targets)


def _queries(loaded: Loaded, settings: DataSettings) -> Sequence[str]:
    """Return the query of each row.

    Raises:
        DataError: If a row names none.
    """
    if settings.group is None:
        return loaded.corpus.text
    groups = loaded.corpus.group or ()
    nameless = [identity for identity, group in zip(loaded.corpus.id, groups, strict=True) if not group]
    if nameless:
        raise DataError(
            Remark(
                f"{len(nameless):,} rows of {shown(loaded.source)} have no query in the column {settings.group!r}: "
                f"row {nameless[0]} is the first.",
                f"{shown(loaded.source)} 有 {len(nameless):,} 行在列 {settings.group!r} 中没有查询："
                f"首见于第 {nameless[0]} 行。",
            ),
            Remark(
                "Fill it in, or leave data.group out where the query's text names it.",
                "请填上；若查询的文本就是它的名字，可以不写 data.group。",
            ),
        )
    return groups
