"""How relevant the second text of a row, a candidate, is to the first, a query: 0 or 1, or grades."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.data.target_kinds.numbers import number
from feilun.data.target_kinds.pair_label import drop_empty_pairs

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

NAMED = 5


class Relevance:
    """A target is a number from 0, where the candidate is not relevant; rows of one query are a group."""

    lists: ClassVar[bool] = True

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Read the cells as numbers; where no column names the query, its text does.

        Raises:
            DataError: If a cell is no number from 0; the rows are named.
        """
        drop_empty_pairs(loaded, settings)
        read: list[float] = []
        wrong: list[str] = []
        for identity, cell in zip(loaded.corpus.id, loaded.corpus.target or (), strict=True):
            try:
                read.append(number(cell))
                if read[-1] < 0:
                    wrong.append(f"row {identity}: {read[-1]:g}")
            except ValueError as error:
                wrong.append(f"row {identity}: {error}")
        if wrong:
            more = f" and {len(wrong) - NAMED:,} more" if len(wrong) > NAMED else ""
            raise DataError(
                f"{len(wrong):,} relevances of {shown(loaded.source)} are no numbers from 0 "
                f"({'; '.join(wrong[:NAMED])}{more}).",
                "Write 0 where a candidate is not relevant, and 1 or a higher grade where it is.",
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
                f"None of the {place} has candidates of different relevance: there is nothing to tell apart.",
                "Give several candidates with each query; name the query's column in data.group.",
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
            f"{len(nameless):,} rows of {shown(loaded.source)} have no query in the column {settings.group!r}: "
            f"row {nameless[0]} is the first.",
            "Fill it in, or leave data.group out where the query's text names it.",
        )
    return groups
