"""What the columns of an unknown table may be used for: its texts, its labels, and what stands beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feilun.core.errors import DataError
from feilun.core.features import CategoryColumn, category_of
from feilun.core.remark import Remark
from feilun.data.feature_checks import check_identity
from feilun.data.features import learn_column
from feilun.data.target_kinds.numbers import number

if TYPE_CHECKING:
    from polars import DataFrame

MOST_LABELS = 300
MOST_NUMBERED_LABELS = 20

TEXT_NAMES = ("text", "content", "sentence", "review", "comment", "body", "message", "query", "question", "title",
              "description", "文本", "内容", "评论", "评价", "正文", "句子", "问题", "标题", "描述")  # fmt: skip
PLAIN_NAMES = ("text", "content", "body", "文本", "内容", "正文")
TARGET_NAMES = ("label", "target", "class", "category", "sentiment", "intent", "tag", "topic", "rating", "polarity",
                "标签", "类别", "分类", "情感", "意图", "主题", "类型", "倾向")  # fmt: skip
ANSWER_NAMES = ("summary", "answer", "response", "reply", "completion", "output", "headline", "title",
                "摘要", "总结", "回答", "答案", "回复", "答复", "标题")  # fmt: skip
"""Words in the names of columns that hold what is to be written for a text."""

LIST_NAMES = ("query", "qid", "list", "session", "request", "user", "group",
              "查询", "会话", "用户", "请求")  # fmt: skip
"""Words in the names of columns that tell which rows are candidates of one query."""

PROTECTED_NAMES = ("sex", "gender", "race", "ethnicity", "ethnic", "nationality", "religion", "foreign", "disability",
                   "性别", "民族", "种族", "国籍", "宗教", "残疾")  # fmt: skip
"""Words in the names of columns by which people must not be told apart in most decisions."""

CODE_NAMES = ("id", "code", "no", "number", "store", "shop", "branch", "zip", "postcode",
              "编号", "编码", "代码", "门店", "网点", "邮编")  # fmt: skip
"""Words in the names of columns whose whole numbers are codes, not amounts."""

DATE = re.compile(r"\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}.*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}.*")

LONGEST_DATE = 40
JSON = re.compile(r"\[.*\]|\{.*\}", re.DOTALL)

MOSTLY_FILLED = 0.5
"""Share of rows with a value from which on a column may hold the texts, or the labels."""

WORDED = re.compile(r"\S\s+\S|[\u3400-\u9fff]{2}")
MOSTLY = 0.3
"""Share of a column's values that are worded, and that differ, from which on it may hold texts."""

SPAN_KEYS = {"start", "end", "label"}
SPANS_LOOKED_AT = 200

MOST_SEEN_ONCE = 0.5
"""Share of a column's values that stand once, above which its categories tell nothing of new rows."""


@dataclass(frozen=True)
class Column:
    """What a sample says of one column.

    Args:
        name: Its name.
        filled: Share of rows with a value.
        distinct: Number of different values.
        length: Mean characters of a value.
        varied: Different values, as a share of all.
        worded: Share of the values that have several words, or Chinese ones.
        numeric: Whether all values are numbers.
        wordless: Whether all values are dates, or lists and tables as JSON.
    """

    name: str
    filled: float
    distinct: int
    length: float
    varied: float = 1.0
    worded: float = 1.0
    numeric: bool = False
    wordless: bool = False


def column_of(frame: DataFrame, name: str) -> Column:
    """Look at one column of a sample."""
    values = [str(value).strip() for value in frame[name].to_list() if value is not None and str(value).strip()]
    count = max(1, len(values))
    return Column(
        name,
        filled=len(values) / max(1, frame.height),
        distinct=len(set(values)),
        length=sum(map(len, values)) / count,
        varied=len(set(values)) / count,
        worded=sum(WORDED.search(value) is not None for value in values) / count,
        numeric=bool(values) and all(map(_is_number, values)),
        wordless=bool(values) and all(_is_date(value) or JSON.fullmatch(value) is not None for value in values),
    )


def guess_text(columns: Sequence[Column]) -> str | None:
    """Return the column that most looks like texts: worded, varied and long; a telling name counts as thrice as long.

    Where a column is plainly called `text` or the like, it is taken.
    """
    found = texts_among(columns)
    return found[0].name if found else None


def texts_among(columns: Sequence[Column], varied: float | None = None) -> list[Column]:
    """Return the columns that may hold texts, the likeliest first.

    Args:
        columns: The columns.
        varied: Share of different values that a text column has at least; as with other tables where none is given.
    """
    least = MOSTLY if varied is None else varied
    candidates = [
        column
        for column in columns
        if column.distinct > 1 and column.length >= 2 and not column.numeric and not column.wordless
        if column.filled >= MOSTLY_FILLED
        if _named(column.name, TEXT_NAMES) or (column.worded >= MOSTLY and column.varied >= least)
    ]
    return sorted(candidates, key=_weight, reverse=True)


def guess_span_column(frame: DataFrame) -> str | None:
    """Return the first column whose cells are lists of spans: tables with `start`, `end` and `label`."""
    return next((name for name in frame.columns if _holds_spans(frame[name].to_list())), None)


