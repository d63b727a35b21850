"""The columns that a recipe names, looked for in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data.paths import no_column

TARGET_NAMES = ("label", "target", "class", "category", "sentiment", "intent", "tag", "topic", "rating", "polarity",
                "标签", "类别", "分类", "情感", "意图", "主题")  # fmt: skip
TEXT_NAMES = ("text", "content", "sentence", "review", "comment", "body", "message", "query", "question", "title",
              "文本", "内容", "评论", "正文", "句子", "问题", "标题")  # fmt: skip


def check_columns(source: str, columns: Sequence[str], wanted: Mapping[str, str]) -> None:
    """Refuse a table that lacks a column.

    Args:
        source: The table.
        columns: Its columns.
        wanted: The columns to read, by the key that names each.

    Raises:
        DataError: Naming the key, and the column that was probably meant.
    """
    for key, name in wanted.items():
        if name in columns:
            continue
        free = [column for column in columns if column not in wanted.values()]
        guess = _guess(key, name, free) or "COLUMN"
        key = key.partition(" ")[0]
        raise DataError(
            no_column(source, name, columns),
            Remark(
                f"Set {key} in the recipe, or pass --set {key}={guess}.",
                f"请在配方中设置 {key}，或使用 --set {key}={guess}。",
            ),
        )


def _guess(key: str, name: str, free: Sequence[str]) -> str | None:
    """Return the column that was probably meant."""
    close = get_close_matches(name, free, n=1, cutoff=0.7)
    if close:
        return close[0]
    telling = {"data.target": TARGET_NAMES, "data.text": TEXT_NAMES}.get(key, ())
    named = [column for word in telling for column in free if word in column.lower()]
    if named:
        return named[0]
    return free[0] if len(free) == 1 else None


def columns_hint(wanted: Mapping[str, str]) -> Remark:
    """Say which columns were read by which key."""
    columns = [f"{key} = {name!r}" for key, name in wanted.items()]
    return Remark(f"Check the columns: {', '.join(columns)}.", f"请检查这些列：{'、'.join(columns)}。")
