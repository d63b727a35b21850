"""One or several numbers a row, each in a column of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.data.faulty_rows import NAMED, faulty_row, first_few
from feilun.data.paths import column_of, shown

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
STRATA = 10
"""Parts of equal size by the first number; each has the same share in all sets."""


class Numbers:
    """A target is a tuple of numbers, in the order of the columns."""

    lists: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Read the cells as numbers.

        Raises:
            DataError: If one is none; the rows are named.
        """
        read: list[tuple[float, ...]] = []
        wrong: list[Remark] = []
        for identity, cells in zip(loaded.corpus.id, loaded.corpus.target or (), strict=True):
            try:
                read.append(tuple(number(cell) for cell in ([cells] if isinstance(cells, str) else cells)))
            except ValueError as error:
                wrong.append(faulty_row(identity, error.args[0]))
        if wrong:
            listed = first_few(wrong, f" and {len(wrong) - NAMED:,} more")
            raise DataError(
                Remark(
                    f"{len(wrong):,} targets of {shown(loaded.source)} are no numbers ({listed}).",
                    f"{shown(loaded.source)} 有 {len(wrong):,} 个目标不是数字（{listed.chinese}）。",
                ),
                Remark(
                    "Name columns of finite numbers in data.target, correct the rows, or use "
                    'task = "classify" for labels.',
                    '请在 data.target 中填写由有限数字组成的列，或改正这些行；若是标签，请用 task = "classify"。',
                ),
            )
        loaded.corpus = replace(loaded.corpus, target=read)

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return the columns' names and how their numbers lie.

        Raises:
            DataError: If all rows have the same number.
        """
        values = np.array(loaded.corpus.target, dtype=np.float64)
        notes: list[str] = []
        for name, column in zip(settings.targets, values.T, strict=True):
            if column.min() == column.max():
                place = column_of(name, loaded.source)
                raise DataError(
                    Remark(
                        f"All {len(column):,} rows have the same number {column[0]:g} in {place}: there is nothing to "
                        "learn.",
                        f"{place.chinese}中 {len(column):,} 行都是同一个数字 {column[0]:g}：没有可学的内容。",
                    ),
                    Remark("Name another column in data.target.", "请在 data.target 中填写另一列。"),
                )
            low, middle, high = np.quantile(column, [0, 0.5, 1])
            spread = f"{column.std():.4g}"
            notes.append(
                Remark(
                    f"{name!r} lies between {low:g} and {high:g}, median {middle:g}, standard deviation {spread}.",
                    f"{name!r} 在 {low:g} 与 {high:g} 之间，中位数 {middle:g}，标准差 {spread}。",
                )
            )
        return LabelSet(settings.targets), notes

    def names(self, target: tuple[float, ...]) -> Sequence[str]:
        """Return no labels."""
        return ()

    def strata(self, targets: Sequence[tuple[float, ...]]) -> Sequence[Hashable]:
        """Return the tenth in which each row's first number lies."""
        first = np.array([target[0] for target in targets])
        cuts = np.unique(np.quantile(first, np.arange(1, STRATA) / STRATA))
        strata: list[Hashable] = np.searchsorted(cuts, first, side="right").tolist()
        return strata


def number(cell: Any) -> float:
    """Read a finite number; thousands may be set off by commas.

    Raises:
        ValueError: If the cell holds none; its argument is a remark.
    """
    text = str(cell).strip()
    try:
        value = float(text.replace(",", "") if THOUSANDS.fullmatch(text) else text)
    except ValueError:
        raise ValueError(f"{text[:30]!r}") from None
    if not math.isfinite(value):
        raise ValueError(Remark(f"{text[:30]!r} is not finite", f"{text[:30]!r} 不是有限的数"))
    return value
