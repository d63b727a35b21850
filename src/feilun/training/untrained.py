"""No training: the base as it is becomes a bundle, where it can do the task without a head that would have to learn."""

from __future__ import annotations

from pathlib import Path

from feilun.core.ports import Tracker
from feilun.core.splits import Splits
from feilun.models.text_model import TextModel
from feilun.training.checkpoint import Progress
from feilun.training.distil import Lessons
from feilun.training.fit import Watcher
from feilun.training.forward import Team, single_process
from feilun.training.settings import TrainingSettings


def leave_untrained(
    model: TextModel,
    splits: Splits,
    settings: TrainingSettings,
    tracker: Tracker,
    folder: Path,
    *,
    identity: str,
    resume: bool = False,
    watcher: Watcher | None = None,
    lessons: Lessons | None = None,
    team: Team = single_process,
) -> Progress:
    """Change nothing in a model; args are those of `fit`."""
    return Progress(finished=True)
