"""How relevant a candidate is to a query: a grade."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.answers.numbers import finite
from feilun.core.decisions.rank import NAMES
from feilun.core.errors import UsageError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.core.observation import Observation


class Relevance:
    """An answer is a grade from 0, where a candidate is not relevant; as a target a number.

    A prediction has its relevance on a scale of the model's own, which is no grade: as an answer it is 1 where the
    candidate is taken to be relevant at all, and 0 where it is not.
    """

    field: ClassVar[str] = "relevance"
    thumbs: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    in_a_cell: ClassVar[str] = Remark(
        Remark(
            "a grade: 0 where the candidate is not relevant, 1 or higher where it is",
            "等级：候选不相关填 0，相关填 1 或更高",
        ),
        "等级：候选不相关为 0，相关为 1 或更高",
    )

    def own(self, prediction: Mapping[str, Any]) -> float:
        """Return 1 where the candidate was taken to be relevant, else 0."""
        return float(prediction["label"] == NAMES[1])

    def target(self, answer: Any) -> float:
        """Return the grade."""
        return float(answer)

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> float:
        """Return the grade that a person told.

        Raises:
            UsageError: If it is no finite number from 0.
        """
        grade = finite(said, self.field)
        if grade < 0:
            raise UsageError(
                Remark(
                    f"relevance is {grade:g}, and grades begin at 0.",
                    f"relevance 是 {grade:g}，而等级从 0 开始。",
                ),
                Remark(
                    "Say 0 where the candidate is not relevant, and 1 or a higher grade where it is.",
                    "候选不相关时写 0，相关时写 1 或更高的等级。",
                ),
            )
        return grade

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the grade as a cell."""
        return (target,)

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether the candidate was rightly taken to be relevant at all, or not."""
        return bool((target > 0) == (self.own(prediction) > 0))
