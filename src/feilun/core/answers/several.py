"""The answers of several tasks: people tell the right one task by task, as if each had a model of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.errors import UsageError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.core.answers.table import AnswerKind
    from feilun.core.decisions.multitask import TaskTarget
    from feilun.core.observation import Observation


class SeveralAnswers:
    """A thumb is given to all answers at once; anything else to one, whose observation names its task.

    Args:
        kinds: What the answers of each kind of task are.
    """

    field: ClassVar[str] = "tasks"
    thumbs: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    in_a_cell: ClassVar[str] = Remark(
        Remark("the right answer to the task that the observation names", "观测所指任务的正确回答"),
        "observation 所指任务的正确答案",
    )

    def __init__(self, kinds: Mapping[str, AnswerKind]) -> None:
        self.kinds = kinds

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return all answers as they are shown."""
        return prediction.get("label")

    def target(self, answer: Any) -> str:
        """Return what is shown."""
        return str(answer)

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> Any:
        """Refuse: which task is meant is not said.

        Raises:
            UsageError: Always.
        """
        places = [part.id for part in found.parts]
        raise UsageError(
            Remark(f"{found.bundle} answers several tasks.", f"{found.bundle} 同时回答多个任务。"),
            Remark(f"Name the one that is meant: {', '.join(places)}.", f"请指明是哪一个：{'、'.join(places)}。"),
        )

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the answer as a cell."""
        return (target,)

    def right(self, prediction: Mapping[str, Any], target: TaskTarget) -> bool:
        """Say whether the answer to the target's own task was right."""
        return self.kinds[target.kind].right(prediction["tasks"][target.task], target.value)
