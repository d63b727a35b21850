"""The ways of training by the name that `training.method` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from feilun.core.ports import Tracker
from feilun.core.splits import Splits
from feilun.models.text_model import TextModel
from feilun.training.checkpoint import Progress
from feilun.training.distil import Lessons
from feilun.training.few_shot import fit_contrastive
from feilun.training.fit import Watcher, fit
from feilun.training.forward import Team, single_process
from feilun.training.settings import TrainingSettings
from feilun.training.untrained import leave_untrained


class Method(Protocol):
    """Trains a model in place; `fit` is one, and says what the arguments are."""

    def __call__(
        self,
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
        """Train a model and leave it with its best weights."""
        ...


METHODS: Mapping[str, Method] = {"fine-tune": fit, "contrastive": fit_contrastive, "none": leave_untrained}
