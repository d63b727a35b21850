"""What a recommender is told, in the field's terms: items, interactions with them, and rankings that were shown."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from feilun.core.errors import DataError, UsageError
from feilun.core.remark import Remark
from feilun.text.clean import remove_html
from feilun.text.times import read_time, seconds

LONGEST_ID = 200
LONGEST_TEXT = 20_000
SIGNS = re.compile(r"[\x00-\x1f\ud800-\udfff]")
MILLISECONDS = 1e11
"""From this number on (the year 5138 in seconds) a moment is in milliseconds, as JavaScript tells them."""

SEPARATOR = re.compile(r"[|;；、]")
FLAGS = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "y", "t", "on", "是", "真"), True),
    **dict.fromkeys(("", "0", "0.0", "false", "no", "n", "f", "off", "否", "假"), False),
}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended.

    Args:
        id: Names it.
        title: Its title.
        description: Further text.
        categories: From wide to narrow, or side by side.
        tags: Words given to it.
        creator: Author, brand or shop.
        price: None where unknown.
        image: Path of its picture.
        published: Seconds since 1970; None where unknown.
        hidden: Whether it is withdrawn.
        stock: How many are left; None where nobody counts.
    """

    id: str
    title: str = ""
    description: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    creator: str = ""
    price: float | None = None
    image: str = ""
    published: float | None = None
    hidden: bool = False
    stock: int | None = None

    @property
    def text(self) -> str:
        """Return what a language model reads of it: nothing of any user is in it."""
        parts = (self.title, self.description, " ".join(self.categories), " ".join(self.tags))
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something that a user did with an item.

    Args:
        id: Names the event; the same id counts once.
        user: Who.
        item: With what; it may be unknown still.
        type: What: view, click, read, share, buy, rating, …
        value: How much: seconds read, stars given, items bought.
        time: Seconds since 1970.
        ranking: The ranking that had shown the item, where there was one.
    """

    id: str
    user: str
    item: str
    type: str
    value: float
    time: float
    ranking: str | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """A list that was shown to a user (an impression).

    Args:
        id: Names it.
        user: To whom.
        items: What was shown, the first at the top.
        time: Seconds since 1970.
        version: The model that made it.
        propensities: How likely the policy was to put each item there; empty where it did not draw.
        arm: The arm of an experiment; empty where there is none.
        sides: Of an interleaved list, the side that placed each item, a letter each; else empty.
        context: In which it was asked for, of the declared columns.
    """

    id: str
    user: str
    items: tuple[str, ...]
    time: float
    version: str = ""
    propensities: tuple[float, ...] = ()
    arm: str = ""
    sides: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


def read_item(row: Mapping[str, Any], creator: str = "creator") -> Item:
    """Read an item from a row of a table or a JSON object; HTML is taken out of its texts.

    Args:
        row: Its columns; lists may be lists, or texts parted by `|`, `;` or `、`.
        creator: The column that names the creator.

    Returns:
        The item.

    Raises:
        DataError: Saying what is wrong with which column.
    """
    named = identity(row, "item" if row.get("item") is not None else "id")
    price = _number(row, "price")
    stock = _number(row, "stock")
    return Item(
        id=named,
        title=_words(row, "title"),
        description=_words(row, "description"),
        categories=_list(row, "categories") or _list(row, "category"),
        tags=_list(row, "tags"),
        creator=_words(row, creator),
        price=price if price is None or price >= 0 else None,
        image=_words(row, "image"),
        published=_moment(row, "published"),
        hidden=_flag(row, "hidden"),
        stock=None if stock is None else int(stock),
    )


def read_interaction(row: Mapping[str, Any], now: float) -> Interaction:
    """Read an interaction; without an id it gets one from its content, so that a second import adds nothing.

    Args:
        row: user, item, and where given type (click where absent), value, time, ranking, id. Moments are seconds or
            milliseconds since 1970, ISO 8601, or dates as tables write them.
        now: Stands for the time where there is none, seconds since 1970.

    Returns:
        The interaction.

    Raises:
        DataError: Saying what is wrong with which column.
    """
    user, item = identity(row, "user"), identity(row, "item")
    value, time = _number(row, "value"), _moment(row, "time")
    kind = identity(row, "type") if row.get("type") not in (None, "") else "click"
    ranking = identity(row, "ranking") if row.get("ranking") not in (None, "") else None
    given = row.get("id")
    content = json.dumps([user, item, kind, value, time, ranking], ensure_ascii=False)
    named = identity(row, "id") if given not in (None, "") else hashlib.sha256(content.encode()).hexdigest()[:32]
    return Interaction(named, user, item, kind, 1.0 if value is None else value, now if time is None else time, ranking)


def checked_user(user: str) -> str:
    """Return what a user is called as events call the user, so that both are the same one.

    Raises:
        UsageError: If that is no name.
    """
    try:
        return identity({"user": user}, "user")
    except DataError as error:
        raise UsageError(
            error.message, Remark("Name the user as the events do.", "用户请按事件中的写法填写。")
        ) from error


def identity(row: Mapping[str, Any], column: str) -> str:
    """Return the name that stands in a column.

    Raises:
        DataError: If that is none.
    """
    text = text_of(row.get(column), column).strip()
    if not text or len(text) > LONGEST_ID or SIGNS.search(text):
        raise _must(column, f"1 to {LONGEST_ID} printable characters", f"1 到 {LONGEST_ID} 个可见字符", text)
    return text


def _number(row: Mapping[str, Any], column: str) -> float | None:
    value = row.get(column)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _must(column, "a finite number", "有限的数", str(value))
    return number


def _moment(row: Mapping[str, Any], column: str) -> float | None:
    """Return a moment in seconds since 1970."""
    value = row.get(column)
    if isinstance(value, (str, date)) and (found := read_time(str(value))) is not None:
        return seconds(found.isoformat())
    number = _number(row, column)
    return number / 1000 if number is not None and MILLISECONDS <= number < 1000 * MILLISECONDS else number


def _flag(row: Mapping[str, Any], column: str) -> bool:
    text = text_of(row.get(column), column).strip().lower()
    if text not in FLAGS:
        raise _must(
            column, "true or false, yes or no, 1 or 0, 是 or 否", "true 或 false、yes 或 no、1 或 0、是或否", text
        )
    return FLAGS[text]


def _words(row: Mapping[str, Any], column: str) -> str:
    return _plain(text_of(row.get(column), column))


def _list(row: Mapping[str, Any], column: str) -> tuple[str, ...]:
    value = row.get(column)
    parts = value if isinstance(value, (list, tuple)) else SEPARATOR.split(_words(row, column))
    return tuple(text for part in parts if (text := _plain(text_of(part, column))))


def text_of(value: Any, column: str) -> str:
    """Return a cell as text; a whole number without `.0`, as tables keep numbers beside empty cells.

    Raises:
        DataError: If it holds several values.
    """
    if isinstance(value, (list, tuple, dict)):
        raise DataError(
            Remark(
                f"{column!r} must be text, not {str(value)[:40]}.", f"{column!r} 必须是文本，不能是 {str(value)[:40]}。"
            )
        )
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)


def _must(column: str, valid: str, valid_zh: str, given: str) -> DataError:
    """Return what says that a cell is not as it must be."""
    return DataError(
        Remark(
            f"{column!r} must be {valid}, not {given[:40]!r}.", f"{column!r} 必须是{valid_zh}，不能是 {given[:40]!r}。"
        )
    )


def _plain(text: str) -> str:
    """Return a text without HTML and signs that nobody sees, a line long."""
    return " ".join(SIGNS.sub(" ", remove_html(text)).split())[:LONGEST_TEXT]
