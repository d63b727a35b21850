"""One label a row, as it stands in the cell."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from feilun.core.labels import LabelSet
from feilun.data import targets

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings


class OneLabel:
    """A label is the text of its cell."""

    lists: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Leave the cells as they are."""

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return the different labels.

        Raises:
            DataError: If there is one label only, or nearly every row has its own.
        """
        targets.check_labels(loaded, settings.targets[0])
        return targets.label_set(loaded.corpus.target or ()), []

    def names(self, target: str) -> Sequence[str]:
        """Return the label."""
        return (target,)

    def strata(self, targets: Sequence[str]) -> Sequence[Hashable]:
        """Return the labels."""
        return targets
