"""A set of labels is right, which may be empty."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.answers.one_label import refuse_unknown
from feilun.core.errors import UsageError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.core.observation import Observation

SEPARATOR = "|"
"""Stands between the labels of a cell that a person filled in."""


class LabelSetAnswer:
    """An answer is a list of label names; as a target a sorted tuple."""

    field: ClassVar[str] = "labels"
    thumbs: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    in_a_cell: ClassVar[str] = Remark(
        Remark("labels with | between them, or [] where none applies", "以 | 分隔的标签，没有标签时填 []"),
        "以 | 分隔的标签，都不适用时为 []",
    )

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return the answer of a prediction, in its JSON form."""
        return prediction.get(self.field)

    def target(self, answer: Any) -> tuple[str, ...]:
        """Return the labels, sorted."""
        return tuple(sorted(answer))

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> list[str]:
        """Return the labels that a person named, sorted: a list, or a cell of a table with `|` between them.

        Raises:
            UsageError: If the model has none of such a name.
        """
        labels = sorted(set(_split(said, names) if isinstance(said, str) else map(str, said)))
        for label in labels:
            refuse_unknown(label, names, found.bundle)
        return labels

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the labels as one cell, a list."""
        return (list(target),)

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether the sets are the same."""
        return bool(self.target(prediction["labels"]) == target)


def _split(cell: str, names: Collection[str]) -> list[str]:
    if cell in names:
        return [cell]
    if not cell.startswith("["):
        return [part.strip() for part in cell.split(SEPARATOR) if part.strip()]
    try:
        return [str(label) for label in json.loads(cell)]
    except ValueError as error:
        raise UsageError(
            Remark(f"{cell[:60]!r} is no list of labels ({error}).", f"{cell[:60]!r} 不是标签列表（{error}）。"),
            Remark(
                f"Write a {SEPARATOR} b, or [] where no label applies.",
                f"请写成 a {SEPARATOR} b；没有标签时写 []。",
            ),
        ) from error
