"""Columns beside the text as the numbers that a model reads; the same code before training and in the service."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import UsageError
from feilun.core.remark import Remark

NOT_KNOWN = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", "?", "\\n"})
"""How tables write that a number is not known, in lower case."""

INFINITE, NO_NUMBER = Remark("is infinite", "是无穷大"), Remark("is no number", "不是数字")

THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
WHOLE = re.compile(r"(-?\d+)\.0+")
FARTHEST = 3.0
"""Scaled numbers approach this bound smoothly, so that an outlier is far away, but not a thousand times as far."""

SQUARABLE = 1e100
"""Scaled numbers beyond are taken for this one: their squares would be infinite."""


def number_of(value: Any) -> float | None:
    """Return a cell as a number; None where it is not known.

    Raises:
        ValueError: If it is text, true or false, or infinite.
    """
    if isinstance(value, bool):
        raise ValueError("true or false")
    if value is None or (isinstance(value, str) and value.strip().lower() in NOT_KNOWN):
        return None
    if isinstance(value, str) and THOUSANDS.fullmatch(value.strip()):
        value = value.replace(",", "")
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    if math.isinf(number):
        raise ValueError("infinite")
    return None if math.isnan(number) else number


def category_of(value: Any) -> str | None:
    """Return a cell as a category: its text without blanks around it, whole numbers without `.0`; None where empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    whole = WHOLE.fullmatch(text)
    return (whole[1] if whole else text) or None


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: scaled by median and quartiles, with a mark where none is known.

    Robust scaling with smooth clipping after Holzmüller, Grinsztajn and Steinwart 2024, "Better by default".

    Args:
        name: The column.
        centre: Median of the training rows.
        scale: Distance of their quartiles; above 0.
    """

    kind: ClassVar[str] = "number"

    name: str
    centre: float
    scale: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_table` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        scale = float(table["scale"])
        if not scale > 0:
            raise ValueError("a scale is not above 0")
        return cls(str(table["name"]), float(table["centre"]), scale)

    def to_table(self) -> dict[str, Any]:
        """Return what the bundle's JSON holds."""
        return {"name": self.name, "kind": self.kind, "centre": self.centre, "scale": self.scale}

    @property
    def width(self) -> int:
        """Return how many numbers a cell becomes."""
        return 2

    def matrix(self, values: Sequence[Any]) -> NDArray[np.float32]:
        """Return the scaled number (0 where it is not known) and whether it is not known, shape (rows, 2).

        Raises:
            UsageError: If a cell is no finite number.
        """
        numbers = np.array([math.nan if number is None else number for number in self.plain(values)], dtype=np.float64)
        unknown = np.isnan(numbers)
        with np.errstate(over="ignore"):
            scaled = np.where(unknown, 0.0, (numbers - self.centre) / self.scale).clip(-SQUARABLE, SQUARABLE)
        scaled = scaled / np.sqrt(1 + (scaled / FARTHEST) ** 2)
        return np.stack([scaled, unknown], axis=1).astype(np.float32)

    def plain(self, values: Sequence[Any]) -> list[float | None]:
        """Return the numbers, None where none is known.

        Raises:
            UsageError: If a cell is no finite number.
        """
        return [self._number(value, row) for row, value in enumerate(values)]

    def _number(self, value: Any, row: int) -> float | None:
        try:
            return number_of(value)
        except (TypeError, ValueError) as error:
            what = INFINITE if str(error) == "infinite" else NO_NUMBER
            raise UsageError(
                Remark(
                    f"Row {row}: the column {self.name!r} holds numbers, and {str(value)[:60]!r} {what}.",
                    f"第 {row} 行：列 {self.name!r} 是数值列，而 {str(value)[:60]!r} {what.chinese}。",
                ),
                Remark(
                    "Give a finite number; leave the cell empty (null) where none is known.",
                    "请给出有限的数字；数值未知时把单元格留空（null）。",
                ),
            ) from error


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: one place each, one where none is known, one for all that training did not see.

    Args:
        name: The column.
        categories: Those that have a place of their own.
    """

    kind: ClassVar[str] = "category"

    name: str
    categories: tuple[str, ...]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_table` wrote."""
        return cls(str(table["name"]), tuple(map(str, table["categories"])))

    def to_table(self) -> dict[str, Any]:
        """Return what the bundle's JSON holds."""
        return {"name": self.name, "kind": self.kind, "categories": list(self.categories)}

    @property
    def width(self) -> int:
        """Return how many numbers a cell becomes."""
        return len(self.categories) + 2

    def plain(self, values: Sequence[Any]) -> list[str | None]:
        """Return the categories as texts, None where none is known."""
        return [category_of(value) for value in values]

    def numbers(self, values: Sequence[Any]) -> NDArray[np.int64]:
        """Return the place of each cell, shape (rows,): not known is the last but one, not seen before the last."""
        places = {category: place for place, category in enumerate(self.categories)}
        unknown, unseen = len(self.categories), len(self.categories) + 1
        found = (unknown if cell is None else places.get(cell, unseen) for cell in self.plain(values))
        return np.fromiter(found, dtype=np.int64, count=len(values))

    def matrix(self, values: Sequence[Any]) -> NDArray[np.float32]:
        """Return 1 at the place of each cell, else 0, shape (rows, width)."""
        return np.eye(self.width, dtype=np.float32)[self.numbers(values)]


