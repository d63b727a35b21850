"""The short training that follows pruning: by the recipe's own settings, taught by the model as it was."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from feilun.bundles.runtime import Runtime
from feilun.core.prediction import Decision
from feilun.core.splits import Splits
from feilun.models.text_model import TextModel
from feilun.training.distil import DistilSettings, Lessons, lessons_of
from feilun.training.fit import fit
from feilun.training.trackers.run_folder import RunFolder
from feilun.workflow.recipe import Recipe
from feilun.workflow.run import Run
from feilun.workflow.screen import Screen


@dataclass(frozen=True)
class Recovery:
    """Trains a pruned model; what `compression.pruned` calls.

    Args:
        recipe: Its `[training]`, for `compression.prune_epochs`.
        splits: The rows that the model learned from.
        run: Holds the checkpoints.
        lessons: What the recipe's teachers say; without them the model as it was teaches, where it gives one label.
        resume: Go on where it was stopped.
        screen: What the user sees meanwhile.
    """

    recipe: Recipe
    splits: Splits
    run: Run
    lessons: Lessons | None
    resume: bool
    screen: Screen

    def __call__(self, model: TextModel, source: Runtime) -> None:
        """Train a model in place; `source` is what it was before it was pruned."""
        settings = self.recipe.compression
        identity = hashlib.sha256(f"{self.run.identity} {settings.prune} {settings.prune_epochs}".encode()).hexdigest()
        folder = self.run.folder / "small" / "recovery"
        training = replace(self.recipe.training, epochs=settings.prune_epochs)
        with self.screen.training() as watcher:
            fit(
                model, self.splits, training, RunFolder(folder), folder, identity=identity, resume=self.resume,
                watcher=watcher, lessons=self.lessons or lessons_from(source, self.splits, training.distil),
            )  # fmt: skip


def lessons_from(source: Runtime, splits: Splits, settings: DistilSettings) -> Lessons | None:
    """Return what a model says about its own training rows; None of tasks that do not give one label."""
    if not isinstance(source.decision, Decision) or source.decision.task not in {"classify", "match"}:
        return None
    return lessons_of([source.decision.probabilities(source.logits(splits.train))], settings)
