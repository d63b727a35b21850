"""Which columns of an unknown table a task reads, and as what: texts, second texts, answers, lists, spans."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.workflow.getting_started.columns import (
    ANSWER_NAMES,
    LIST_NAMES,
    Column,
    guess_span_column,
    guess_target,
    guess_text,
    holds_amounts,
    matched,
    texts_among,
)

if TYPE_CHECKING:
    from polars import DataFrame

PAIRED = ("match", "rank")
"""Tasks that read two texts together."""

TASKS = ("classify", "multilabel", "tag", "match", "rank", "regress", "generate")
"""Tasks for which a recipe can be begun from one table."""

OFTEN_REPEATED = 0.02
"""Share of different values from which on a column may hold the queries of lists, each with its candidates."""


TWIN_ENDINGS = {"1": "2", "a": "b", "一": "二"}
"""How the names of two texts of equal standing end."""

MOST_RELATIONS = 5
"""Different values that say how two texts belong together: same or not, entailed or not, grades of relevance."""


@dataclass(frozen=True)
class Shape:
    """What each column of a table is for.

    Args:
        text: The column of the texts; empty where there is none.
        pair: The column of a second text, where the task reads two.
        target: The column of what is to be predicted, or None where none looks like that.
        group: The column that tells the lists of `rank` apart, where the first text does not.
    """

    text: str = ""
    pair: str | None = None
    target: str | None = None
    group: str | None = None

    @property
    def taken(self) -> tuple[str, ...]:
        """Return the columns that have a use."""
        return tuple(name for name in (self.text, self.pair, self.target, self.group) if name)


def guess_task(frame: DataFrame, columns: Sequence[Column], target: str | None = None) -> str:
    """Return the task that a table is plainly made for.

    Args:
        frame: A sample of the table.
        columns: What the sample says of each column.
        target: The column of what is to be predicted, where the user named it.

    Returns:
        `tag` where a column holds spans, `regress` where the named target holds amounts, `match` where two columns of
        texts are twins by name, else `classify`.
    """
    if guess_span_column(frame):
        return "tag"
    if target is not None and holds_amounts(frame[target].to_list()):
        return "regress"
    return "match" if _twins(columns) else "classify"


def shape_of(
    task: str, frame: DataFrame, columns: Sequence[Column], named: Shape, *, text_is_named: bool, source: str
) -> Shape:
    """Find what each column is for.

    Args:
        task: What the model is to do.
        frame: A sample of the table.
        columns: What the sample says of each column that may be guessed or is named.
        named: The columns whose use the user named.
        text_is_named: Whether the user said which column holds the texts, or that none does.
        source: The table, for messages.

    Returns:
        The use of each column.

    Raises:
        DataError: If the task reads two texts and the table has no second one.
    """
    if task in PAIRED:
        return _two_texts(task, frame, columns, named, source)
    if task == "generate":
        return _text_and_answer(columns, named, source)
    free = [column for column in columns if column.name not in named.taken]
    text = named.text if text_is_named else guess_text(free) or ""
    if task == "tag":
        return Shape(text, target=named.target or guess_span_column(frame))
    rest = [column for column in columns if column.name != text]
    return Shape(text, target=named.target or guess_target(rest, frame.height))


def _two_texts(task: str, frame: DataFrame, columns: Sequence[Column], named: Shape, source: str) -> Shape:
    """Find the two texts, the first of the table being read first, and how they are known to belong together."""
    varied = OFTEN_REPEATED if task == "rank" else None
    twins = None if named.text or named.pair else _twins(columns)
    text, pair = twins or _two_of(columns, named, named.pair, varied, source, "--pair")
    rest = [column for column in columns if column.name not in {text, pair}]
    few = [column for column in rest if column.distinct <= MOST_RELATIONS]
    target = named.target or guess_target(few, frame.height)
    lists = [column for column in rest if column.name != target and _tells_lists(column)]
    group = lists[0].name if task == "rank" and lists else None
    return Shape(text, pair, target, group)


def _text_and_answer(columns: Sequence[Column], named: Shape, source: str) -> Shape:
    """Find the text and what is to be written for it: by a telling name, else the shorter of two texts."""
    by_name = sorted(
        (column for column in texts_among(columns) if matched(column.name, ANSWER_NAMES) and column.name != named.text),
        key=lambda column: ANSWER_NAMES.index(matched(column.name, ANSWER_NAMES)),
    )
    target = named.target or (by_name[0].name if by_name else None)
    text, answer = _two_of(columns, named, target, None, source, "--target")
    if target is None and not named.text:
        lengths = {column.name: column.length for column in columns}
        text, answer = sorted((text, answer), key=lambda name: -lengths[name])
    return Shape(text, target=answer)


def _two_of(
    columns: Sequence[Column], named: Shape, second: str | None, varied: float | None, source: str, option: str
) -> tuple[str, str]:
    """Return the names of two columns of texts, in the table's order where neither is named.

    Raises:
        DataError: If there are no two.
    """
    taken: Collection[str] = (*named.taken, *([second] if second else []))
    candidates = texts_among([column for column in columns if column.name not in taken], varied)
    wanted = 2 - bool(named.text) - bool(second)
    if len(candidates) < wanted:
        raise DataError(
            Remark(
                f"{shown(source)} has no two columns of texts: {', '.join(column.name for column in columns)}.",
                f"{shown(source)} 里没有两列文本：{'、'.join(column.name for column in columns)}。",
            ),
            Remark(
                f"Name the first with --text and the second with {option}.",
                f"请用 --text 指明第一列，用 {option} 指明第二列。",
            ),
        )
    chosen = [column.name for column in columns if column in candidates[:wanted]]
    first = named.text or chosen.pop(0)
    return first, second or chosen.pop(0)


def _tells_lists(column: Column) -> bool:
    """Return whether a column names the list that each row belongs to: `query_id`, of values that repeat."""
    return bool(matched(column.name, LIST_NAMES)) and column.varied < 1


def _twins(columns: Sequence[Column]) -> tuple[str, str] | None:
    """Return two columns of texts that are twins by name, as `sentence1` and `sentence2`, `text_a` and `text_b`."""
    texts = {column.name.lower(): column.name for column in texts_among(columns)}
    for name, own in texts.items():
        stem, ending = name[:-1], name[-1:]
        twin = texts.get(stem + TWIN_ENDINGS[ending]) if stem and ending in TWIN_ENDINGS else None
        if twin is not None:
            return own, twin
    return None
