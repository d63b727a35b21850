"""What an interaction says of a user's interest: expressions such as `click`, `read >= 30`, `rating >= 4 or buy`.

A grammar of five rules, read by hand; nothing of it is ever evaluated as code.

    expression := term ("or" term)*        term := factor ("and" factor)*
    factor := "(" expression ")" | type [("<" | "<=" | ">" | ">=" | "==" | "!=") number]
    type := word | "'" anything but a quotation mark "'"
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import UsageError
from feilun.core.remark import Remark, said_in
from feilun.core.settings import setting

TOKEN = re.compile(r"\s*(?:(-?\d+(?:\.\d+)?)|([<>]=?|==|!=)|([()])|([^\W\d][\w-]*)|'([^'\x00-\x1f]+)')")
KINDS = ("number", "comparison", "parenthesis", "word", "quoted")
COMPARISONS: dict[str, Callable[..., NDArray[np.bool_]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

Texts = NDArray[np.object_]
Values = NDArray[np.float64]
Test = Callable[[Texts, Values], NDArray[np.bool_]]


@dataclass(frozen=True)
class Signal:
    """An expression that can be asked of interactions.

    Args:
        text: As it was written.
        test: From types and values, each of shape (rows,), to whether it holds, shape (rows,).
        type: The first type that it names.
    """

    text: str
    test: Test
    type: str


@lru_cache(maxsize=1024)
def parse(text: str) -> Signal:
    """Read an expression.

    Args:
        text: Such as `read >= 30`.

    Returns:
        The signal.

    Raises:
        UsageError: Naming the column at which it cannot be read.
    """
    reader = _Reader(text)
    test = reader.read()
    return Signal(text, test, next(value for kind, value, _ in reader.tokens if kind in {"word", "quoted"}))


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens = list(self._tokens())

    def read(self) -> Test:
        found = self._expression()
        if self.at < len(self.tokens):
            raise self._wrong(Remark("nothing more", "不再有内容"))
        return found

    def _tokens(self) -> list[tuple[str, str, int]]:
        found, place = [], 0
        while place < len(self.text.rstrip()):
            token = TOKEN.match(self.text, place)
            if token is None:
                raise _unreadable(
                    self.text,
                    place + 1,
                    Remark("a type, a comparison, a number or a parenthesis", "类型、比较符、数或括号"),
                )
            kind = KINDS[(token.lastindex or 1) - 1]
            found.append((kind, token[token.lastindex or 0], token.start(token.lastindex or 0) + 1))
            place = token.end()
        return found

    def _expression(self) -> Test:
        return self._joined("or", self._term, np.logical_or)

    def _term(self) -> Test:
        return self._joined("and", self._factor, np.logical_and)

    def _joined(self, word: str, part: Callable[[], Test], join: Callable[..., NDArray[np.bool_]]) -> Test:
        found = part()
        while self._take("word", word):
            found = _both(found, part(), join)
        return found

    def _factor(self) -> Test:
        if self._take("parenthesis", "("):
            inner = self._expression()
            if not self._take("parenthesis", ")"):
                raise self._wrong(Remark("a closing parenthesis", "右括号"))
            return inner
        if self.at < len(self.tokens) and self.tokens[self.at][:2] in {("word", "and"), ("word", "or")}:
            raise self._wrong(Remark("a type of interaction", "行为类型"))
        name = self._take("word") or self._take("quoted")
        if name is None:
            raise self._wrong(Remark("a type of interaction", "行为类型"))
        comparison = self._take("comparison")
        if comparison is None:
            return lambda types, _: types == name
        number = self._take("number")
        if number is None:
            raise self._wrong(Remark("a number", "数"))
        compare, bound = COMPARISONS[comparison], float(number)
        return lambda types, values: (types == name) & compare(values, bound)

    def _take(self, kind: str, value: str | None = None) -> str | None:
        if self.at < len(self.tokens):
            found = self.tokens[self.at]
            if found[0] == kind and value in {None, found[1]}:
                self.at += 1
                return found[1]
        return None

    def _wrong(self, wanted: Remark) -> UsageError:
        column = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text) + 1
        return _unreadable(self.text, column, wanted)


def _both(first: Test, second: Test, join: Callable[..., NDArray[np.bool_]]) -> Test:
    return lambda types, values: join(first(types, values), second(types, values))


def _unreadable(text: str, column: int, wanted: Remark) -> UsageError:
    return UsageError(
        Remark(
            f"The expression {text!r} cannot be read at column {column}: {wanted} is expected there.",
            f"表达式 {text!r} 在第 {column} 列无法读取：此处应为{wanted.chinese}。",
        ),
        Remark("Such as: click, read >= 30, rating >= 4 or buy.", "例如：click、read >= 30、rating >= 4 或 buy。"),
    )


@dataclass(frozen=True)
class SignalSettings:
    """The table `[signals]`."""

    positive: dict[str, float] = setting(
        {"click": 1.0, "read >= 30": 2.0, "share": 3.0, "buy": 4.0, "rating >= 4": 2.0},
        "what speaks for interest, as expressions with their weights",
    )
    negative: tuple[str, ...] = setting(("dislike", "rating <= 2"), "what speaks against an item, as expressions")
    half_life_days: float = setting(90.0, "after so many days an interaction counts half", above=0)
    repeat_seconds: float = setting(2.0, "the same again within so many seconds counts once", minimum=0)
    bot_events_a_minute: int = setting(120, "users with more events in a minute are taken for programs", minimum=1)

    def contradictions(self) -> list[Remark]:
        """Say which expressions cannot be read."""
        found = []
        if not self.positive:
            said = "signals.positive is empty: nothing could speak for interest."
            found.append(Remark(said, "signals.positive 为空：没有任何行为能表示感兴趣。"))
        for text in (*self.positive, *self.negative):
            try:
                parse(text)
            except UsageError as error:
                found.append(Remark(f"signals: {error}", f"signals：{said_in('zh', error.message)}"))
        found += [
            Remark(
                f"signals.positive: the weight of {text!r} must be above 0.",
                f"signals.positive：{text!r} 的权重必须大于 0。",
            )
            for text, w in self.positive.items()
            if w <= 0
        ]
        return found
