"""What decision tables say of items: what is blocked now, and what stands higher or lower.

A table sees `item` (`id`, `title`, `categories`, `tags`, `creator`, `price`, `stock`, `age_days`; null where unknown),
`context` (the declared columns; of unknown ones the empty text), `hour` (0 to 23, of the service's clock) and `weekday`
(1 is Monday), and answers with `OUTPUTS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.events import Item
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.knowledge.rules import DecisionTables

OUTPUTS = ("block", "boost", "rule")
"""`block`: true takes the item out of the list; `boost` is added to its standardised score; `rule` names the row."""

DAY = 86_400.0
TRIED = 500
"""Items on which tables are tried when they are opened, so that a wrong cell is known before anybody asks."""


@dataclass(frozen=True)
class RuleSettings:
    """The table `[rules]`: what the business says beside the model."""

    tables: tuple[str, ...] = setting((), "decision tables, JSON files: what is blocked or boosted, and when")


@dataclass(frozen=True)
class Ruled:
    """What the tables say of items.

    Args:
        blocked: Shape (items asked about,).
        boosts: What all rows add together, shape (items asked about,).
        rules: The names of the rows that hold for each.
    """

    blocked: NDArray[np.bool_]
    boosts: NDArray[np.float64]
    rules: Sequence[tuple[str, ...]]

    def select(self, rows: NDArray[np.bool_]) -> Ruled:
        """Return what is said of some of the items, shape (items asked about,)."""
        rules = [names for names, kept in zip(self.rules, rows.tolist(), strict=True) if kept]
        return Ruled(self.blocked[rows], self.boosts[rows], rules)


class BusinessRules:
    """Asks decision tables about items.

    Args:
        tables: The tables; without any nothing is blocked or boosted.
        columns: The declared columns of the context.
    """

    def __init__(self, tables: DecisionTables | None = None, columns: Sequence[str] = ()) -> None:
        self.tables = tables
        self.columns = columns

    def __bool__(self) -> bool:
        return self.tables is not None and len(self.tables) > 0

    def of(self, catalogue: Catalogue, items: NDArray[np.int64], situation: Situation) -> Ruled:
        """Return what the tables say.

        Args:
            catalogue: The items.
            items: Numbers of those asked about, shape (items asked about,).
            situation: When and in what context.

        Raises:
            DataError: If a cell cannot be evaluated, or gives what is no block or boost.
        """
        if not self or self.tables is None:
            return Ruled(np.zeros(len(items), bool), np.zeros(len(items)), [()] * len(items))
        here = self._situation(situation)
        facts = [{"item": _facts(catalogue.items[i], situation.moment), **here} for i in items.tolist()]
        rows = self.tables.rows_of_each(facts)
        return Ruled(
            np.array([any(_block(row) for row in mine) for mine in rows], bool),
            np.array([sum(_boost(row) for row in mine) for mine in rows], np.float64),
            [tuple(str(row["rule"]) for row in mine if row.get("rule")) for mine in rows],
        )

    def permitted(
        self, catalogue: Catalogue, ordered: NDArray[np.int64], count: int, situation: Situation
    ) -> NDArray[np.int64]:
        """Return the first items, at most `count`, that no table blocks; boosts are not looked at."""
        if not self:
            return ordered[:count]
        found = np.zeros(0, np.int64)
        for start in range(0, len(ordered), max(count, 50)):
            some = ordered[start : start + max(count, 50)]
            found = np.concatenate([found, some[~self.of(catalogue, some, situation).blocked]])
            if len(found) >= count:
                break
        return found[:count]

    def try_on(self, catalogue: Catalogue, now: float) -> None:
        """Ask about some of the items, so that what is wrong with a table shows at once.

        Raises:
            DataError: If a cell cannot be evaluated, or gives what is no block or boost.
        """
        self.of(catalogue, np.arange(min(TRIED, len(catalogue))), Situation(now))

    def _situation(self, situation: Situation) -> dict[str, Any]:
        now = datetime.fromtimestamp(situation.moment)
        context = {name: situation.context.get(name, "") for name in self.columns}
        return {"context": context, "hour": now.hour, "weekday": now.isoweekday()}


def _facts(item: Item, now: float) -> dict[str, Any]:
    return {
        "id": item.id, "title": item.title, "categories": list(item.categories), "tags": list(item.tags),
        "creator": item.creator, "price": item.price, "stock": item.stock,
        "age_days": None if item.published is None else (now - item.published) / DAY,
    }  # fmt: skip


def _block(row: Mapping[str, Any]) -> bool:
    said = row.get("block")
    if said not in (None, "", True, False):
        raise DataError(
            Remark(f"A decision table gives the block {said!r}.", f"决策表给出的 block 是 {said!r}。"),
            Remark("Valid: true, false, or none.", "可用：true、false 或空。"),
        )
    return said is True


def _boost(row: Mapping[str, Any]) -> float:
    said = row.get("boost")
    if said in (None, ""):
        return 0.0
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not math.isfinite(said):
        raise DataError(
            Remark(f"A decision table gives the boost {said!r}.", f"决策表给出的 boost 是 {said!r}。"),
            Remark("Valid: a number, such as 0.5 or -1, or none.", "可用：数，例如 0.5 或 -1，或空。"),
        )
    return float(said)
