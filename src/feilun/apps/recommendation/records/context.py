"""Context: declared columns of users and of the moments at which they ask, such as their city and their device."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.records.events import SIGNS, identity, text_of
from feilun.core.errors import DataError, UsageError, nearest
from feilun.core.remark import Remark, said_in
from feilun.core.settings import setting

COLUMN = re.compile(r"[^\W\d]\w{0,39}")
LONGEST_VALUE = 100

MOST_VALUES = 50
"""Values of a column that are told apart, the most frequent ones: whoever sends others fills no memory."""

MOST_MOMENTS = 20
"""Latest moments of a user whose context is remembered while it serves."""

Context = Mapping[str, str]


@dataclass(frozen=True)
class ContextSettings:
    """The table `[context]`."""

    columns: tuple[str, ...] = setting(
        (), "columns of the users' table, or sent with a request; logged with each list, features of the final ranking"
    )
    segment: str | None = setting(
        None, "the column whose values part the users, for popular-in-segment and recent-in-segment"
    )

    def contradictions(self) -> list[Remark]:
        """Say which columns cannot be."""
        found = [
            Remark(f"context.columns: {name!r} is no name.", f"context.columns：{name!r} 不能作列名。")
            for name in self.columns
            if not COLUMN.fullmatch(name)
        ]
        if "user" in self.columns:
            said = "context.columns: user names the user, not a context."
            found.append(Remark(said, "context.columns：user 是用户本身，不是上下文。"))
        if self.segment is not None and self.segment not in self.columns:
            none = Remark("There are no columns.", "目前一列也没有。")
            hint = nearest(self.segment, self.columns) if self.columns else none
            found.append(
                Remark(
                    f"context.segment: {self.segment!r} is not one of context.columns. {hint}",
                    f"context.segment：{self.segment!r} 不在 context.columns 之中。{said_in('zh', hint)}",
                )
            )
        return found


@dataclass(frozen=True)
class Situation:
    """When a list is asked for, and in what context.

    Args:
        moment: Seconds since 1970.
        context: Values by column; of unknown ones nothing.
    """

    moment: float
    context: Context = field(default_factory=dict)


def checked(context: Mapping[str, str], columns: Sequence[str]) -> Context:
    """Return the context that comes with a request, once it can be taken.

    Raises:
        UsageError: If a column is not declared, or a value is no short text.
    """
    for name, value in context.items():
        if name not in columns:
            shown = repr(name[:LONGEST_VALUE])
            raise UsageError(
                Remark(f"The context {shown} is not declared.", f"没有声明上下文 {shown}。"), _declared(columns)
            )
        if not isinstance(value, str) or len(value) > LONGEST_VALUE or SIGNS.search(value):
            shown = repr(str(value)[:40])
            raise UsageError(
                Remark(
                    f"The context {name!r} must be at most {LONGEST_VALUE} printable characters, not {shown}.",
                    f"上下文 {name!r} 最多 {LONGEST_VALUE} 个可见字符，不能是 {shown}。",
                ),
                Remark("Leave it out where it is not known.", "不知道时请省略。"),
            )
    return {name: value.strip() for name, value in context.items() if value.strip()}


def _declared(columns: Sequence[str]) -> Remark:
    """Say which columns of context there are."""
    if not columns:
        return Remark("Declare it in context.columns of the file.", "请在应用文件的 context.columns 中声明。")
    return Remark(f"Declared: {', '.join(columns)}.", f"已声明：{'、'.join(columns)}。")


def read_user(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, Context]:
    """Read a user's context from a row of a table.

    Args:
        row: user, and where there are the declared columns.
        columns: Those.

    Raises:
        DataError: Saying what is wrong with which column.
    """
    user = identity(row, "user")
    values = {name: text_of(row.get(name), name).strip() for name in columns}
    try:
        return user, checked(values, columns)
    except UsageError as error:
        raise DataError(error.message) from error


class Contexts:
    """What is known of the users' context: by their table, and by what came with their requests.

    Args:
        columns: That are declared.
        users: Context by user, from their table.
        longest: Latest moments of a user that are remembered; all where absent.
    """

    def __init__(
        self, columns: Sequence[str] = (), users: Mapping[str, Context] | None = None, longest: int | None = None
    ) -> None:
        self.columns = tuple(columns)
        self._users = dict(users or {})
        self._asked: dict[str, list[tuple[float, int, Context]]] = {}
        self._longest = longest
        self._count = 0

    def observe(self, user: str, moment: float, context: Context) -> None:
        """Remember in what context a user asked."""
        if not context or not user:
            return
        self._count += 1
        known = self._asked.setdefault(user, [])
        insort(known, (moment, self._count, context))
        if self._longest is not None and len(known) > self._longest:
            del known[0]

    def at(self, user: str, moment: float) -> Context:
        """Return the context of a user at a moment: as asked in last, and what the users' table says beside it."""
        table, asked = self._users.get(user, {}), self._asked.get(user)
        if not asked:
            return table
        place = bisect_right(asked, (moment, self._count + 1))
        return {**table, **asked[place - 1][2]} if place else table

    def known(self, user: str, moment: float, asked: Context) -> Context:
        """Return the context in which a user asks, with what the users' table says, and remember what came with it."""
        self.observe(user, moment, asked)
        return {**self._users.get(user, {}), **asked}

    def forget(self, user: str) -> None:
        """Drop what is known of a user."""
        self._users.pop(user, None)
        self._asked.pop(user, None)


