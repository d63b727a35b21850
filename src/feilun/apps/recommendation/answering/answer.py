"""What a recommender answers: a list of items, each with its reason and its chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feilun.apps.recommendation.answering.explain import Reason
from feilun.apps.recommendation.records.events import Item
from feilun.core.remark import Remark

ALL_TAKEN = Remark("Everything was taken already; items come again.", "所有商品都已选过，重新推荐。")
NOTHING_SHOWN = Remark("The catalogue has nothing that may be shown.", "目录里没有可以展示的商品。")
"""What a reader of a list should know."""


@dataclass(frozen=True)
class Recommended:
    """One place of a list.

    Args:
        item: The item.
        score: The final score.
        probability: Of a click, were it in the first place, or that it is taken next, by the answer's `basis`; None
            where it is not known.
        reason: Why it is there.
        contributions: What each feature added to the score, the largest first; empty where nobody asked.
        propensity: How likely the policy put it there, given what stands above.
        explored: Whether chance put it there.
        rules: Names of the rows of decision tables that hold for it.
    """

    item: Item
    score: float
    probability: float | None
    reason: Reason
    contributions: Mapping[str, float]
    propensity: float
    explored: bool
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A list for a user.

    Args:
        id: Names this ranking, for the interactions that follow from it.
        user: Who asked.
        time: Seconds since 1970.
        version: The model.
        personal: Whether the user's history was looked at.
        places: The list, best first.
        note: What the reader should know, such as that all items were taken already; else empty.
        basis: What probabilities are of: `impressions`, a click on a shown item; `next`, that a candidate is what is
            taken next, shown or not; empty where none are told.
        base_rate: How often that is so of any item; None where no probabilities are told.
        context: That was looked at.
    """

    id: str
    user: str
    time: float
    version: str
    personal: bool
    places: Sequence[Recommended]
    note: str = ""
    basis: str = ""
    base_rate: float | None = None
    context: Mapping[str, str] = field(default_factory=dict)
