"""The candidate generators by name; a further one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from feilun.apps.recommendation.candidates.als import AlternatingLeastSquares
from feilun.apps.recommendation.candidates.ease import Ease
from feilun.apps.recommendation.candidates.generator import Generator
from feilun.apps.recommendation.candidates.in_segment import PopularInSegment, RecentInSegment
from feilun.apps.recommendation.candidates.interest import Interest
from feilun.apps.recommendation.candidates.item_neighbours import ItemNeighbours
from feilun.apps.recommendation.candidates.popular import Popular, Trending
from feilun.apps.recommendation.candidates.recent import Recent
from feilun.apps.recommendation.candidates.same_category import SameCategory
from feilun.apps.recommendation.candidates.same_creator import SameCreator
from feilun.apps.recommendation.candidates.text_neighbours import TextNeighbours

GENERATORS: Mapping[str, Callable[[], Generator]] = {
    "ease": Ease,
    "als": AlternatingLeastSquares,
    "item-neighbours": ItemNeighbours,
    "text": TextNeighbours,
    "interest": Interest,
    "popular": Popular,
    "trending": Trending,
    "popular-in-segment": PopularInSegment,
    "recent": Recent,
    "recent-in-segment": RecentInSegment,
    "same-category": SameCategory,
    "same-creator": SameCreator,
}

OF_SEGMENT = ("popular-in-segment", "recent-in-segment")
"""Generators that part the users by `context.segment`."""

IMPERSONAL = ("popular", "trending", "recent", *OF_SEGMENT)
"""Generators that look at no history."""