@dataclass(frozen=True)
class ContextColumns:
    """The context of each interaction, as numbers.

    Args:
        names: Of the columns.
        values: Of each column, its values by number.
        codes: Number of the value, -1 where it is not known, shape (rows, columns).
        segment: The column that parts the users; empty where none does.
    """

    names: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()
    codes: NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 0), np.int16))
    segment: str = ""

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ContextColumns:
        """Return some rows."""
        return ContextColumns(self.names, self.values, self.codes[rows], self.segment) if self.names else self

    def of(self, row: int) -> Context:
        """Return the context of a row."""
        return {
            name: self.values[column][code]
            for column, name in enumerate(self.names)
            if (code := int(self.codes[row, column])) >= 0
        }

    def segments(self) -> tuple[tuple[str, ...], NDArray[np.int16]]:
        """Return the segments, and that of each row, -1 where it is not known, shape (rows,)."""
        if not self.segment:
            return (), np.zeros(0, np.int16)
        column = self.names.index(self.segment)
        return self.values[column], self.codes[:, column]


NO_CONTEXT = ContextColumns()


def columns_of(
    contexts: Contexts, users: Sequence[str], user: NDArray[np.int64], time: NDArray[np.float64], segment: str | None
) -> ContextColumns:
    """Lay out the context of interactions.

    Args:
        contexts: What is known of it.
        users: User ids by number.
        user: Number of each row's user, shape (rows,).
        time: Seconds since 1970, shape (rows,).
        segment: The column that parts the users, if one does.
    """
    names = contexts.columns
    if not names:
        return NO_CONTEXT
    found = [contexts.at(users[number], moment) for number, moment in zip(user.tolist(), time.tolist(), strict=True)]
    values, codes = [], np.full((len(found), len(names)), -1, np.int16)
    for column, name in enumerate(names):
        said = [one.get(name, "") for one in found]
        kept = _most_frequent(said)
        number = {value: i for i, value in enumerate(kept)}
        codes[:, column] = [number.get(value, -1) for value in said]
        values.append(kept)
    return ContextColumns(names, tuple(values), codes, segment or "")


def _most_frequent(said: Sequence[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for value in said:
        if value:
            counts[value] = counts.get(value, 0) + 1
    return tuple(sorted(counts, key=lambda value: (-counts[value], value))[:MOST_VALUES])
