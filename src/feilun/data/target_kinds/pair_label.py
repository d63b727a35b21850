"""One label for two texts: as for one text, but neither may be empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.data.target_kinds.label import OneLabel

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings


class PairLabel(OneLabel):
    """A label is the text of its cell; rows without a second text are dropped."""

    pairs: ClassVar[bool] = True

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Drop rows without a second text.

        Raises:
            DataError: If no row has one.
        """
        drop_empty_pairs(loaded, settings)


def drop_empty_pairs(loaded: Loaded, settings: DataSettings) -> None:
    """Drop rows whose second text is empty, and count them.

    Raises:
        DataError: If that leaves none.
    """
    kept = np.array([bool(text.strip()) for text in loaded.corpus.pair or ()], dtype=np.bool_)
    if not kept.any():
        raise DataError(
            Remark(
                f"No row of {shown(loaded.source)} has a second text: the column {settings.pair!r} is empty.",
                f"{shown(loaded.source)} 没有一行有第二个文本：列 {settings.pair!r} 是空的。",
            ),
            Remark("Name the column of second texts in data.pair.", "请在 data.pair 中填写第二个文本所在的列。"),
        )
    loaded.drop(Remark("empty second text", "第二个文本为空"), kept)
