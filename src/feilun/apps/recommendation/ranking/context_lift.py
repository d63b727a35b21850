"""How well an item goes with a context: whether who is on a phone, or in a city, takes it more often than others do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Context
from feilun.apps.recommendation.records.interactions import Interactions

LIFT = "_lift"
SURE_OF_ITEM, SURE_OF_CATEGORY = 10.0, 20.0
"""Interactions from which on an item says as much as its category does, and a category as much as all items."""

Lifts = Mapping[str, Mapping[str, NDArray[np.float32]]]
"""By column and value, the logarithm of how much more often the value goes with an item than with all, (items,)."""


def lift_name(column: str) -> str:
    """Return what the feature of a column of context is called."""
    return f"{column}{LIFT}"


def lifts_of(interactions: Interactions, catalogue: Catalogue) -> Lifts:
    """Compare what is taken in each context with what is taken at all.

    The share of a value among an item's interactions is drawn towards that among its first category's, and this towards
    that among all.

    Args:
        interactions: With their context.
        catalogue: The items.
    """
    context, found = interactions.context, {}
    first = np.array([own[0] if own else -1 for own in catalogue.categories], np.int64)
    for column, name in enumerate(context.names):
        known = context.codes[:, column] >= 0
        items, codes = interactions.item[known], context.codes[known, column]
        found[name] = {
            value: _lift(items, codes == code, first, len(catalogue.names))
            for code, value in enumerate(context.values[column])
            if (codes == code).any()
        }
    return found


def lift_columns(lifts: Lifts, context: Context, items: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Return the features of candidates in a context; an unknown value has none.

    Args:
        lifts: Of all items.
        context: In which a list is asked for.
        items: Of the candidates, shape (candidates,).
    """
    of_values = {name: lifts.get(name, {}).get(value) for name, value in context.items()}
    return {lift_name(name): lift[items] for name, lift in of_values.items() if lift is not None}


def _lift(
    items: NDArray[np.int64], there: NDArray[np.bool_], category: NDArray[np.int64], categories: int
) -> NDArray[np.float32]:
    """Return the logarithm of the lift of a value, shape (items,); where it is in `there` of the interactions."""
    everywhere = there.mean()
    of_category = _share(category[items], there, np.full(categories + 1, everywhere), SURE_OF_CATEGORY)
    of_category[-1] = everywhere
    of_item = _share(items, there, of_category[category], SURE_OF_ITEM)
    lift: NDArray[np.float32] = np.log(of_item / everywhere).astype(np.float32)
    return lift


def _share(
    cells: NDArray[np.int64], there: NDArray[np.bool_], prior: NDArray[np.float64], sure_after: float
) -> NDArray[np.float64]:
    """Return the share of a value among the interactions of each cell, drawn towards a prior, shape (cells,)."""
    inside = cells >= 0
    counts = np.bincount(cells[inside], minlength=len(prior))[: len(prior)]
    with_value = np.bincount(cells[inside & there], minlength=len(prior))[: len(prior)]
    found: NDArray[np.float64] = (with_value + sure_after * prior) / (counts + sure_after)
    return found
