"""What is compared between two samples of predictions: categories, numbers, or sets of labels, one a row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.remark import Remark, joined
from feilun.monitoring.permutation import Floats, Outcome, compare_categories, compare_ordered, compare_sets

MEAN, MEDIAN = Remark("mean", "均值"), Remark("median", "中位数")

DESCRIBED: Mapping[str, tuple[Remark, str]] = {
    "scores": (MEAN, ".3f"),
    "unknown": (MEAN, ".1%"),
    "log_likelihood": (MEAN, ".3f"),
    "characters": (MEDIAN, ".0f"),
}
"""By which figure a change of numbers is told, and how it is written; of all others the median."""


class Values(Protocol):
    """One signal of a sample, a value a row."""

    kind: ClassVar[str]

    def __len__(self) -> int: ...

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Return the values of the rows at these indices."""
        ...

    def compare(self, other: Self, permutations: int, generator: np.random.Generator) -> Outcome | None:
        """Test whether another sample has the same distribution; None where both are one and the same value."""
        ...

    def change(self, other: Self, name: str) -> str:
        """Return what is most different in another sample, in words."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the form for profile.json, which `read_values` reads."""
        ...


@dataclass(frozen=True)
class Categories:
    """A category a row.

    Args:
        values: They.
    """

    kind: ClassVar[str] = "categories"

    values: tuple[str, ...]

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            KeyError, IndexError, TypeError, ValueError: If it is not of that form.
        """
        names = table["names"]
        return cls(tuple(str(names[i]) for i in table["values"]))

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Return the values of the rows at these indices."""
        return type(self)(tuple(self.values[i] for i in rows))

    def shares(self) -> dict[str, float]:
        """Return the share of each category, largest first."""
        return {name: count / len(self.values) for name, count in Counter(self.values).most_common()}

    def compare(self, other: Self, permutations: int, generator: np.random.Generator) -> Outcome | None:
        """Test the shares of the categories."""
        if len({*self.values, *other.values}) < 2:
            return None
        first, second = (np.asarray(one.values, dtype=object).astype(str) for one in (self, other))
        return compare_categories(first, second, permutations, generator)

    def change(self, other: Self, name: str) -> str:
        """Name the category whose share changed most."""
        return _largest_change(self.shares(), other.shares())

    def to_json(self) -> dict[str, Any]:
        """Return names and, of each row, which."""
        names, index = np.unique(np.asarray(self.values, dtype=object), return_inverse=True)
        return {"kind": self.kind, "names": names.tolist(), "values": index.tolist()}


@dataclass(frozen=True)
class Numbers:
    """A number a row.

    Args:
        values: They, shape (rows,); not a number where none is known.
    """

    kind: ClassVar[str] = "numbers"

    values: Floats

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: If it is not of that form.
        """
        return cls(np.array([math.nan if value is None else value for value in table["values"]], dtype=np.float64))

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Return the values of the rows at these indices."""
        return type(self)(self.values[rows] if len(self.values) else self.values)

    def quantiles(self, *shares: float) -> list[float]:
        """Return quantiles of the known numbers; none where none is known."""
        known = self.values[~np.isnan(self.values)]
        return np.quantile(known, shares).tolist() if len(known) else []

    def compare(self, other: Self, permutations: int, generator: np.random.Generator) -> Outcome | None:
        """Test the distributions, and the shares of those that are not known."""
        if not len(self) or not len(other) or len(np.unique(np.concatenate([self.values, other.values]))) < 2:
            return None
        return compare_ordered(self.values, other.values, permutations, generator)

    def change(self, other: Self, name: str) -> str:
        """Return mean or median of both, and of how many rows none is known."""
        return joined([self._told(name), other._told(name)], " → ", " → ")

    def _told(self, name: str) -> Remark:
        figure, form = DESCRIBED.get(name, (MEDIAN, ".6g"))
        unknown = np.isnan(self.values)
        known = self.values[~unknown]
        if not len(known):
            return Remark("none known", "都未知")
        value = f"{known.mean() if figure == MEAN else np.median(known):{form}}"
        told = Remark(f"{figure} {value}", f"{figure.chinese} {value}")
        share = f"{unknown.mean():.1%}"
        return joined([told, Remark(f"{share} not known", f"{share} 未知")], ", ", "，") if unknown.any() else told

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, null where none is known."""
        values = [None if math.isnan(value) else value for value in self.values.tolist()]
        return {"kind": self.kind, "values": values}


@dataclass(frozen=True)
class Sets:
    """A set of labels a row, which may be empty.

    Args:
        values: They, each sorted.
    """

    kind: ClassVar[str] = "sets"

    values: tuple[tuple[str, ...], ...]

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            KeyError, IndexError, TypeError, ValueError: If it is not of that form.
        """
        sets = [tuple(map(str, one)) for one in table["sets"]]
        return cls(tuple(sets[i] for i in table["values"]))

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Return the values of the rows at these indices."""
        return type(self)(tuple(self.values[i] for i in rows))

    def shares(self) -> dict[str, float]:
        """Return the share of the rows that have each label, largest first."""
        counts = Counter(label for own in self.values for label in own)
        return {name: count / len(self.values) for name, count in counts.most_common()}

    def compare(self, other: Self, permutations: int, generator: np.random.Generator) -> Outcome | None:
        """Test the shares of the labels, the labels of a row staying together."""
        if len({*self.values, *other.values}) < 2:
            return None
        return compare_sets(self.values, other.values, permutations, generator)

    def change(self, other: Self, name: str) -> str:
        """Name the label whose share changed most."""
        return _largest_change(self.shares(), other.shares())

    def to_json(self) -> dict[str, Any]:
        """Return the different sets and, of each row, which."""
        numbers: dict[tuple[str, ...], int] = {}
        values = [numbers.setdefault(own, len(numbers)) for own in self.values]
        return {"kind": self.kind, "sets": [list(own) for own in numbers], "values": values}


KINDS: Mapping[str, type[Categories | Numbers | Sets]] = {kind.kind: kind for kind in (Categories, Numbers, Sets)}


def read_values(table: Mapping[str, Any]) -> Values:
    """Read a signal of a profile.

    Raises:
        KeyError, IndexError, TypeError, ValueError: If it is none.
    """
    return KINDS[table["kind"]].from_json(table)


def numbers_of(values: Sequence[float | None], digits: int | None = None) -> Numbers:
    """Return numbers as a signal, rounded to so many digits; None where none is known."""
    found = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    return Numbers(found if digits is None else found.round(digits))


def _largest_change(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    shares = {name: (before.get(name, 0.0), after.get(name, 0.0)) for name in {*before, *after}}
    name, (was, now) = max(sorted(shares.items()), key=lambda item: abs(item[1][1] - item[1][0]))
    return f"{name} {was:.1%} → {now:.1%}"