def targets_among(columns: Sequence[Column], rows: int) -> list[Column]:
    """Return the columns that may hold labels: few short values that repeat."""
    most = min(MOST_LABELS, max(2, rows // 3))
    return [
        c
        for c in columns
        if 2 <= c.distinct <= most and c.length <= 40 and c.filled >= MOSTLY_FILLED and not c.wordless
    ]


def guess_target(columns: Sequence[Column], rows: int) -> str | None:
    """Return the column that most looks like labels: one with a telling name, or the only one that may hold some."""
    candidates = targets_among(columns, rows)
    named = [column for column in candidates if _named(column.name, TARGET_NAMES)]
    if named:
        return min(named, key=lambda column: TARGET_NAMES.index(matched(column.name, TARGET_NAMES))).name
    return candidates[0].name if len(candidates) == 1 else None


def holds_amounts(cells: Sequence[Any]) -> bool:
    """Return whether a column's cells are numbers, but no numbered labels: some have fractions, or most stand once."""
    known = [cell for cell in cells if cell is not None and str(cell).strip()]
    try:
        numbers = {number(cell) for cell in known}
    except ValueError:
        return False
    return any(value % 1 for value in numbers) or len(numbers) > max(MOST_NUMBERED_LABELS, len(known) // 2)


def guess_features(frame: DataFrame, taken: Sequence[str]) -> tuple[tuple[str, ...], Mapping[str, Remark]]:
    """Return the columns that a model may read beside the text, or instead of it.

    Args:
        frame: A sample of the table.
        taken: Columns of another use.

    Returns:
        The columns, and those that are left out, each with the reason.
    """
    kept: list[str] = []
    left_out: dict[str, Remark] = {}
    for name in frame.columns:
        if name in taken:
            continue
        reason = _unfit(name, frame[name].to_list())
        if reason:
            left_out[name] = reason
        else:
            kept.append(name)
    return tuple(kept), left_out


def guess_codes(columns: Sequence[Column], features: Sequence[str]) -> tuple[str, ...]:
    """Return those of the features whose numbers are codes, by their names: a branch, a postcode."""
    numeric = {column.name for column in columns if column.numeric}
    return tuple(name for name in features if name in numeric and _named(name, CODE_NAMES))


def _unfit(name: str, values: Sequence[Any]) -> Remark | None:
    """Say why a column is not read, or None where it may be."""
    if _named(name, PROTECTED_NAMES):
        return Remark("people must not be told apart by it in most decisions", "多数决策不得据此区分人")
    if any(isinstance(value, list | dict) for value in values):
        return Remark("its cells are lists", "单元格是列表")
    known = [str(value).strip() for value in values if value is not None and str(value).strip()]
    if known and all(map(_is_date, known)):
        return Remark("dates, which later rows do not share", "日期，以后的行不会再有")
    try:
        column = learn_column(name, values, as_codes=_named(name, CODE_NAMES))
        check_identity(column, values, len(values))
    except DataError as error:
        if "is an id" in str(error):
            return Remark("another value in each row", "每行的值都不同")
        return Remark("numbers and text mixed", "数字与文字混杂")
    except ValueError:
        return Remark("infinite numbers", "有无穷大的数")
    if len(set(known)) < 2:
        return Remark("the same in every row", "每行都相同")
    if isinstance(column, CategoryColumn):
        unseen = sum(category_of(value) not in column.categories for value in known)
        if unseen > MOST_SEEN_ONCE * len(known):
            return Remark("values that hardly repeat", "取值几乎不重复")
    return None


def _weight(column: Column) -> float:
    plain = column.name.strip().lower() in PLAIN_NAMES
    return column.length * (100 if plain else 3 if _named(column.name, TEXT_NAMES) else 1)


def _holds_spans(cells: Sequence[Any]) -> bool:
    """Return whether every filled cell is a list, and some hold spans."""
    filled = [cell for cell in cells if cell not in (None, "")]
    try:
        lists = [json.loads(cell) if isinstance(cell, str) else cell for cell in filled[:SPANS_LOOKED_AT]]
    except json.JSONDecodeError:
        return False
    spans = [span for cell in lists if isinstance(cell, list) for span in cell]
    return bool(spans) and all(isinstance(span, dict) and span.keys() >= SPAN_KEYS for span in spans)


def _is_date(value: str) -> bool:
    return len(value) <= LONGEST_DATE and DATE.fullmatch(value) is not None


def _is_number(value: str) -> bool:
    try:
        float(value.replace(",", ""))
    except ValueError:
        return False
    return True


def matched(name: str, telling: Sequence[str]) -> str:
    """Return the first of the telling words that a column's name holds, or nothing."""
    words = {word.removesuffix("s") for word in re.findall(r"[a-z]+", name.lower())}
    return next(
        (word for word in telling if word.removesuffix("s") in words or (not word.isascii() and word in name)), ""
    )


def _named(name: str, telling: Sequence[str]) -> bool:
    return bool(matched(name, telling))