KINDS: Mapping[str, type[NumberColumn | CategoryColumn]] = {"number": NumberColumn, "category": CategoryColumn}


@dataclass(frozen=True)
class FeatureColumns:
    """The columns that a model reads beside the text, or instead of it; part of the bundle.

    Args:
        columns: In the order of the matrix's columns.
    """

    columns: tuple[NumberColumn | CategoryColumn, ...]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_table` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        return cls(tuple(KINDS[own["kind"]].from_table(own) for own in table["columns"]))

    def to_table(self) -> dict[str, Any]:
        """Return what the bundle's JSON holds."""
        return {"columns": [column.to_table() for column in self.columns]}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def width(self) -> int:
        """Return how many numbers a row becomes."""
        return sum(column.width for column in self.columns)

    def matrix(self, features: Mapping[str, Sequence[Any]], rows: int) -> NDArray[np.float32]:
        """Return the rows as numbers.

        Args:
            features: The columns by name; further ones are left alone.
            rows: How many rows there are.

        Returns:
            Shape (rows, width).

        Raises:
            UsageError: If a column is missing, or a cell is no finite number where one belongs.
        """
        missing = [name for name in self.names if name not in features]
        if missing:
            raise UsageError(
                Remark(
                    f"The rows lack {'the column' if len(missing) == 1 else 'columns'} that this model reads: "
                    f"{', '.join(map(repr, missing))}.",
                    f"数据缺少模型要读的列：{'、'.join(map(repr, missing))}。",
                ),
                Remark(
                    "Give each of them; a cell may be empty (null) where its value is not known.",
                    "请逐一给出；数值未知的单元格可以留空（null）。",
                ),
            )
        parts = [column.matrix(features[column.name]) for column in self.columns]
        return np.concatenate([np.empty((rows, 0), np.float32), *parts], axis=1)

    def plain(self, features: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Return cells as what they are read as: numbers, texts of categories, None where not known.

        Args:
            features: The columns by name; those that the model does not read count as categories.

        Raises:
            UsageError: If a cell is no finite number where one belongs.
        """
        known = {column.name: column for column in self.columns}
        return {
            name: list(known.get(name, CategoryColumn(name, ())).plain(cells)) for name, cells in features.items()
        }  # fmt: skip

    def unknown(self, rows: int) -> NDArray[np.float32]:
        """Return rows of which nothing is known, shape (rows, width)."""
        return self.matrix({name: [None] * rows for name in self.names}, rows)


def verbalised(names: Sequence[str], cells: Sequence[Any], text: str = "") -> str:
    """Write columns as text: `amount: 100; channel: web.` and the text behind them.

    Args:
        names: The columns.
        cells: Their cells in one row.
        text: The row's own text.
    """
    told = "; ".join(
        f"{name.replace('_', ' ')}: {category_of(cell) or 'unknown'}" for name, cell in zip(names, cells, strict=True)
    )
    return f"{told}. {text}".strip()
