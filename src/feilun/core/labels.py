"""The names of the classes, in an order that travels with the bundle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import DataError, nearest
from feilun.core.remark import Remark, said_in


@dataclass(frozen=True)
class LabelSet:
    """An ordered set of label names.

    Args:
        names: The names; the position of a name is its class index.
    """

    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Turn names into class indices.

        Args:
            labels: Label names, one a row.

        Returns:
            Class indices of shape (rows,).

        Raises:
            DataError: If a label is not in the set; every unknown one is named.
        """
        unknown = sorted({label for label in labels if label not in self._index})
        if unknown:
            shown, hint = [repr(label) for label in unknown[:5]], nearest(unknown[0], self.names)
            raise DataError(
                Remark(
                    f"{len(unknown)} label(s) were not seen in training: {', '.join(shown)}. {hint}",
                    f"有 {len(unknown)} 个标签在训练中没有出现过：{'、'.join(shown)}。{said_in('zh', hint)}",
                ),
                Remark(
                    "Correct the labels, or add such rows to the training data.",
                    "请改正这些标签，或在训练数据中补充这样的行。",
                ),
            )
        return np.fromiter((self._index[label] for label in labels), dtype=np.int64, count=len(labels))

    def decode(self, indices: Iterable[int]) -> list[str]:
        """Turn class indices into names."""
        return [self.names[i] for i in indices]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}
