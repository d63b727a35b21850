"""The table that `feilun insight` looks at: its texts cleaned, personal data replaced, and the columns beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError, UsageError, nearest
from feilun.core.remark import Remark
from feilun.data.loading import load
from feilun.data.paths import shown
from feilun.data.readers.sources import column_names
from feilun.data.settings import DataSettings
from feilun.evaluation.associations import FEWEST_ROWS
from feilun.monitoring.redaction import KEPT
from feilun.text.times import seconds

MOST_GROUPS = 12
"""Values of a column that are compared, the most frequent ones."""


@dataclass(frozen=True)
class TextTable:
    """Texts and what stands beside them.

    Args:
        source: Where they came from.
        rows: Rows read; those without text are dropped.
        corpus: The rows with text; cleaned, personal data replaced.
        times: When each row happened, seconds since 1970, NaN where that cannot be read, shape (rows,); None without
            a time column.
        remarks: What was left out, as sentences.
    """

    source: str
    rows: int
    corpus: Corpus
    times: NDArray[np.float64] | None
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class SideColumn:
    """A column to compare texts by.

    Args:
        name: Its name.
        values: Its cells; numbers, or names of groups.
        groups: The groups that are compared, the most frequent first; empty where it holds numbers.
    """

    name: str
    values: Sequence[Any]
    groups: tuple[str, ...]


def read_text_table(source: str, text: str, time: str | None, by: Sequence[str], query: str | None = None) -> TextTable:
    """Read a table of texts.

    Args:
        source: A file, or the URL of a database.
        text: Its column of texts.
        time: Its column of times.
        by: Columns to compare texts by.
        query: The SQL query of a database.

    Raises:
        UsageError: If it lacks a column.
        DataError: If it cannot be read, no row has a text, or no time can be read.
    """
    _check_columns(source, {"--text": [text], "--time": [time] if time else [], "--by": list(by)}, query)
    settings = DataSettings(train=source, query=query, text=text, time=time, features=tuple(by))
    loaded = load(source, settings, key="FILE", target=None, cleaning=KEPT)
    times = None
    remarks = [
        Remark(f"{count:,} of {loaded.rows:,} rows have no text.", f"{loaded.rows:,} 行中有 {count:,} 行没有文本。")
        for count in loaded.dropped.values()
    ]
    if loaded.corpus.time is not None and time is not None:
        times = np.array([seconds(one) if one else np.nan for one in loaded.corpus.time])
        unread = int(np.isnan(times).sum())
        if unread == len(times):
            raise DataError(
                Remark(
                    f"No time of the column {time!r} of {shown(source)} can be read.",
                    f"{shown(source)} 的列 {time!r} 里，没有一个时间能识别。",
                ),
                Remark(
                    "Valid: 2026-11-27, 2026-11-27T10:05, 2026/11/27 10:05, 2026年11月27日, or seconds since 1970.",
                    "可用：2026-11-27、2026-11-27T10:05、2026/11/27 10:05、2026年11月27日，或自 1970 年起的秒数。",
                ),
            )
        if unread:
            remarks.append(
                Remark(
                    f"The time of {unread:,} rows cannot be read: they count everywhere but in trends.",
                    f"有 {unread:,} 行的时间无法识别：除趋势外，其他各处都计入。",
                )
            )
    return TextTable(shown(source), loaded.rows, loaded.corpus, times, tuple(remarks))


def side_column(name: str, cells: Sequence[Any]) -> SideColumn | str:
    """Return a column as numbers or groups, or a sentence that says why it tells nothing.

    Args:
        name: Its name.
        cells: Its cells, None where empty.
    """
    known = [cell for cell in cells if cell is not None]
    distinct = set(known)
    if len(distinct) < 2:
        return Remark(
            f"The column {name!r} holds {len(distinct)} different values: there is nothing to compare.",
            f"列 {name!r} 只有 {len(distinct)} 种不同的值：没有可比较的。",
        )
    if all(isinstance(cell, float) for cell in known):
        return SideColumn(name, cells, ())
    # names may be personal, too
    named = [None if cell is None else KEPT.apply(str(cell)) for cell in cells]
    counts = Counter(value for value in named if value is not None)
    large = (group for group in counts if counts[group] >= FEWEST_ROWS)
    groups = sorted(large, key=lambda group: (-counts[group], group))
    if not groups:
        return Remark(
            f"No value of the column {name!r} has {FEWEST_ROWS} rows: there is nothing to compare.",
            f"列 {name!r} 没有一个值达到 {FEWEST_ROWS} 行：没有可比较的。",
        )
    return SideColumn(name, named, tuple(groups[:MOST_GROUPS]))


def _check_columns(source: str, wanted: Mapping[str, Sequence[str]], query: str | None) -> None:
    columns = column_names(source, query=query)
    for option, names in wanted.items():
        for name in names:
            if name not in columns:
                raise UsageError(
                    Remark(
                        f"{shown(source)} has no column {name!r}, which {option} names (it has: {', '.join(columns)}).",
                        f"{shown(source)} 没有 {option} 指定的列 {name!r}（现有：{'、'.join(columns)}）。",
                    ),
                    nearest(name, columns),
                )
