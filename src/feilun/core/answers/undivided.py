"""An answer that people call right or wrong as a whole: written texts, relevances, several tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.errors import UsageError

if TYPE_CHECKING:
    from feilun.core.observation import Observation


class Undivided:
    """No right answer can be named beside the predicted one."""

    field: ClassVar[str] = "label"
    thumbs: ClassVar[bool] = True
    in_a_cell: ClassVar[str] = "nothing"

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return the answer of a prediction, in its JSON form."""
        return prediction.get(self.field)

    def target(self, answer: Any) -> str:
        """Return the answer as it is shown."""
        return str(answer)

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> str:
        """Refuse.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"No right answer can be named of what {found.bundle} gives.",
            'Give "thumbs" ("up" or "down"), or a "text".',
        )

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the answer as a cell."""
        return (target,)

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether it is the predicted one."""
        return bool(prediction["label"] == target)
