"""Targets of several tasks: each task's own are read by its own kind, so that there is nothing to read of them here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from feilun.core.decisions.multitask import TaskTarget
from feilun.core.errors import UsageError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.core.labels import LabelSet
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings


class Several:
    """Refuses to read the targets of all tasks from one column."""

    lists: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Refuse, as one column holds the targets of one task.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            Remark(
                "A column of targets is that of one task: rows of several tasks are read task by task.",
                "一个目标列只属于一个任务：多个任务的数据须逐个任务读取。",
            )
        )

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Refuse, as `read` does.

        Raises:
            UsageError: Always.
        """
        self.read(loaded, settings)
        raise AssertionError("not reached")

    def names(self, target: TaskTarget) -> Sequence[str]:
        """Return no labels: those of a task mean nothing without it."""
        return ()

    def strata(self, targets: Sequence[TaskTarget]) -> Sequence[Hashable]:
        """Return the task of each row."""
        return [target.task for target in targets]
