"""An answer to the prompt in the text column: any text."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.data.paths import shown

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

FEWEST_ANSWERS = 2


class AnswerText:
    """A target is the text of its cell, which the model reads behind the prompt while it learns."""

    lists: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Leave the cells as they are."""

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return no labels, and how many different answers there are.

        Raises:
            DataError: If all answers are the same.
        """
        answers: Sequence[str] = loaded.corpus.target or ()
        distinct = len(set(answers))
        place = f"column {settings.targets[0]!r} of {shown(loaded.source)}"
        if distinct < FEWEST_ANSWERS:
            raise DataError(
                f"All {len(answers):,} rows have the same answer ({place}): there is nothing to learn.",
                "Name the column of answers in data.target.",
            )
        few = distinct <= len(answers) / 20
        hint = [f'There are {distinct:,} different answers ({place}): task = "classify" fits such data better.']
        return LabelSet(()), hint if few else []

    def names(self, target: str) -> Sequence[str]:
        """Return no labels."""
        return ()

    def strata(self, targets: Sequence[str]) -> Sequence[Hashable]:
        """Return the same for all: there is nothing to hold the share of."""
        return [0] * len(targets)
