"""An answer to the prompt in the text column: any text."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.data.paths import column_of

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

FEWEST_ANSWERS = 2


class AnswerText:
    """A target is the text of its cell, which the model reads behind the prompt while it learns."""

    lists: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Leave the cells as they are."""

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return no labels, and how many different answers there are.

        Raises:
            DataError: If all answers are the same.
        """
        answers: Sequence[str] = loaded.corpus.target or ()
        distinct = len(set(answers))
        place = column_of(settings.targets[0], loaded.source)
        if distinct < FEWEST_ANSWERS:
            raise DataError(
                Remark(
                    f"All {len(answers):,} rows have the same answer ({place}): there is nothing to learn.",
                    f"{place.chinese}中 {len(answers):,} 行的回答都相同：没有可学的内容。",
                ),
                Remark("Name the column of answers in data.target.", "请在 data.target 中填写回答列。"),
            )
        few = distinct <= len(answers) / 20
        hint = Remark(
            f'There are {distinct:,} different answers ({place}): task = "classify" fits such data better.',
            f'{place.chinese}只有 {distinct:,} 种不同的回答：这样的数据更适合 task = "classify"。',
        )
        return LabelSet(()), [hint] if few else []

    def names(self, target: str) -> Sequence[str]:
        """Return no labels."""
        return ()

    def strata(self, targets: Sequence[str]) -> Sequence[Hashable]:
        """Return the same for all: there is nothing to hold the share of."""
        return [0] * len(targets)
